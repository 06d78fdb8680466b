import Electrocardiography
import Kernels
import LinearAlgebra
import Pretraining
import Runtime

/// What a probe's probability loses or gains when one part of one lead is hidden, part by part.
///
/// A hidden part is a straight line from the sample before it to the sample after it: no step that a filter or a convolution
/// would take for a finding, and no wave. Other leads keep what they say of the same beats, and a straight line is itself
/// something that can be seen; so a small change does not prove that nobody looks there.
public struct OcclusionMap: Sendable {
    /// The class whose probability is looked at, by its number.
    public let label: Int
    /// Its probability on the whole window.
    public let probability: Double
    /// For each lead and part the probability without the part, less that on the whole window.
    public let changes: [[Double]]
    /// Length of a part.
    public let patchSeconds: Double

    /// Hides parts, one at a time.
    ///
    /// - Parameters:
    ///   - window: Number of the window.
    ///   - source: Where it comes from.
    ///   - sampleRateHz: The rate of its windows.
    ///   - label: The class; `nil` for the one with the highest probability.
    ///   - patchSeconds: Length of a part; the last part of a lead may be shorter.
    ///   - embed: Vectors of windows of a source, one a row.
    ///   - probabilities: What the probe says of vectors, a column a class.
    /// - Throws: Whatever `embed` throws, and whatever keeps the window from being read.
    public init(
        ofWindow window: Int, of source: any WindowSource, sampleRateHz: Double, label: Int?,
        patchSeconds: Double,
        embed: (_ source: any WindowSource, _ count: Int) throws -> Matrix,
        probabilities: (Matrix) -> Matrix
    ) throws {
        let occluded = try OccludedWindow(
            window, of: source,
            patchSamples: max(
                1,
                Int(min(patchSeconds * sampleRateHz, Double(source.samplesPerWindow)).rounded())))
        let found = probabilities(try embed(occluded, occluded.parts.count + 1))
        let whole = Array(found.row(0))
        let label = label ?? whole.indices.max { whole[$0] < whole[$1] } ?? 0
        self.label = label
        probability = whole[label]
        let parts = occluded.parts.count / Lead.allCases.count
        changes = (0..<Lead.allCases.count).map { lead in
            (0..<parts).map { found[1 + lead * parts + $0, label] - whole[label] }
        }
        self.patchSeconds = Double(occluded.patchSamples) / sampleRateHz
    }

    /// The map by lead.
    public var json: JSONValue {
        [
            "probability": .number(probability), "patch_s": .number(patchSeconds),
            "changes": .object(
                Dictionary(
                    uniqueKeysWithValues: zip(Lead.allCases, changes).map {
                        ($0.name, .array($1.map { .number($0) }))
                    })),
        ]
    }
}

/// A window as a source of many: number 0 is the window itself, each other one hides one part of one lead.
///
/// Clinical parameters that are stored with the window stay as they are; what a method measures while it reads is measured on
/// the signal with the part hidden.
struct OccludedWindow: WindowSource {
    let samplesPerWindow: Int
    let patchSamples: Int
    /// What is hidden in window 1, 2, …: lead by lead, from the left.
    let parts: [(lead: Int, samples: Range<Int>)]
    private let millivolts: [Float]
    private let features: [Float]
    private let ownFacts: WindowFacts

    init(_ window: Int, of source: any WindowSource, patchSamples: Int) throws {
        let samples = source.samplesPerWindow
        var millivolts = Array(repeating: Float(0), count: Lead.allCases.count * samples)
        var signal = millivolts.mutableSpan
        try source.readMillivolts(window: window, into: &signal)
        var features = Array(repeating: Float(0), count: source.clinicalFeatureCount)
        var measured = features.mutableSpan
        source.clinicalFeatures(of: window, into: &measured)
        parts = (0..<Lead.allCases.count).flatMap { lead in
            stride(from: 0, to: samples, by: patchSamples).map {
                (lead, $0..<min($0 + patchSamples, samples))
            }
        }
        (self.millivolts, self.features) = (millivolts, features)
        (self.patchSamples, samplesPerWindow) = (patchSamples, samples)
        ownFacts = source.facts(of: window)
    }

    func readMillivolts(window: Int, into signal: inout MutableSpan<Float>) {
        signal.copy(from: millivolts.span)
        guard window > 0 else { return }
        let (lead, range) = parts[window - 1]
        let row = lead * samplesPerWindow
        // At the ends there is one side only: its value is kept.
        let before = range.lowerBound > 0 ? millivolts[row + range.lowerBound - 1] : nil
        let after = range.upperBound < samplesPerWindow ? millivolts[row + range.upperBound] : nil
        let (from, to) = (before ?? after ?? 0, after ?? before ?? 0)
        for i in range {
            let share = Float(i - range.lowerBound + 1) / Float(range.count + 1)
            signal[row + i] = from + (to - from) * share
        }
    }

    func facts(of window: Int) -> WindowFacts { ownFacts }

    var clinicalFeatureCount: Int { features.count }

    func clinicalFeatures(of window: Int, into features: inout MutableSpan<Float>) {
        features.copy(from: self.features.span)
    }
}
