import ClinicalParameters
import Kernels

/// How the extra channels are normalised: centre and scale of each, from training windows alone.
struct ChannelStatistics {
    let centres: [Float]
    let scales: [Float]

    /// As many windows say enough: they are spread evenly over the training windows.
    private static let windowsMax = 1_000
    /// Of a curve every so many samples are looked at.
    private static let sampleStep = 5

    init(centres: [Float], scales: [Float]) {
        (self.centres, self.scales) = (centres, scales)
    }

    /// Statistics of training windows.
    ///
    /// - Parameters:
    ///   - windows: Their numbers.
    ///   - curves: The channels of a window.
    /// - Throws: When a window cannot be read.
    init(windows: [Int], curves: (_ window: Int) throws -> [[Float]]) throws {
        var values = Array(repeating: [Double](), count: ChannelSignals.count)
        let stride = (windows.count + Self.windowsMax - 1) / Self.windowsMax
        for index in Swift.stride(from: 0, to: windows.count, by: max(1, stride)) {
            for (channel, curve) in try curves(windows[index]).enumerated() {
                for i in Swift.stride(from: 0, to: curve.count, by: Self.sampleStep)
                where curve[i].isFinite {
                    values[channel].append(Double(Self.prepared(curve[i], channel)))
                }
            }
        }
        let pairs = values.enumerated().map { Self.centreAndScale($1, $0) }
        self.init(
            centres: pairs.map { Float($0.centre) },
            scales: pairs.map { Float($0.scale) > 0 ? Float($0.scale) : 1 })
    }

    private static func centreAndScale(
        _ values: [Double], _ channel: Int
    ) -> (centre: Double, scale: Double) {
        guard !values.isEmpty else { return (0, 1) }
        let sorted = values.sorted()
        switch ChannelSignals.normalisations[channel] {
        case .none: return (0, 1)
        case .quartiles:
            func quantile(_ q: Double) -> Double { sorted[Int(q * Double(sorted.count - 1))] }
            return (quantile(0.5), quantile(0.75) - quantile(0.25))
        case .range:
            let (low, high) = (sorted[0], sorted[sorted.count - 1])
            return ((low + high) / 2, (high - low) / 2)
        case .deviation, .logarithm:
            let mean = values.reduce(0, +) / Double(values.count)
            let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            return (mean, (squares / Double(values.count)).squareRoot())
        }
    }

    private static func prepared(_ value: Float, _ channel: Int) -> Float {
        guard case .logarithm = ChannelSignals.normalisations[channel] else { return value }
        return Float(ElementaryFunctions.logarithm(1 + Double(max(0, value))))
    }

    /// A channel's normalised curve, within the limit of clinical features; 0 where there is nothing to say.
    func normalise(_ curve: [Float], channel: Int) -> [Float] {
        let limit = FeatureStatistics.limit
        return curve.map { value in
            guard value.isFinite else { return 0 }
            let scaled = (Self.prepared(value, channel) - centres[channel]) / scales[channel]
            return scaled < -limit ? -limit : scaled > limit ? limit : scaled
        }
    }
}
