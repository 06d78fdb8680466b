import Configurations
import Electrocardiography
import EvaluationSchema
import LinearAlgebra
import Pretraining
import Runtime
import Statistics

/// The records on which encoders are assessed, and how.
public struct Assessment: Sendable {
    /// The labelled records.
    public let records: LabelledRecords
    /// How encoders are assessed.
    public let settings: AssessmentSettings
    /// The set of all splits but the external one.
    public let dataset: PreparedDataset
    private let externalSet: PreparedDataset?
    private let clinicalParameters: FeatureSplits?
    /// For the linear probe alone: `nil` without it.
    private let segmentedParameters: FeatureSplits?
    private let subgroups: SubgroupSplits?

    /// Told what is being done, and how many records of how many are done.
    public typealias Progress = @Sendable (_ what: String, _ done: Int, _ all: Int) -> Void

    /// Splits the records of a data set.
    ///
    /// - Parameters:
    ///   - dataset: The set that is trained on, chosen on and tested on.
    ///   - externalSet: Tested whole.
    ///   - folds: Which folds are for what.
    ///   - settings: How encoders are assessed.
    /// - Throws: `EvaluationError`, `UnfitDataset`.
    public init(
        on dataset: PreparedDataset, externalSet: PreparedDataset?, folds: FoldConfiguration,
        settings: AssessmentSettings
    ) throws {
        let records = try LabelledRecords(
            dataset, externalSet: externalSet, folds: folds, rule: settings.rule)
        for set in [dataset, externalSet].compactMap(\.self) {
            try set.requireCurrentClinicalFeatures()
        }
        // A set that lacks them lacks them in every split.
        let areStored =
            dataset.clinicalFeatureCount > 0 && externalSet?.clinicalFeatureCount ?? 1 > 0
        clinicalParameters =
            areStored
            ? try FeatureSplits(
                of: records, in: dataset, externalSet: externalSet,
                features: {
                    PlainFeatures.clinicalParameters($0, of: $1) ?? Matrix(rows: 0, columns: 0)
                }
            ) : nil
        // What segments are for is a linear map.
        segmentedParameters =
            settings.protocols.contains(.linear) ? clinicalParameters?.inSegments() : nil
        subgroups =
            settings.protocols.contains(.linear)
            ? try SubgroupSplits(of: records, in: dataset, externalSet: externalSet) : nil
        (self.dataset, self.externalSet) = (dataset, externalSet)
        (self.records, self.settings) = (records, settings)
    }

    /// What protocols say of an encoder.
    ///
    /// - Parameters:
    ///   - encoder: The encoder.
    ///   - name: What it is called.
    ///   - progress: Told how far the work is.
    /// - Returns: The encoder under its name.
    /// - Throws: `EvaluationError`, `MetricError`, and whatever keeps a window from being read.
    public func assess(
        _ encoder: TrainedEncoder, name: String, progress: @escaping Progress
    ) throws -> EvaluatedModel {
        let features = try FeatureSplits(of: records, in: dataset, externalSet: externalSet) {
            records, dataset in
            try encoder.embed(
                records, of: dataset, settings.embedding
            ) { progress(name, $0, records.count) }
        }
        var found = try model(
            name, features, protocols: settings.protocols, subgroups: subgroups,
            map: settings.map.map { how throws(MetricError) in
                try RecordMap(
                    features.test, fittedTo: features.training, settings: how, seed: settings.seed)
            })
        // A head that is there is measured; where none is, somebody may train one.
        if encoder.isClassifier, encoder.step > 0 {
            found.results.finetune = try head(of: encoder, name: name, progress: progress)
        }
        return found
    }

    /// What an encoder's own head says of the records.
    ///
    /// - Parameters:
    ///   - encoder: Fine-tuned.
    ///   - name: What it is called.
    ///   - progress: Told how far the work is.
    /// - Returns: Its measures, thresholds from the validation fold.
    /// - Throws: `EvaluationError`, `MetricError`, and whatever keeps a window from being read.
    public func head(
        of encoder: TrainedEncoder, name: String, progress: @escaping Progress
    ) throws -> FinetuneProtocol {
        func probabilities(
            _ records: [EvaluatedRecord], _ dataset: PreparedDataset
        ) throws -> Matrix {
            try encoder.probabilities(records, of: dataset, settings.embedding) {
                progress(name, $0, records.count)
            }
        }
        let own = try probabilities(records.validation + records.test, dataset)
        let validationCount = records.validation.count
        return try FinetuneProtocol(
            validation: own.selecting(rows: Array(0..<validationCount)),
            test: own.selecting(rows: Array(validationCount..<own.rows)),
            external: try externalSet.map { try probabilities(records.external, $0) },
            of: records, encoder: encoder, seed: settings.seed)
    }

