import Electrocardiography
import Kernels

/// Clinical parameters as eleven further channels of a window, all from lead II, at the window's own rate.
///
/// The layout of the study of hybrid ECG-JEPA input with its faults repaired: rates and times follow the window's
/// rate, the wavelet transform has its three levels whatever the length, and statistics come from training windows. A
/// value that was not measured is NaN; `ChannelStatistics` makes it 0.
public enum ClinicalChannels {
    /// Names of the channels, in order.
    public static let names = [
        "r_peaks", "heart_rate_per_minute", "smoothed_heart_rate_per_minute", "st_deviation_mv",
        "median_r_mv", "rr_sd_ms", "rmssd_ms", "wavelet_approximation", "wavelet_detail_3",
        "wavelet_detail_2", "wavelet_detail_1",
    ]
    /// Channels of a window.
    public static var count: Int { names.count }

    /// The channels of a window.
    ///
    /// - Parameters:
    ///   - leadII: The window's lead II in mV.
    ///   - measurements: What was measured on the same window, at the same rate.
    /// - Returns: `count` channels as long as the window.
    /// - Precondition: The measurements are of a window of this length.
    public static func values(
        leadII: [Float], measurements: ClinicalMeasurements
    ) -> [[Float]] {
        precondition(
            leadII.count == measurements.sampleCount,
            "a lead of \(leadII.count) samples, measurements of \(measurements.sampleCount)")
        let length = leadII.count
        func constant(_ value: Double?) -> [Float] {
            [Float](repeating: value.map { Float($0) } ?? .nan, count: length)
        }
        var peaks = [Float](repeating: 0, count: length)
        for beat in measurements.beats { peaks[beat.rSample] = 1 }
        let rates = heartRates(measurements)
        let smoothed = rates.indices.map { i -> Float in
            let near = rates[max(0, i - 2)...min(rates.count - 1, i + 2)].filter { !$0.isNaN }
            guard !near.isEmpty, !rates[i].isNaN else { return .nan }
            return near.reduce(0, +) / Float(near.count)
        }
        var channels = [
            peaks, steps(rates, measurements), steps(smoothed, measurements),
            deviation(leadII, measurements),
            constant(measurements.leads[Lead.ii.rawValue].rMillivolts),
            constant(measurements.rhythm.rrSDMilliseconds),
            constant(measurements.rhythm.rmssdMilliseconds),
        ]
        channels += StationaryWavelet.transform(leadII)
        return channels
    }

    /// The rate of each interval between beats; NaN across a gap.
    private static func heartRates(_ measurements: ClinicalMeasurements) -> [Float] {
        zip(measurements.beats, measurements.beats.dropFirst()).map {
            guard !measurements.isGap(between: $0.rSample, and: $1.rSample) else { return .nan }
            let samples = max(1, $1.rSample - $0.rSample)
            return Float(60 * measurements.sampleRateHz / Double(samples))
        }
    }

    /// Each interval's value from one beat to the next; the first and last go on to the ends.
    private static func steps(
        _ values: [Float], _ measurements: ClinicalMeasurements
    ) -> [Float] {
        guard let first = values.first, let last = values.last else {
            return [Float](repeating: .nan, count: measurements.sampleCount)
        }
        var result = [Float](repeating: last, count: measurements.sampleCount)
        let beats = measurements.beats
        for t in 0..<beats[0].rSample { result[t] = first }
        for (i, value) in values.enumerated() {
            for t in beats[i].rSample..<beats[i + 1].rSample { result[t] = value }
        }
        return result
    }

    /// The lead against the level before QRS, from 80 to 200 ms after R; 0 elsewhere.
    private static func deviation(
        _ lead: [Float], _ measurements: ClinicalMeasurements
    ) -> [Float] {
        var result = [Float](repeating: 0, count: lead.count)
        let rate = measurements.sampleRateHz
        for beat in measurements.beats {
            guard let qrs = beat.qrs, qrs.onset > 0 else { continue }
            let before = lead[max(0, qrs.onset - Int(0.016 * rate) - 1)..<qrs.onset]
            let level = OrderStatistics.median(Array(before))
            let from = beat.rSample + Int((0.08 * rate).rounded())
            let to = min(lead.count, beat.rSample + Int((0.2 * rate).rounded()))
            for t in min(from, to)..<to { result[t] = lead[t] - level }
        }
        return result
    }
}

