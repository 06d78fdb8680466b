import ClinicalParameters
import Electrocardiography
import Kernels
import Pretraining

/// Windows of noise, for benchmarks and for tests that need no records.
public struct SyntheticWindows: WindowSource {
    /// Samples in a window, each lead.
    public let samplesPerWindow: Int
    /// Clinical features of a window.
    public let clinicalFeatureCount: Int
    private let table: [Float]

    /// Windows cut from one table of noise, so that reading costs about what a prepared data set costs.
    ///
    /// - Parameters:
    ///   - samplesPerWindow: Samples in a window, each lead.
    ///   - seed: Of the noise.
    ///   - hasClinicalFeatures: Whether there is noise in place of clinical features, too.
    public init(
        samplesPerWindow: Int = 2500, seed: UInt64 = 0, hasClinicalFeatures: Bool = true
    ) {
        self.samplesPerWindow = samplesPerWindow
        clinicalFeatureCount = hasClinicalFeatures ? ClinicalFeatures.count : 0
        var random = RandomStream(seed: seed, purpose: .synthesis)
        table = (0..<samplesPerWindow * 12 + 4096).map { _ in Float(random.nextNormal()) }
    }

    /// Two windows a patient, and the five superclasses in turn, all in fold 1.
    public func facts(of window: Int) -> WindowFacts {
        WindowFacts(
            record: "\(window)", patient: window / 2,
            superclasses: Superclasses(rawValue: 1 << UInt8(window % 5)), fold: 1)
    }

    /// Gives a window's numbers, shape `[12, samplesPerWindow]`.
    public func readMillivolts(window: Int, into signal: inout MutableSpan<Float>) {
        let start = window * 61 % 4096
        signal.copy(from: table.span.extracting(start..<start + signal.count))
    }

    /// Gives a window's features, of which every seventh is not measured.
    public func clinicalFeatures(of window: Int, into features: inout MutableSpan<Float>) {
        let start = window * 37 % 4096
        for i in features.indices {
            features[i] = (window + i) % 7 == 0 ? .nan : table[start + i]
        }
    }
}