    /// What tells what an encoder's numbers are worth: the encoder with random weights; without the clinical parameters
    /// beside its signal, where it takes any; its vectors with clinical parameters beside them, where the set has them;
    /// and the controls that are the same for all encoders.
    ///
    /// - Parameters:
    ///   - encoder: The encoder.
    ///   - model: What `assess` gave for it.
    ///   - progress: Told how far the work is.
    /// - Returns: All controls by their names.
    /// - Throws: `EvaluationError`, `MetricError`, and whatever keeps a window from being read.
    public func controls(
        of encoder: TrainedEncoder, assessed model: EvaluatedModel, progress: @escaping Progress
    ) throws -> [EvaluatedModel] {
        var controls = [
            try assessRandomWeights(
                of: encoder.configuration, name: Control.random.rawValue, progress: progress)
        ]
        if let signalAlone = encoder.ofSignalAlone {
            controls.append(
                try assess(signalAlone, name: Control.signalAlone.rawValue, progress: progress))
        }
        // Distances between numbers of different units mean nothing, so the probe alone, which standardises.
        if let segmentedParameters {
            controls.append(
                try self.model(
                    Control.withParameters.rawValue,
                    model.features.joined(with: segmentedParameters),
                    protocols: [.linear]))
        }
        return controls + (try plainControls(progress: progress))
    }

    /// What protocols say of an encoder with random weights.
    public func assessRandomWeights(
        of configuration: Configuration, name: String, progress: @escaping Progress
    ) throws -> EvaluatedModel {
        let random = try TrainedEncoder(
            withRandomWeightsOf: configuration, dataset: dataset, trainingRecords: records.training)
        return try assess(random, name: name, progress: progress)
    }

    /// The controls that are the same for all encoders.
    public func plainControls(progress: @escaping Progress) throws -> [EvaluatedModel] {
        progress("statistics", 0, 1)
        let statistics = try FeatureSplits(
            of: records, in: dataset, externalSet: externalSet, features: PlainFeatures.statistics)
        var controls = [
            try model(
                Control.statistics.rawValue, statistics, protocols: settings.protocols)
        ]
        let others = settings.protocols.subtracting([.parameters])
        if let clinicalParameters {
            controls.append(
                try model(
                    Control.parameters.rawValue, clinicalParameters.filled(), protocols: others))
        }
        if let segmentedParameters {
            controls.append(
                try model(
                    Control.parametersInSegments.rawValue, segmentedParameters, protocols: [.linear]
                ))
        }
        let ageAndSex = try FeatureSplits(
            of: records, in: dataset, externalSet: externalSet,
            features: { records, _ in PlainFeatures.ageAndSex(records) })
        controls.append(
            try model(
                Control.ageAndSex.rawValue, ageAndSex.filled(), protocols: others))
        return controls
    }

    private func model(
        _ name: String, _ features: FeatureSplits, protocols: Set<EvaluationProtocol>,
        subgroups: SubgroupSplits? = nil, map: RecordMap? = nil
    ) throws(MetricError) -> EvaluatedModel {
        var results = try ProtocolResults(
            protocols, on: features, of: records, subgroups: subgroups,
            clinicalParameters: clinicalParameters,
            clusterDimension: settings.clusterDimension, seed: settings.seed)
        if protocols.contains(.linear), !settings.labelFractions.isEmpty {
            results.labelEfficiency = LabelEfficiency(
                linear: try settings.labelFractions.map { fraction throws(MetricError) in
                    try LabelEfficiency.Point(
                        fraction: fraction, draws: settings.labelDraws, features: features,
                        records: records, in: dataset, seed: settings.seed)
                })
        }
        return EvaluatedModel(name: name, results: results, map: map, features: features)
    }

    /// What the records are and how they were labelled, to be written.
    public var summary: AssessmentSummary {
        var summary = AssessmentSummary()
        summary.readout = settings.embedding.readout.rawValue
        summary.crops = settings.embedding.centreCropOnly ? .centre : .method
        summary.seed = "\(settings.seed)"
        summary.dataDigest = dataset.digest.description
        summary.testDataDigest = externalSet?.digest.description
        summary.labels.minimumLikelihood = settings.rule.minimumLikelihood.map { Double($0) }
        summary.labels.dropsUnknown = settings.rule.dropsUnknown
        summary.records.training = records.training.count
        summary.records.validation = records.validation.count
        summary.records.test = records.test.count
        summary.records.external = records.external.count
        summary.records.externalLeftOut = records.externalLeftOut
        summary.records.externalSeenUnlabelled = records.externalSeen
        return summary
    }
}
