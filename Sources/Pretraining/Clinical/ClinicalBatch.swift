import ClinicalParameters
import Kernels
import NeuralNetworks

/// The features of a shard's windows, normalised; valid until the tape is reset.
struct ClinicalBatch: BitwiseCopyable {
    let samples: Int
    /// Shape `[samples, count]`, 0 where not measured.
    private let values: Value
    /// Shape `[samples, count]`, 1 where not measured.
    private let flags: Value
    /// Shape `[count, segments + 1]`; `nil` where values stand as they are.
    private let edges: Numbers<Float>?
    private let segments: Int

    private static let count = ClinicalFeatures.count

    /// Reads and normalises.
    init(
        of shard: Shard, from source: any WindowSource, statistics: ClinicalStatistics,
        on tape: Tape
    ) throws(ClinicalStatisticsError) {
        segments = statistics.segments
        edges = statistics.edges(in: tape.parameters)
        let scale = try statistics(in: tape.parameters)
        samples = shard.windows.count
        values = tape.input(rows: samples, columns: Self.count)
        flags = tape.input(rows: samples, columns: Self.count)
        let measured = tape.numbers(Self.count, of: Float.self)
        for (sample, window) in shard.windows.enumerated() {
            measured.withMutableSpan { source.clinicalFeatures(of: window, into: &$0) }
            scale.normalise(measured, values: values.row(sample), flags: flags.row(sample))
        }
    }

    /// What the tokens are made of.
    ///
    /// - Parameters:
    ///   - tape: Whose arena keeps it.
    ///   - isDropped: Whether a sample does without a feature; asked for each once, in ascending order.
    /// - Returns: Shape `[samples * leads, ClinicalTokens.inputs]`: values, or all segments of a feature and then of the next;
    ///   then flags.
    func inputs(
        on tape: Tape, isDropped: (_ sample: Int, _ feature: Int) -> Bool = { _, _ in false }
    ) -> Value {
        let columns = ClinicalTokens.inputs(segments: segments)
        let x = tape.input(rows: samples * ClinicalTokens.leads, columns: columns)
        let dropped = tape.numbers(repeating: false, count: Self.count)
        for sample in 0..<samples {
            for feature in 0..<Self.count { dropped[feature] = isDropped(sample, feature) }
            forEachFeature(of: sample) { row, feature, place, value, flag in
                let numbers = x.row(row)
                numbers[segments * ClinicalTokens.features + feature] = dropped[place] ? 1 : flag
                let code = numbers.part(feature * segments..<(feature + 1) * segments)
                if dropped[place] || flag == 1 {
                    code.update(repeating: 0)
                } else if let edges {
                    let start = place * (segments + 1)
                    PiecewiseEncoding.encode(
                        value, edges: edges.part(start..<start + segments + 1), into: code)
                } else {
                    code[0] = value
                }
            }
        }
        return x
    }

    /// The windows' features, for a loss on them.
    ///
    /// - Returns: Values, or all segments of a feature and then of the next, and whether they count, both
    ///   `[samples, ClinicalFeatures.count * segments]`.
    func targetsOfWindows(
        on tape: Tape
    ) -> (values: Numbers<Float>, counted: Numbers<UInt8>) {
        let counted = tape.numbers(flags.count * segments, of: UInt8.self)
        let flags = flags.numbers
        for place in 0..<counted.count {
            counted[place] = flags[place / segments] == 0 ? 1 : 0
        }
        guard let edges else { return (values.numbers, counted) }
        let codes = tape.numbers(counted.count, of: Float.self)
        for place in 0..<flags.count {
            let start = place % Self.count * (segments + 1)
            PiecewiseEncoding.encode(
                values.numbers[place], edges: edges.part(start..<start + segments + 1),
                into: codes.part(place * segments..<(place + 1) * segments))
        }
        return (codes, counted)
    }

    /// What each lead's features are, for a loss on them.
    ///
    /// - Returns: Values and whether they count, both `[samples * leads, ClinicalTokens.features]`.
    func targets(
        on tape: Tape
    ) -> (values: Numbers<Float>, counted: Numbers<UInt8>) {
        let count = samples * ClinicalTokens.leads * ClinicalTokens.features
        let targets = tape.numbers(count, of: Float.self)
        let counted = tape.numbers(count, of: UInt8.self)
        for sample in 0..<samples {
            forEachFeature(of: sample) { row, feature, _, value, flag in
                targets[row * ClinicalTokens.features + feature] = value
                counted[row * ClinicalTokens.features + feature] = flag == 0 ? 1 : 0
            }
        }
        return (targets, counted)
    }

    private func forEachFeature(
        of sample: Int,
        _ body: (_ row: Int, _ feature: Int, _ place: Int, _ value: Float, _ flag: Float) -> Void
    ) {
        for lead in 0..<ClinicalTokens.leads {
            for feature in 0..<ClinicalTokens.features {
                let place = ClinicalTokens.place(lead: lead, feature: feature)
                body(
                    sample * ClinicalTokens.leads + lead, feature, place, values[sample, place],
                    flags[sample, place])
            }
        }
    }
}
