import EvaluationSchema
import Runtime

/// How two models differ on the same test records.
public struct PairedComparison: Sendable {
    /// A measure and the difference in it; `nil` where it could not be taken.
    public let differences: [(measure: ComparedMeasure, difference: PairedDifference?)]

    /// Compares what both have.
    ///
    /// - Parameters:
    ///   - first: Whose measures come first.
    ///   - second: Whose measures are taken away.
    public init(_ first: ProtocolResults, less second: ProtocolResults) {
        typealias Measure = (ClassificationReport) -> ([Double]) -> Double?
        func compare(
            _ name: ComparedMeasure, _ a: ClassificationReport?, _ b: ClassificationReport?,
            _ measure: Measure
        ) -> [(measure: ComparedMeasure, difference: PairedDifference?)] {
            guard let a, let b else { return [] }
            let paired = PairedDifference(
                over: a.resamples, once: a.scored.once, first: measure(a), second: measure(b))
            return [(name, paired)]
        }
        let (linear, other) = (first.linear?.test, second.linear?.test)
        let (near, otherNear) = (
            first.neighbours?.variants.first?.test, second.neighbours?.variants.first?.test
        )
        let (tuned, otherTuned) = (first.finetune?.test, second.finetune?.test)
        differences =
            compare(.linearAUROC, linear, other) { $0.macroAUROC }
            + compare(.linearF1, linear, other) { $0.macroF1 }
            + compare(.linearF1AtHalf, linear, other) { $0.macroF1AtHalf }
            + compare(.neighbourAUROC, near, otherNear) { $0.macroAUROC }
            + compare(.neighbourWeightedF1, near, otherNear) { $0.weightedF1 }
            + compare(.finetuneAUROC, tuned, otherTuned) { $0.macroAUROC }
            + compare(.finetuneF1, tuned, otherTuned) { $0.macroF1 }
            + compare(.finetuneLessLinearAUROC, tuned, other) { $0.macroAUROC }
    }

    /// The differences, to be written.
    public var summary: DifferenceSummaries {
        let written = differences.map { name, difference in
            let summary = difference.map { difference in
                var summary = DifferenceSummary()
                summary.difference = difference.difference
                summary.interval = difference.interval.summary
                summary.pValue = difference.pValue
                return summary
            }
            return (name, summary)
        }
        return Dictionary(uniqueKeysWithValues: written)
    }
}
