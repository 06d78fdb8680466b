import Kernels
import LinearAlgebra

/// k-means: groups of records around their means.
///
/// The best of several starts by k-means++ (Arthur and Vassilvitskii, 2007), each moved by Lloyd's rule until no record
/// changes its group. Ties go to the lowest index; an empty group takes the record that is farthest from its mean.
public struct MeanClusters: Sendable {
    /// Each record's group.
    public let labels: [Int]
    /// Sum of squared distances of records to the means of their groups.
    public let inertia: Double

    /// Groups records.
    ///
    /// - Parameters:
    ///   - features: A row a record.
    ///   - clusters: Number of groups.
    ///   - starts: How often it begins anew.
    ///   - seed: What the starts are drawn from.
    /// - Throws: `MetricError` where there are fewer records than groups.
    public init(
        _ features: Matrix, clusters: Int, starts: Int = 10, seed: UInt64
    ) throws(MetricError) {
        guard clusters > 0, clusters <= features.rows else {
            throw .unfitClusters(clusters: clusters, records: features.rows)
        }
        var best: (labels: [Int], inertia: Double)?
        for start in 0..<starts {
            var random = RandomStream(
                seed: seed, purpose: .sampling, step: UInt64(start), position: 1)
            let found = Self.run(features, clusters: clusters, random: &random)
            if found.inertia < best?.inertia ?? .infinity { best = found }
        }
        labels = best?.labels ?? []
        inertia = best?.inertia ?? 0
    }

    private static let maximumRounds = 300

    private static func run(
        _ features: Matrix, clusters: Int, random: inout RandomStream
    ) -> (labels: [Int], inertia: Double) {
        var means = features.selecting(rows: starts(features, clusters, random: &random))
        var labels: [Int] = []
        var distances: [Double] = []
        for _ in 0..<maximumRounds {
            let (next, nearest) = assign(features, to: means)
            distances = nearest
            if next == labels { break }
            labels = next
            means = move(features, labels: labels, distances: distances, clusters: clusters)
        }
        return (labels, distances.reduce(0, +))
    }

    /// Records far from those chosen before, drawn in proportion to the squared distance.
    private static func starts(
        _ features: Matrix, _ clusters: Int, random: inout RandomStream
    ) -> [Int] {
        var chosen = [random.nextInteger(below: features.rows)]
        var nearest = Array(repeating: Double.infinity, count: features.rows)
        while chosen.count < clusters {
            let last = features.row(chosen[chosen.count - 1])
            for row in nearest.indices {
                nearest[row] = min(nearest[row], squaredDistance(features.row(row), last))
            }
            let draw = random.nextDouble() * nearest.reduce(0, +)
            var sum = 0.0
            let next = nearest.indices.first { row in
                sum += nearest[row]
                return sum > draw
            }
            let unused = nearest.indices.first { !chosen.contains($0) }
            chosen.append(next ?? unused ?? 0)
        }
        return chosen
    }

    private static func assign(
        _ features: Matrix, to means: Matrix
    ) -> (labels: [Int], distances: [Double]) {
        var labels = Array(repeating: 0, count: features.rows)
        var distances = Array(repeating: Double.infinity, count: features.rows)
        for row in labels.indices {
            for cluster in 0..<means.rows {
                let distance = squaredDistance(features.row(row), means.row(cluster))
                if distance < distances[row] { (labels[row], distances[row]) = (cluster, distance) }
            }
        }
        return (labels, distances)
    }

    private static func move(
        _ features: Matrix, labels: [Int], distances: [Double], clusters: Int
    ) -> Matrix {
        var means = Matrix(rows: clusters, columns: features.columns)
        var sizes = Array(repeating: 0.0, count: clusters)
        for (row, cluster) in labels.enumerated() {
            sizes[cluster] += 1
            for column in 0..<features.columns { means[cluster, column] += features[row, column] }
        }
        var farthest = labels.indices.sorted {
            distances[$0] == distances[$1] ? $0 > $1 : distances[$0] < distances[$1]
        }
        for cluster in 0..<clusters {
            guard sizes[cluster] > 0 else {
                let row = farthest.popLast() ?? 0
                for column in 0..<features.columns {
                    means[cluster, column] = features[row, column]
                }
                continue
            }
            for column in 0..<features.columns { means[cluster, column] /= sizes[cluster] }
        }
        return means
    }
}
