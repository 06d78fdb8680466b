import CommandLineInterface
import Configurations
import Electrocardiography
import Evaluation
import Runs
import Runtime

extension TrainedEncoder {
    /// The encoder of a run, with a warning for each checkpoint that is passed over.
    ///
    /// - Parameters:
    ///   - run: The run directory.
    ///   - step: The checkpoint after so many steps; `nil` for the newest whole one.
    /// - Throws: `RunError`, `CheckpointError`, `EvaluationError`.
    public init(run: FilePath, step: Int? = nil) throws {
        try self.init(
            run: RunDirectory(path: run), step: step.map { UInt64($0) }, report: warnOfPassedOver)
    }

    /// The encoder of a run as it was before the first step, the control `random` of an evaluation.
    ///
    /// - Parameters:
    ///   - run: The run directory; it needs no checkpoint.
    ///   - dataset: What a method takes from the data before its first step is taken from its labelled training records.
    /// - Throws: `RunError`, `UnfitDataset`, `EvaluationError`, and whatever keeps a window from being read.
    public init(withRandomWeightsOf run: FilePath, dataset: PreparedDataset) throws {
        let configuration = try RunDirectory(path: run).read().configuration
        let records = try LabelledRecords(
            dataset, externalSet: nil, folds: configuration.data, rule: LabelRule())
        try self.init(
            withRandomWeightsOf: configuration, dataset: dataset, trainingRecords: records.training)
    }
}

/// A data set's labelled records, split as an encoder's configuration says.
public struct LabelledData {
    /// The prepared set.
    public let dataset: PreparedDataset
    /// Its labelled records.
    public let records: LabelledRecords
    /// Which diagnostic codes count.
    public let rule: LabelRule

    /// Reads a data set.
    ///
    /// - Parameters:
    ///   - path: The prepared set's file.
    ///   - rule: Which diagnostic codes count.
    ///   - encoder: Says which folds are which.
    /// - Throws: `PreparedDatasetError`, `EvaluationError`.
    public init(_ path: FilePath, rule: LabelRule, for encoder: TrainedEncoder) throws {
        self.rule = rule
        dataset = try PreparedDataset(path: path)
        records = try LabelledRecords(
            dataset, externalSet: nil, folds: encoder.configuration.data, rule: rule)
    }
}

extension Assessment {
    /// Reads the sets that an encoder is measured on, and says what the numbers should not be taken for.
    ///
    /// - Parameters:
    ///   - encoder: Says which folds are which.
    ///   - data: The prepared set's file.
    ///   - testData: That of a second one, tested whole; `nil` for none.
    ///   - settings: What is measured.
    /// - Throws: `CommandError` where the set lacks what a protocol needs, `PreparedDatasetError`, `EvaluationError`.
    public init(
        of encoder: TrainedEncoder, data: FilePath, testData: FilePath?,
        settings: AssessmentSettings
    ) throws {
        let dataset = try PreparedDataset(path: data)
        if let trained = encoder.dataDigest, trained != dataset.digest {
            Log().warning(
                "the encoder was trained on another data set (\(trained)); whether that had records "
                    + "of the test fold is not known here")
        }
        if settings.protocols.contains(.parameters), dataset.clinicalFeatureCount == 0 {
            throw CommandError(
                .usage,
                "\(dataset.path) holds no clinical parameters, which the protocol parameters needs; "
                    + "prepare it again")
        }
        try self.init(
            on: dataset, externalSet: testData.map { try PreparedDataset(path: $0) },
            folds: encoder.configuration.data, settings: settings)
        let seen = records.externalSeen
        if seen > 0 {
            Log().warning(
                "\(seen) of the \(records.external.count) records of --test-data are in --data as "
                    + "well, without a fold: an encoder that was trained on it has seen their signals"
            )
        }
    }
}
