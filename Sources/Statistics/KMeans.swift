import Kernels
import LinearAlgebra

/// k-means: vectors in clusters around their means, by Lloyd's algorithm.
///
/// The same bits wherever it runs: ties go to the lower number, means are summed in double in the order of the vectors,
/// and an empty cluster takes the vector that is farthest from its own mean.
///
/// Two users share the algorithm, not the arithmetic. Clusters of records are measured in double, from the best of
/// several starts, until nothing changes. A codebook's codes are single precision, are looked up as the codebook looks
/// them up, and move a counted number of times. Either in the other's arithmetic would have other bits, so what differs is
/// handed in: `Arithmetic`, the first means, and when to end.
public struct KMeans: Sendable {
    /// Each vector's cluster, when means were looked up last.
    public let labels: [Int]
    /// Each vector's squared distance to the mean of its cluster at that time.
    public let distances: [Double]
    /// The means, a row a cluster; those that labels and distances are of, unless rounds ran out.
    public let means: Matrix

    /// Sum of squared distances of vectors to the means of their clusters.
    public var inertia: Double { distances.reduce(0, +) }

    /// How vectors find their means, and what numbers a mean may have.
    public struct Arithmetic {
        /// The nearest mean of each vector, of equal ones the lower, and the squared distance to it.
        public let nearest: (_ means: Matrix) -> (labels: [Int], distances: [Double])
        /// Changes the mean of a cluster's vectors to what can be kept; vectors themselves are kept as they are.
        public let settle: (_ mean: inout [Double]) -> Void

        /// An arithmetic of its own.
        ///
        /// - Parameters:
        ///   - nearest: The nearest mean of each vector, of equal ones the lower, and the squared distance to it.
        ///   - settle: Changes the mean of a cluster's vectors to what can be kept.
        public init(
            nearest: @escaping (_ means: Matrix) -> (labels: [Int], distances: [Double]),
            settle: @escaping (_ mean: inout [Double]) -> Void
        ) {
            (self.nearest, self.settle) = (nearest, settle)
        }

        /// Doubles, as they are.
        public static func doubles(_ vectors: Matrix) -> Arithmetic {
            Arithmetic(nearest: { KMeans.nearest(of: $0, to: vectors) }, settle: { _ in })
        }
    }

    /// Moves means until they have moved often enough.
    ///
    /// - Parameters:
    ///   - vectors: A row a vector.
    ///   - start: The first means, a row a cluster; at most as many as vectors.
    ///   - rounds: How often means move at the most.
    ///   - endsWhenSettled: Whether it ends as soon as no vector has changed its cluster.
    ///   - arithmetic: How vectors find their means, and what numbers a mean may have.
    public init(
        _ vectors: Matrix, from start: Matrix, rounds: Int, endsWhenSettled: Bool,
        arithmetic: Arithmetic
    ) {
        precondition(
            start.rows <= vectors.rows && start.columns == vectors.columns,
            "\(vectors.rows) x \(vectors.columns) numbers cannot have \(start.rows) means")
        var (labels, distances, means): ([Int], [Double], Matrix) = ([], [], start)
        for _ in 0..<rounds {
            let next = arithmetic.nearest(means)
            let isSettled = next.labels == labels
            (labels, distances) = next
            if endsWhenSettled, isSettled { break }
            means = Self.means(
                of: vectors, labels: labels, distances: distances, clusters: start.rows,
                settle: arithmetic.settle)
        }
        (self.labels, self.distances, self.means) = (labels, distances, means)
    }

    /// Clusters in double: the best of several starts by k-means++ (Arthur and Vassilvitskii, 2007), each moved until no
    /// vector changes its cluster.
    ///
    /// - Parameters:
    ///   - vectors: A row a vector.
    ///   - clusters: Number of clusters.
    ///   - starts: How often it begins anew, at least once.
    ///   - seed: What the starts are drawn from.
    /// - Throws: `MetricError` where there are fewer vectors than clusters.
    public init(
        _ vectors: Matrix, clusters: Int, starts: Int = 10, seed: UInt64
    ) throws(MetricError) {
        guard clusters > 0, clusters <= vectors.rows else {
            throw .unfitClusters(clusters: clusters, records: vectors.rows)
        }
        func run(_ start: Int) -> KMeans {
            var random = RandomStream(
                seed: seed, purpose: .sampling, step: UInt64(start), position: 1)
            let first = Self.spread(clusters, of: vectors, random: &random)
            return KMeans(
                vectors, from: vectors.selecting(rows: first), rounds: Self.maximumRounds,
                endsWhenSettled: true, arithmetic: .doubles(vectors))
        }
        var best = run(0)
        for start in 1..<max(1, starts) {
            let found = run(start)
            if found.inertia < best.inertia { best = found }
        }
        self = best
    }

    private static let maximumRounds = 300

    /// k-means++: vectors far from those chosen before, drawn in proportion to the squared distance.
    private static func spread(
        _ clusters: Int, of vectors: Matrix, random: inout RandomStream
    ) -> [Int] {
        var chosen = [random.nextInteger(below: vectors.rows)]
        var nearest = Array(repeating: Double.infinity, count: vectors.rows)
        while chosen.count < clusters {
            let last = vectors.row(chosen[chosen.count - 1])
            for row in nearest.indices {
                nearest[row] = min(nearest[row], squaredDistance(vectors.row(row), last))
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

    private static func nearest(
        of means: Matrix, to vectors: Matrix
    ) -> (labels: [Int], distances: [Double]) {
        var labels = Array(repeating: 0, count: vectors.rows)
        var distances = Array(repeating: Double.infinity, count: vectors.rows)
        for row in labels.indices {
            for cluster in 0..<means.rows {
                let distance = squaredDistance(vectors.row(row), means.row(cluster))
                if distance < distances[row] { (labels[row], distances[row]) = (cluster, distance) }
            }
        }
        return (labels, distances)
    }

    private static func means(
        of vectors: Matrix, labels: [Int], distances: [Double], clusters: Int,
        settle: (inout [Double]) -> Void
    ) -> Matrix {
        var means = Matrix(rows: clusters, columns: vectors.columns)
        var sizes = Array(repeating: 0, count: clusters)
        for (row, cluster) in labels.enumerated() {
            sizes[cluster] += 1
            for column in 0..<vectors.columns { means[cluster, column] += vectors[row, column] }
        }
        // Of the old means' distances, before any has moved.
        var farthest =
            sizes.contains(0)
            ? labels.indices.sorted {
                distances[$0] == distances[$1] ? $0 > $1 : distances[$0] < distances[$1]
            } : []
        for cluster in 0..<clusters {
            guard sizes[cluster] > 0 else {
                guard let vector = farthest.popLast() else { continue }
                means.replace(row: cluster, with: Array(vectors.row(vector)))
                continue
            }
            var mean = means.row(cluster).map { $0 / Double(sizes[cluster]) }
            settle(&mean)
            means.replace(row: cluster, with: mean)
        }
        return means
    }
}

extension Matrix {
    fileprivate mutating func replace(row: Int, with numbers: [Double]) {
        for (column, number) in numbers.enumerated() { self[row, column] = number }
    }
}
