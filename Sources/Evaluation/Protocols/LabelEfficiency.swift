import Electrocardiography
import EvaluationSchema
import LinearAlgebra
import Pretraining
import Runtime
import Statistics

/// What is reached with a part of the labels.
///
/// A part is drawn by patient and has records of every class; a larger part contains a smaller one of the same draw. All
/// models get the same draws. Penalties, steps and thresholds are chosen on the whole validation fold.
public struct LabelEfficiency: Sendable {
    /// One part of the labels.
    public struct Point: Sendable {
        /// Of the patients with labelled records.
        public let fraction: Double
        /// Training records of each draw.
        public private(set) var records: [Int] = []
        /// Macro AUROC on the test fold, a number a draw.
        public private(set) var auroc: [Double] = []
        /// Macro F1 at the validation fold's thresholds, a number a draw.
        public private(set) var f1: [Double] = []
    }

    /// The linear probe on an encoder's vectors as they are.
    public var linear: [Point]
    /// The whole encoder trained on.
    public var finetune: [Point]

    /// Results by protocol.
    public init(linear: [Point] = [], finetune: [Point] = []) {
        (self.linear, self.finetune) = (linear, finetune)
    }

    /// The results, to be written.
    public var summary: LabelEfficiencySummary {
        var summary = LabelEfficiencySummary()
        if !linear.isEmpty { summary.linear = linear.map(\.summary) }
        if !finetune.isEmpty { summary.finetune = finetune.map(\.summary) }
        return summary
    }
}

extension LabelEfficiency.Point {
    /// Trains the linear probe on several draws.
    ///
    /// - Parameters:
    ///   - fraction: Of the patients with labelled records.
    ///   - draws: How often the part is drawn; all of the labels are taken once.
    ///   - features: Of all parts.
    ///   - records: What the rows are.
    ///   - dataset: Where the training records are from.
    ///   - seed: Of the first draw, and of resamples.
    /// - Throws: `MetricError`.
    init(
        fraction: Double, draws: Int, features: FeatureSplits, records: LabelledRecords,
        in dataset: PreparedDataset, seed: UInt64
    ) throws(MetricError) {
        self.fraction = fraction
        for draw in 0..<(fraction < 1 ? draws : 1) {
            let rows = records.trainingRows(
                fraction: fraction, seed: seed &+ UInt64(draw), in: dataset)
            let fewer = FeatureSplits(
                training: features.training.selecting(rows: rows),
                validation: features.validation, test: features.test, external: nil)
            let probe = try LinearProbe(
                fewer, of: records.training(onlyOn: rows), kind: .multiLabel, seed: seed)
            append(records: rows.count, probe.test)
        }
    }

    /// The result of a fine-tuning.
    ///
    /// - Parameters:
    ///   - fraction: Of the patients with labelled records.
    ///   - records: Training records.
    ///   - report: Its measures on the test fold.
    public init(fraction: Double, records: Int, _ report: ClassificationReport) {
        self.fraction = fraction
        append(records: records, report)
    }

    private mutating func append(records count: Int, _ report: ClassificationReport) {
        records.append(count)
        let once = report.scored.once
        // Both can be taken, or the report would have been refused.
        auroc.append(report.macroAUROC(counting: once) ?? .nan)
        f1.append(report.macroF1(counting: once) ?? .nan)
    }

    /// Mean and deviation over draws, and the numbers themselves.
    fileprivate var summary: LabelPartSummary {
        func spread(_ values: [Double]) -> SpreadSummary {
            let (mean, deviation) = Self.spread(values)
            var summary = SpreadSummary()
            (summary.mean, summary.deviation) = (mean.ifMeasured, deviation.ifMeasured)
            summary.values = values.map(\.ifMeasured)
            return summary
        }
        var summary = LabelPartSummary()
        (summary.fraction, summary.draws) = (fraction, records.count)
        summary.records = records
        (summary.aurocMacro, summary.f1Macro) = (spread(auroc), spread(f1))
        return summary
    }

    /// Mean and sample deviation; NaN for the deviation of a single draw.
    static func spread(_ values: [Double]) -> (mean: Double, deviation: Double) {
        let mean = values.reduce(0, +) / Double(values.count)
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (mean, (squares / Double(values.count - 1)).squareRoot())
    }
}

extension LabelledRecords {
    /// The rows of the training records that a part of the labels leaves: the same as fine-tuning with this fraction and
    /// seed takes.
    ///
    /// - Parameters:
    ///   - fraction: Of the patients with labelled records.
    ///   - seed: What they are drawn from.
    ///   - dataset: Where the training records are from.
    /// - Returns: Rows in ascending order.
    public func trainingRows(
        fraction: Double, seed: UInt64, in dataset: PreparedDataset
    ) -> [Int] {
        let patients = training.map { dataset.patient(ofWindow: $0.windows[0]) }
        let classes = training.map { record in
            record.classes.reduce(into: Superclasses()) {
                $0.formUnion(Superclasses(rawValue: 1 << UInt8($1)))
            }
        }
        let chosen = LabelSubset(patients: patients, classes: classes, seed: seed)
            .patients(fraction: fraction)
        return patients.indices.filter { chosen.contains(patients[$0]) }
    }
}
