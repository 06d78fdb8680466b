import ClinicalParameters
import Configurations
import Electrocardiography
import EvaluationSchema
import LinearAlgebra
import Pretraining
import Runtime

/// How encoders are assessed.
public struct AssessmentSettings: Sendable {
    /// What is done with features.
    public var protocols: Set<EvaluationProtocol>
    /// Which vectors are taken of an encoder.
    public var readout: Readout
    /// Which diagnostic codes count.
    public var rule: LabelRule
    /// Whether one crop of each window is enough.
    public var centreCropOnly: Bool
    /// How many principal components clusters are measured in, beside the features as they are.
    public var clusterDimension: Int
    /// How maps of the test records are drawn; `nil` where nobody looks at them.
    public var map: MapSettings?
    /// What resamples and starts are drawn from.
    public var seed: UInt64
    /// Compute threads; any number gives the same numbers.
    public var threads: Int
    /// Parts of the labelled patients that the linear probe is trained on beside all of them.
    public var labelFractions: [Double]
    /// How often each part is drawn.
    public var labelDraws: Int

    /// Settings by name.
    public init(
        protocols: Set<EvaluationProtocol>, readout: Readout = .mean, rule: LabelRule = LabelRule(),
        centreCropOnly: Bool = false, clusterDimension: Int = ClusterProtocol.usualDimension,
        map: MapSettings? = nil, seed: UInt64 = 0, threads: Int = 1,
        labelFractions: [Double] = [], labelDraws: Int = 5
    ) {
        self.labelFractions = labelFractions
        self.labelDraws = labelDraws
        self.protocols = protocols
        self.readout = readout
        self.rule = rule
        self.centreCropOnly = centreCropOnly
        self.clusterDimension = clusterDimension
        self.map = map
        self.seed = seed
        self.threads = threads
    }
}

/// Features under a name, with all that protocols say of them.
public struct Contender: Sendable {
    /// What the features are.
    public let name: String
    /// What protocols say.
    public var results: ProtocolResults
    /// The test records in a plane; `nil` where nobody asked, and for features that no encoder made.
    public let map: RecordMap?
    /// What all of it was said of.
    let features: PartedFeatures
}

/// The records on which encoders are assessed, and how.
public struct Assessment: Sendable {
    /// The labelled records.
    public let records: LabelledRecords
    /// How encoders are assessed.
    public let settings: AssessmentSettings
    /// The set of all parts but the external one.
    public let dataset: PreparedDataset
    private let externalSet: PreparedDataset?
    private let clinicalParameters: PartedFeatures?
    /// For the linear probe alone: `nil` without it.
    private let segmentedParameters: PartedFeatures?
    private let subgroups: PartedSubgroups?

    /// Told what is being done, and how many records of how many are done.
    public typealias Progress = @Sendable (_ what: String, _ done: Int, _ all: Int) -> Void

