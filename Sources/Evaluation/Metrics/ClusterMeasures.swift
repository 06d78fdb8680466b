import LinearAlgebra
import Statistics

/// How well clusters are told apart by distance (Euclidean), computed as scikit-learn does.
public struct ClusterMeasures: Sendable, Equatable {
    /// Davies and Bouldin, 1979: the lower, the better apart.
    public let daviesBouldin: Double
    /// Rousseeuw, 1987: from -1 to 1, above 0 where records are nearer to their own cluster.
    public let silhouette: Double
    /// Calinski and Harabasz, 1974; grows with the number of records.
    public let calinskiHarabasz: Double
    /// Number of records.
    public let recordCount: Int
    /// Number of clusters.
    public let clusterCount: Int

    /// Calinski and Harabasz's measure over n - k, which does not grow with the number of records.
    public var calinskiHarabaszPerRecord: Double {
        calinskiHarabasz / Double(recordCount - clusterCount)
    }

    /// Measures clusters.
    ///
    /// - Parameters:
    ///   - features: A row a record.
    ///   - labels: Each record's cluster, any numbers.
    /// - Throws: `MetricError` where there are too few or too many clusters, or a number is not finite.
    public init(_ features: Matrix, labels: [Int]) throws(MetricError) {
        guard labels.count == features.rows else {
            throw .countsDiffer(what: "clusters", counts: [features.rows, labels.count])
        }
        guard !labels.isEmpty else { throw .empty(what: "clusters") }
        try features.requireFinite()
        let names = Set(labels).sorted()
        guard (2..<labels.count).contains(names.count) else {
            throw .unfitClusters(clusters: names.count, records: labels.count)
        }
        let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        let clusters = labels.map { numbers[$0] ?? 0 }
        recordCount = labels.count
        clusterCount = names.count
        let groups = Groups(features, clusters: clusters, count: names.count)
        daviesBouldin = groups.daviesBouldin
        calinskiHarabasz = groups.calinskiHarabasz
        silhouette = groups.silhouette
    }
}

/// Records with the means of their clusters.
private struct Groups {
    let features: Matrix
    let clusters: [Int]
    let sizes: [Double]
    let means: Matrix

    init(_ features: Matrix, clusters: [Int], count: Int) {
        self.features = features
        self.clusters = clusters
        var means = Matrix(rows: count, columns: features.columns)
        var sizes = Array(repeating: 0.0, count: count)
        for (row, cluster) in clusters.enumerated() {
            sizes[cluster] += 1
            for column in 0..<features.columns { means[cluster, column] += features[row, column] }
        }
        for cluster in 0..<count {
            for column in 0..<features.columns { means[cluster, column] /= sizes[cluster] }
        }
        self.sizes = sizes
        self.means = means
    }

    var daviesBouldin: Double {
        var spread = Array(repeating: 0.0, count: sizes.count)
        for (row, cluster) in clusters.enumerated() {
            spread[cluster] +=
                squaredDistance(features.row(row), means.row(cluster)).squareRoot()
                / sizes[cluster]
        }
        var worst = Array(repeating: 0.0, count: sizes.count)
        var isApart = false
        for a in sizes.indices {
            for b in sizes.indices where a != b {
                let distance = squaredDistance(means.row(a), means.row(b)).squareRoot()
                isApart = isApart || distance > 1e-8
                if distance > 0 { worst[a] = max(worst[a], (spread[a] + spread[b]) / distance) }
            }
        }
        guard isApart, spread.contains(where: { $0 > 1e-8 }) else { return 0 }
        return worst.reduce(0, +) / Double(worst.count)
    }

    var calinskiHarabasz: Double {
        let n = Double(features.rows)
        let k = Double(sizes.count)
        var centre = Array(repeating: 0.0, count: features.columns)
        for row in 0..<features.rows {
            for column in 0..<features.columns { centre[column] += features[row, column] / n }
        }
        var (between, within) = (0.0, 0.0)
        for cluster in sizes.indices {
            between += sizes[cluster] * squaredDistance(means.row(cluster), centre[...])
        }
        for (row, cluster) in clusters.enumerated() {
            within += squaredDistance(features.row(row), means.row(cluster))
        }
        return within == 0 ? 1 : between * (n - k) / (within * (k - 1))
    }

    var silhouette: Double {
        let count = features.rows
        var sum = 0.0
        for a in 0..<count where sizes[clusters[a]] > 1 {
            var distances = Array(repeating: 0.0, count: sizes.count)
            for b in 0..<count where a != b {
                distances[clusters[b]] +=
                    squaredDistance(features.row(a), features.row(b)).squareRoot()
            }
            let own = distances[clusters[a]] / (sizes[clusters[a]] - 1)
            let nearest =
                sizes.indices.filter { $0 != clusters[a] }
                .map { distances[$0] / sizes[$0] }.min() ?? 0
            let larger = max(own, nearest)
            if larger > 0 { sum += (nearest - own) / larger }
        }
        return sum / Double(count)
    }
}

/// Whether two ways to put records into groups agree, whatever the groups are called.
public enum PartitionAgreement {
    /// The adjusted Rand index: 1 for equal partitions, about 0 for unrelated ones.
    ///
    /// Source: Hubert and Arabie, 1985.
    ///
    /// - Throws: `MetricError` where there is no record, or the lists have different lengths.
    public static func adjustedRand(_ a: [Int], _ b: [Int]) throws(MetricError) -> Double {
        guard a.count == b.count else {
            throw .countsDiffer(what: "partitions", counts: [a.count, b.count])
        }
        guard !a.isEmpty else { throw .empty(what: "partitions") }
        func squares(_ keys: [[Int]]) -> Double {
            let counts = Dictionary(keys.map { ($0, 1) }, uniquingKeysWith: +)
            // Whole numbers below 2^53, so that the order of the sum does not show.
            return counts.values.reduce(0.0) { $0 + Double($1) * Double($1) }
        }
        let n = Double(a.count)
        let both = squares(zip(a, b).map { [$0, $1] })
        let (inA, inB) = (squares(a.map { [$0] }), squares(b.map { [$0] }))
        // Ordered pairs: together in both, in one alone, in neither.
        let (together, onlyA, onlyB) = (both - n, inA - both, inB - both)
        let apart = n * n - inA - inB + both
        guard onlyA != 0 || onlyB != 0 else { return 1 }
        return 2 * (together * apart - onlyA * onlyB)
            / ((together + onlyA) * (onlyA + apart) + (together + onlyB) * (onlyB + apart))
    }
}
