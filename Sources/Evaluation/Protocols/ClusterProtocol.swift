import EvaluationSchema
import LinearAlgebra
import Runtime
import Statistics

/// How far apart the classes lie without any classifier, on the test fold's records with one label.
///
/// The measures depend on how many numbers a record has, so they are taken twice: of the features as they are, and of
/// as many principal components for all models.
public struct ClusterProtocol: Sendable {
    /// The dimension of the study's triplet embeddings.
    public static let usualDimension = 9

    /// Distances between classes in one space.
    public struct Space: Sendable {
        /// Numbers of a record.
        public let dimension: Int
        /// Each record's class as its cluster.
        public let classes: ClusterMeasures
        /// The clusters that k-means finds, as many as there are classes.
        public let means: ClusterMeasures
        /// How well k-means finds the classes.
        public let adjustedRand: Double

        init(_ features: Matrix, labels: [Int], seed: UInt64) throws(MetricError) {
            dimension = features.columns
            classes = try ClusterMeasures(features, labels: labels)
            let found = try KMeans(features, clusters: classes.clusterCount, seed: seed)
            means = try ClusterMeasures(features, labels: found.labels)
            adjustedRand = try PartitionAgreement.adjustedRand(found.labels, labels)
        }

        fileprivate var summary: ClusterSpaceSummary {
            var summary = ClusterSpaceSummary()
            (summary.classes, summary.means) = (classes.summary, means.summary)
            summary.adjustedRand = adjustedRand
            return summary
        }
    }

    /// The features as they are.
    public let whole: Space
    /// Their principal components, standardised before, both found from the training records alone; `nil` where no
    /// number varies.
    public let reduced: Space?
    /// How many components were asked for; features of fewer numbers have fewer.
    public let wantedDimension: Int

    /// Measures.
    ///
    /// - Parameters:
    ///   - features: Of all splits, of which the test fold is measured.
    ///   - records: What the rows are.
    ///   - dimension: How many principal components all models are brought to.
    ///   - seed: What the starts of k-means are drawn from.
    /// - Throws: `MetricError`.
    public init(
        _ features: FeatureSplits, of records: LabelledRecords,
        dimension: Int = usualDimension, seed: UInt64
    ) throws(MetricError) {
        wantedDimension = dimension
        let single = SingleLabel(features.test, records.test)
        whole = try Space(single.features, labels: single.labels, seed: seed)
        // Controls have numbers of different units, of which the largest would be all that components see.
        let scale = Standardisation(fittedTo: features.training)
        let components = try PrincipalComponents(
            fittedTo: scale(features.training), count: dimension)
        reduced =
            components.variances.isEmpty
            ? nil
            : try Space(components(scale(single.features)), labels: single.labels, seed: seed)
    }

    /// The measures, to be written.
    public var summary: ClusterSummary {
        var summary = ClusterSummary()
        summary.test = whole.summary
        summary.equalDimension.wantedDimension = wantedDimension
        summary.equalDimension.dimension = reduced?.dimension
        summary.equalDimension.test = reduced?.summary
        return summary
    }
}
