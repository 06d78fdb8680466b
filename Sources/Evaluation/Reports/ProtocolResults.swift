import EvaluationSchema
import Runtime
import Statistics

/// What is done with features.
public enum EvaluationProtocol: String, Sendable, CaseIterable {
    /// Logistic regression.
    case linear
    /// Nearest neighbours.
    case knn
    /// Distances between classes.
    case clusters
    /// Clinical parameters read out by ridge regression.
    case parameters
    /// The encoder trained on with a head.
    case finetune
}

/// The results of all protocols for one kind of features.
public struct ProtocolResults: Sendable {
    /// Numbers of a record.
    public let dimension: Int
    /// The probe with any number of labels a record.
    public let linear: LinearProbe?
    /// The probe's measures on groups of the test fold's records, then of the external set's.
    public let linearSubgroups: (test: SubgroupReport, external: SubgroupReport?)?
    /// The probe with one label a record.
    public let linearSingleLabel: LinearProbe?
    /// Nearest neighbours.
    public let neighbours: NeighbourProtocol?
    /// Distances between classes.
    public let clusters: ClusterProtocol?
    /// Clinical parameters.
    public let parameters: ParameterProtocol?
    /// The fine-tuned encoder, which whoever trains it sets.
    public var finetune: FinetuneProtocol?
    /// What fewer labels give.
    public var labelEfficiency: LabelEfficiency?

    /// Runs protocols.
    ///
    /// - Parameters:
    ///   - protocols: Which ones.
    ///   - features: Of all splits.
    ///   - records: What the rows are.
    ///   - subgroups: Groups of the tested records; `nil` leaves them out.
    ///   - clinicalParameters: What the protocol `parameters` reads out; `nil` leaves it out.
    ///   - clusterDimension: How many principal components the protocol `clusters` brings all models to.
    ///   - seed: What resamples and starts are drawn from.
    /// - Throws: `MetricError`.
    public init(
        _ protocols: Set<EvaluationProtocol>, on features: FeatureSplits,
        of records: LabelledRecords, subgroups: SubgroupSplits? = nil,
        clinicalParameters: FeatureSplits?,
        clusterDimension: Int = ClusterProtocol.usualDimension, seed: UInt64
    ) throws(MetricError) {
        dimension = features.dimension
        func run<Result>(
            _ name: EvaluationProtocol, _ body: () throws(MetricError) -> Result
        ) throws(MetricError) -> Result? {
            protocols.contains(name) ? try body() : nil
        }
        linear = try run(.linear) { () throws(MetricError) in
            try LinearProbe(features, of: records, kind: .multiLabel, seed: seed)
        }
        linearSubgroups = try subgroups?.reports(
            test: linear?.test, external: linear?.external, seed: seed)
        linearSingleLabel = try run(.linear) { () throws(MetricError) in
            try LinearProbe(features, of: records, kind: .singleLabel, seed: seed)
        }
        neighbours = try run(.knn) { () throws(MetricError) in
            try NeighbourProtocol(features, of: records, seed: seed)
        }
        clusters = try run(.clusters) { () throws(MetricError) in
            try ClusterProtocol(
                features, of: records, dimension: clusterDimension, seed: seed)
        }
        guard let clinicalParameters, protocols.contains(.parameters) else {
            parameters = nil
            return
        }
        parameters = try ParameterProtocol(
            features, targets: clinicalParameters, names: PlainFeatures.clinicalNames, seed: seed)
    }

    /// The results, to be written.
    public var summary: ModelSummary {
        var summary = ModelSummary()
        summary.dimension = dimension
        summary.linear = linear.map { probe in
            var linear = LinearSummary()
            (linear.probe, linear.singleLabel) = (probe.summary, linearSingleLabel?.summary)
            linear.subgroups = linearSubgroups.map { groups in
                var subgroups = SubgroupSummaries()
                subgroups.test = groups.test.summary
                subgroups.external = groups.external?.summary
                return subgroups
            }
            return linear
        }
        summary.neighbours = neighbours?.summary
        summary.clusters = clusters?.summary
        summary.parameters = parameters?.summary
        summary.finetune = finetune?.summary
        summary.labelEfficiency = labelEfficiency?.summary
        return summary
    }
}
