import EvaluationSchema
import LinearAlgebra
import Runtime
import Statistics

/// The linear probe: logistic regression on standardised features.
///
/// Statistics and weights come from the training folds; the penalty and the thresholds of F1 from the validation fold;
/// the test fold is only measured.
public struct LinearProbe: Sendable {
    /// The penalties that are tried, as scikit-learn's `C`, from the strongest penalty to the weakest.
    public static let strengths = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 1e1, 1e2]

    /// How classes exclude each other.
    public let kind: LogisticRegression.Kind
    /// The chosen strength.
    public let strength: Double
    /// Macro AUROC on the validation fold, a number a strength.
    public let validationAUROC: [Double]
    private let scale: Standardisation
    private let fit: LogisticRegression
    /// The measures on the test fold.
    public let test: ClassificationReport
    /// The measures on the external set.
    public let external: ClassificationReport?

    /// Fits, chooses and measures.
    ///
    /// - Parameters:
    ///   - features: Of all splits.
    ///   - records: What the rows are.
    ///   - kind: With one label a record, records with more or none take no part.
    ///   - seed: What resamples are drawn from.
    /// - Throws: `MetricError`.
    public init(
        _ features: FeatureSplits, of records: LabelledRecords, kind: LogisticRegression.Kind,
        seed: UInt64
    ) throws(MetricError) {
        self.kind = kind
        let names = LabelledRecords.classNames
        func split(
            _ name: String, _ matrix: Matrix, _ records: [EvaluatedRecord]
        ) throws(MetricError) -> (name: String, features: Matrix, truths: [[Int]]) {
            let chosen = records.indices.filter {
                kind == .multiLabel || records[$0].classes.count == 1
            }
            guard !chosen.isEmpty else { throw .empty(what: "\(name), records with one label") }
            return (name, matrix.selecting(rows: chosen), chosen.map { records[$0].classes })
        }
        let training = try split("training", features.training, records.training)
        let scale = Standardisation(fittedTo: training.features)
        let solver = try LogisticSolver(
            scale(training.features), truths: training.truths, classes: names.count, kind: kind)
        let validation = try split("validation fold", features.validation, records.validation)
        let validationFeatures = scale(validation.features)
        var best: (fit: LogisticRegression, strength: Double, scored: ScoredRecords, auroc: Double)?
        var fit: LogisticRegression?
        var trace: [Double] = []
        for strength in Self.strengths {
            let penalty = 1 / (strength * Double(training.truths.count))
            let next = solver.fit(penalty: penalty, from: fit)
            fit = next
            let scored = try ScoredRecords(
                name: validation.name, classes: names,
                scores: next.probabilities(validationFeatures), truths: validation.truths)
            guard let auroc = ClassMean.macro(scored.auroc(counting: scored.once)) else {
                throw .oneClass(what: validation.name)
            }
            trace.append(auroc)
            // Ties go to the stronger penalty.
            if auroc > best?.auroc ?? -1 { best = (next, strength, scored, auroc) }
        }
        guard let best else { throw .empty(what: "penalties of the probe") }
        (self.scale, self.fit) = (scale, best.fit)
        strength = best.strength
        validationAUROC = trace
        let decision: ScoredRecords.Decision =
            kind == .multiLabel ? .thresholds(best.scored.bestThresholds) : .highest
        func measure(
            _ split: (name: String, features: Matrix, truths: [[Int]])
        ) throws(MetricError) -> ClassificationReport {
            try ClassificationReport(
                ScoredRecords(
                    name: split.name, classes: names,
                    scores: best.fit.probabilities(scale(split.features)), truths: split.truths),
                decision: decision, scoresAreProbabilities: kind == .multiLabel, seed: seed)
        }
        test = try measure(split("test fold", features.test, records.test))
        if let matrix = features.external {
            external = try measure(split("external set", matrix, records.external))
        } else {
            external = nil
        }
    }

    /// What the probe says of any records' features: a row a record, a column a class.
    public func probabilities(of features: Matrix) -> Matrix {
        fit.probabilities(scale(features))
    }

    /// The measures, to be written.
    public var summary: ProbeSummary {
        var summary = ProbeSummary()
        (summary.test, summary.external) = (test.summary, external?.summary)
        (summary.strength, summary.strengths) = (strength, Self.strengths)
        summary.validationAUROC = validationAUROC
        return summary
    }
}
