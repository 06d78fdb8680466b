import Electrocardiography
import Kernels
import Pretraining

/// Windows of noise, for benchmarks and for tests that need no records.
public struct SyntheticWindows: WindowSource {
    /// Samples in a window, each lead.
    public let samplesPerWindow: Int
    private let table: [Float]

    /// Windows cut from one table of noise, so that reading costs about what a prepared data set costs.
    public init(samplesPerWindow: Int = 2500, seed: UInt64 = 0) {
        self.samplesPerWindow = samplesPerWindow
        var random = RandomStream(seed: seed, purpose: .synthesis)
        table = (0..<samplesPerWindow * 12 + 4096).map { _ in Float(random.nextNormal()) }
    }

    /// Two windows a patient, and the five superclasses in turn.
    public func facts(of window: Int) -> WindowFacts {
        WindowFacts(
            record: "\(window)", patient: window / 2,
            superclasses: Superclasses(rawValue: 1 << UInt8(window % 5)))
    }

    /// Gives a window's numbers, shape `[12, samplesPerWindow]`.
    public func readMillivolts(
        window: Int, into signal: UnsafeMutableBufferPointer<Float>
    ) {
        let start = window * 61 % 4096
        _ = signal.update(from: table[start..<start + signal.count])
    }
}