/// Three levels of the stationary wavelet transform with Daubechies' wavelet of four vanishing moments.
///
/// Filters with holes of 1, 3 and 7 samples run over the signal, which goes on mirrored at its ends, so any length
/// will do. Source: Daubechies, "Ten Lectures on Wavelets", 1992, table 6.1.
enum StationaryWavelet {
    private static let low: [Float] = [
        -0.010597401784997278, 0.032883011666982945, 0.030841381835986965, -0.18703481171888114,
        -0.02798376941698385, 0.6308807679295904, 0.7148465705525415, 0.23037781330885523,
    ]

    /// The approximation, then the details from the coarsest to the finest.
    static func transform(_ signal: [Float]) -> [[Float]] {
        let high = low.indices.map { ($0.isMultiple(of: 2) ? -1 : 1) * low[low.count - 1 - $0] }
        var approximation = signal
        var details: [[Float]] = []
        for level in 0..<3 {
            let step = 1 << level
            details.insert(convolve(approximation, high, step), at: 0)
            approximation = convolve(approximation, low, step)
        }
        return [approximation] + details
    }

    private static func convolve(_ signal: [Float], _ filter: [Float], _ step: Int) -> [Float] {
        let count = signal.count
        guard count > 1 else { return signal }
        func mirrored(_ t: Int) -> Int {
            let period = 2 * count - 2
            let place = ((t % period) + period) % period
            return place < count ? place : period - place
        }
        return (0..<count).map { t in
            var sum: Float = 0
            for (k, weight) in filter.enumerated() {
                sum += weight * signal[mirrored(t + (filter.count / 2 - k) * step)]
            }
            return sum
        }
    }
}

/// How the eleven channels are normalised: statistics of the training windows alone.
public struct ChannelStatistics: Sendable, Equatable {
    /// What is subtracted from each channel.
    public let centres: [Float]
    /// What each is divided by.
    public let scales: [Float]

    /// Statistics that were stored.
    ///
    /// - Precondition: Both have `ClinicalChannels.count` values, and scales are positive.
    public init(centres: [Float], scales: [Float]) {
        precondition(
            centres.count == ClinicalChannels.count && scales.count == ClinicalChannels.count
                && scales.allSatisfy { $0 > 0 },
            "\(centres.count) centres and \(scales.count) scales of clinical channels")
        (self.centres, self.scales) = (centres, scales)
    }

    /// Statistics of training windows, each with its channels.
    ///
    /// R peaks stay as they are; ST deviation: median and interquartile range where it is not 0; R amplitude: to -1..1;
    /// all others: mean and deviation, of `log(1 + x)` for RR SD and RMSSD.
    public init(windows: [[[Float]]]) {
        var (centres, scales): ([Float], [Float]) = ([0], [1])
        for channel in 1..<ClinicalChannels.count {
            var values: [Double] = []
            // Every seventh sample says as much of a channel as all of them.
            for window in windows {
                let isConstant = (4...6).contains(channel)
                for t in stride(from: 0, to: isConstant ? 1 : window[channel].count, by: 7) {
                    let value = Self.prepared(window[channel][t], channel)
                    if value.isFinite, channel != 3 || value != 0 { values.append(Double(value)) }
                }
            }
            let (centre, scale) = Self.moments(values, channel)
            centres.append(Float(centre))
            scales.append(Float(scale) > 0 ? Float(scale) : 1)
        }
        self.init(centres: centres, scales: scales)
    }

    private static func moments(_ values: [Double], _ channel: Int) -> (Double, Double) {
        guard let median = OrderStatistics.median(values) else { return (0, 1) }
        switch channel {
        case 3:
            let quartiles = [0.25, 0.75].compactMap { OrderStatistics.quantile(values, $0) }
            return (median, quartiles[1] - quartiles[0])
        case 4:
            let (least, most) = (values.min() ?? 0, values.max() ?? 0)
            return ((least + most) / 2, (most - least) / 2)
        default:
            let mean = values.reduce(0, +) / Double(values.count)
            let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            return (mean, (squares / Double(values.count)).squareRoot())
        }
    }

    /// Normalises the channels of a window; what was not measured, and ST outside its part of the beat, becomes 0.
    public func normalise(_ channels: [[Float]]) -> [[Float]] {
        channels.indices.map { channel in
            channels[channel].map { raw in
                if channel == 3, raw == 0 { return 0 }
                let value = (Self.prepared(raw, channel) - centres[channel]) / scales[channel]
                return value.isFinite ? value : 0
            }
        }
    }

    private static func prepared(_ value: Float, _ channel: Int) -> Float {
        guard channel == 5 || channel == 6, value.isFinite else { return value }
        return Float(ElementaryFunctions.logarithm(1 + max(0, Double(value))))
    }
}
