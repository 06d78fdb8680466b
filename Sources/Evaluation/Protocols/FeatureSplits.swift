import Electrocardiography
import LinearAlgebra

/// Features of labelled records, a matrix a split: training, validation, test and, where there is one, the external set.
public struct FeatureSplits: Sendable {
    /// A row a training record.
    public let training: Matrix
    /// A row a record of the validation fold.
    public let validation: Matrix
    /// A row a record of the test fold.
    public let test: Matrix
    /// A row a record of the external set; `nil` where there is none.
    public let external: Matrix?

    /// Numbers of a record.
    public var dimension: Int { training.columns }

    /// Takes features of all splits.
    ///
    /// - Parameters:
    ///   - records: The splits.
    ///   - dataset: The set of all splits but the external one.
    ///   - externalSet: The external set.
    ///   - features: Gives a row a record.
    /// - Throws: Whatever `features` throws.
    public init(
        of records: LabelledRecords, in dataset: PreparedDataset, externalSet: PreparedDataset?,
        features: ([EvaluatedRecord], PreparedDataset) throws -> Matrix
    ) throws {
        // All of one set together, so that whoever shows progress has one count.
        let all = try features(
            records.training + records.validation + records.test, dataset)
        let (first, second) = (
            records.training.count, records.training.count + records.validation.count
        )
        training = all.selecting(rows: Array(0..<first))
        validation = all.selecting(rows: Array(first..<second))
        test = all.selecting(rows: Array(second..<all.rows))
        external = try externalSet.map { try features(records.external, $0) }
    }

    init(training: Matrix, validation: Matrix, test: Matrix, external: Matrix?) {
        (self.training, self.validation) = (training, validation)
        (self.test, self.external) = (test, external)
    }

    /// The same map for every split, found from the training records alone.
    public func mapped(_ map: (Matrix) -> Matrix) -> FeatureSplits {
        FeatureSplits(
            training: map(training), validation: map(validation), test: map(test),
            external: external.map(map))
    }

    /// With other features of the same records behind them.
    public func joined(with others: FeatureSplits) -> FeatureSplits {
        FeatureSplits(
            training: training.joined(with: others.training),
            validation: validation.joined(with: others.validation),
            test: test.joined(with: others.test),
            external: external.flatMap { first in others.external.map { first.joined(with: $0) } })
    }

    /// Clinical parameters in segments that the training records decide.
    func inSegments() -> FeatureSplits {
        mapped(SegmentedParameters(fittedTo: training).callAsFunction)
    }

    /// With what was not measured filled in by the training records' mean, and a column beside it that says so.
    public func filled() -> FeatureSplits {
        let fill = MissingValues(fittedTo: training)
        return mapped(fill.callAsFunction)
    }
}
