import LinearAlgebra
import Runtime

/// How far apart the classes lie without any classifier, on the test fold's records with one label.
public struct ClusterProtocol: Sendable {
    /// Each record's class as its cluster.
    public let classes: ClusterMeasures
    /// The clusters that k-means finds, as many as there are classes.
    public let means: ClusterMeasures
    /// How well k-means finds the classes.
    public let adjustedRand: Double

    /// Measures.
    ///
    /// - Parameters:
    ///   - features: Of all parts, of which the test fold is looked at.
    ///   - records: What the rows are.
    ///   - seed: What the starts of k-means are drawn from.
    /// - Throws: `MetricError`.
    public init(
        _ features: PartedFeatures, of records: LabelledRecords, seed: UInt64
    ) throws(MetricError) {
        let part = SingleLabel(features.test, records.test)
        classes = try ClusterMeasures(part.features, labels: part.labels)
        let found = try MeanClusters(
            part.features, clusters: classes.clusterCount, seed: seed)
        means = try ClusterMeasures(part.features, labels: found.labels)
        adjustedRand = try PartitionAgreement.adjustedRand(found.labels, part.labels)
    }

    /// The measures by name.
    public var json: JSONValue {
        var test = classes.json.objectValue ?? [:]
        test["adjusted_rand"] = .number(adjustedRand)
        test["k_means"] = means.json
        return ["test": .object(test)]
    }
}