    /// Parts the records of a data set.
    ///
    /// - Parameters:
    ///   - dataset: The set that is trained on, chosen on and tested on.
    ///   - externalSet: Tested whole.
    ///   - folds: Which folds are for what.
    ///   - settings: How encoders are assessed.
    /// - Throws: `EvaluationError`.
    public init(
        on dataset: PreparedDataset, externalSet: PreparedDataset?, folds: FoldConfiguration,
        settings: AssessmentSettings
    ) throws {
        let records = try LabelledRecords(
            dataset, externalSet: externalSet, folds: folds, rule: settings.rule)
        for set in [dataset] + (externalSet.map { [$0] } ?? []) where set.clinicalFeatureCount > 0 {
            guard let problem = ClinicalFeatures.problem(of: set) else { continue }
            throw EvaluationError.unfitDataset(dataset: set.path, problem: problem)
        }
        // A set that lacks them lacks them in every part.
        let areStored =
            dataset.clinicalFeatureCount > 0 && externalSet?.clinicalFeatureCount ?? 1 > 0
        clinicalParameters =
            areStored
            ? try PartedFeatures(
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
            ? try PartedSubgroups(of: records, in: dataset, externalSet: externalSet) : nil
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
    ) throws -> Contender {
        let features = try PartedFeatures(of: records, in: dataset, externalSet: externalSet) {
            records, dataset in
            try encoder.embed(
                records, of: dataset, readout: settings.readout,
                centreCropOnly: settings.centreCropOnly, threads: settings.threads
            ) { progress(name, $0, records.count) }
        }
        var found = try contender(
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
            try encoder.probabilities(
                records, of: dataset, centreCropOnly: settings.centreCropOnly,
                threads: settings.threads
            ) { progress(name, $0, records.count) }
        }
        let own = try probabilities(records.validation + records.test, dataset)
        let validationCount = records.validation.count
        return try FinetuneProtocol(
            validation: own.selecting(rows: Array(0..<validationCount)),
            test: own.selecting(rows: Array(validationCount..<own.rows)),
            external: try externalSet.map { try probabilities(records.external, $0) },
            of: records, encoder: encoder, seed: settings.seed)
    }

    /// What tells what an encoder's numbers are worth: the encoder as its seed draws it; without the clinical parameters
    /// beside its signal, where it takes any; its vectors with clinical parameters beside them, where the set has them;
    /// and the controls that are the same for all encoders.
    ///
    /// - Parameters:
    ///   - encoder: The encoder.
    ///   - contender: What `assess` gave for it.
    ///   - progress: Told how far the work is.
    /// - Returns: All controls by their names.
    /// - Throws: `EvaluationError`, `MetricError`, and whatever keeps a window from being read.
    public func controls(
        of encoder: TrainedEncoder, assessed contender: Contender, progress: @escaping Progress
    ) throws -> [Contender] {
        var controls = [
            try drawn(by: encoder.configuration, name: Control.random.rawValue, progress: progress)
        ]
        if let signalAlone = encoder.ofSignalAlone {
            controls.append(
                try assess(signalAlone, name: Control.signalAlone.rawValue, progress: progress))
        }
        // Distances between numbers of different units mean nothing, so the probe alone, which standardises.
        if let segmentedParameters {
            controls.append(
                try self.contender(
                    Control.withParameters.rawValue,
                    contender.features.joined(with: segmentedParameters),
                    protocols: [.linear]))
        }
        return controls + (try plainControls(progress: progress))
    }

    /// What protocols say of an encoder with the weights that its seed draws.
    public func drawn(
        by configuration: Configuration, name: String, progress: @escaping Progress
    ) throws -> Contender {
        let random = try TrainedEncoder(
            drawnBy: configuration, dataset: dataset, trainingRecords: records.training)
        return try assess(random, name: name, progress: progress)
    }

    /// The controls that are the same for all encoders.
    public func plainControls(progress: @escaping Progress) throws -> [Contender] {
        progress("statistics", 0, 1)
        let statistics = try PartedFeatures(
            of: records, in: dataset, externalSet: externalSet, features: PlainFeatures.statistics)
        var controls = [
            try contender(
                Control.statistics.rawValue, statistics, protocols: settings.protocols)
        ]
        let others = settings.protocols.subtracting([.parameters])
        if let clinicalParameters {
            controls.append(
                try contender(
                    Control.parameters.rawValue, clinicalParameters.filled(), protocols: others))
        }
        if let segmentedParameters {
            controls.append(
                try contender(
                    Control.parametersInSegments.rawValue, segmentedParameters, protocols: [.linear]
                ))
        }
        let ageAndSex = try PartedFeatures(
            of: records, in: dataset, externalSet: externalSet,
            features: { records, _ in PlainFeatures.ageAndSex(records) })
        controls.append(
            try contender(
                Control.ageAndSex.rawValue, ageAndSex.filled(), protocols: others))
        return controls
    }

    private func contender(
        _ name: String, _ features: PartedFeatures, protocols: Set<EvaluationProtocol>,
        subgroups: PartedSubgroups? = nil, map: RecordMap? = nil
    ) throws(MetricError) -> Contender {
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
        return Contender(name: name, results: results, map: map, features: features)
    }

    /// What the records are and how they were labelled, to be written.
    public var summary: AssessmentSummary {
        var summary = AssessmentSummary()
        summary.readout = settings.readout.rawValue
        summary.crops = settings.centreCropOnly ? .centre : .method
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
