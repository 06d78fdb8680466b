import EvaluationSchema
import LinearAlgebra
import Runtime
import Statistics

/// What the head of a fine-tuned encoder says of records: probabilities, the mean over crops.
///
/// Weights come from the training folds; the step and the thresholds of F1 from the validation fold; the test fold is
/// only measured.
public struct FinetuneProtocol: Sendable {
    /// Finished steps of the weights that were measured.
    public let step: UInt64
    /// Macro AUROC on the validation fold.
    public let validationAUROC: Double
    /// The measures on the test fold.
    public let test: ClassificationReport
    /// The measures on the external set.
    public let external: ClassificationReport?
    /// Digest of the training state, and the part of the labels that it was trained on.
    private let details: FinetuneSummary

    /// Chooses thresholds and measures.
    ///
    /// - Parameters:
    ///   - validation: Probabilities of the validation fold's records, a row a record.
    ///   - test: Those of the test fold's.
    ///   - external: Those of the external set's; `nil` where there is none.
    ///   - records: What the rows are.
    ///   - encoder: Whose head it is.
    ///   - seed: What resamples are drawn from.
    /// - Throws: `MetricError`.
    init(
        validation: Matrix, test: Matrix, external: Matrix?, of records: LabelledRecords,
        encoder: TrainedEncoder, seed: UInt64
    ) throws(MetricError) {
        func scored(
            _ name: String, _ scores: Matrix, _ records: [EvaluatedRecord]
        ) throws(MetricError) -> ScoredRecords {
            try ScoredRecords(
                name: name, classes: LabelledRecords.classNames, scores: scores,
                truths: records.map(\.classes))
        }
        let chosen = try scored("validation fold", validation, records.validation)
        guard let auroc = ClassMean.macro(chosen.auroc(counting: chosen.once)) else {
            throw .oneClass(what: chosen.name)
        }
        validationAUROC = auroc
        let thresholds = ScoredRecords.Decision.thresholds(chosen.bestThresholds)
        func measure(_ scored: ScoredRecords) throws(MetricError) -> ClassificationReport {
            try ClassificationReport(
                scored, decision: thresholds, scoresAreProbabilities: true, seed: seed)
        }
        self.test = try measure(scored("test fold", test, records.test))
        if let external {
            self.external = try measure(scored("external set", external, records.external))
        } else {
            self.external = nil
        }
        step = encoder.step
        var details = FinetuneSummary()
        details.step = Int(encoder.step)
        details.steps = encoder.configuration.steps
        details.stateDigest = encoder.stateDigest?.description
        details.labels = encoder.configuration.resolved["labels"] ?? .null
        details.readout = encoder.configuration.resolved["readout"]?.stringValue
        details.validationAUROC = auroc
        self.details = details
    }

    /// The measures, to be written.
    public var summary: FinetuneSummary {
        var summary = details
        (summary.test, summary.external) = (test.summary, external?.summary)
        return summary
    }
}
