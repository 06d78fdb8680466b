import LinearAlgebra
import Statistics

/// Classification by the classes of the nearest training records, each of which has one vote.
public struct NearestNeighbours: Sendable {
    /// How near records are to each other.
    public enum Distance: String, Sendable, CaseIterable {
        /// Between the features as they are.
        case euclidean
        /// One less the cosine of the angle: between features brought to unit length.
        case cosine
    }

    private let features: Matrix
    private let squares: [Double]
    private let labels: [Int]
    private let classes: Int
    private let distance: Distance

    /// Keeps training records.
    ///
    /// - Parameters:
    ///   - features: A row a record.
    ///   - labels: Each record's class.
    ///   - classes: Number of classes.
    ///   - distance: How near records are to each other.
    /// - Throws: `MetricError` where there is no record, or a feature is not finite.
    public init(
        _ features: Matrix, labels: [Int], classes: Int, distance: Distance
    ) throws(MetricError) {
        guard features.rows == labels.count else {
            throw .countsDiffer(what: "neighbours", counts: [features.rows, labels.count])
        }
        guard !labels.isEmpty else { throw .empty(what: "training records of k-NN") }
        try features.requireFinite()
        self.features = distance == .cosine ? features.unitRows : features
        squares = (0..<features.rows).map { [features = self.features] in
            features.row($0).reduce(0) { $0 + $1 * $1 }
        }
        self.labels = labels
        self.classes = classes
        self.distance = distance
    }

    /// The share of each class among the nearest.
    ///
    /// - Parameters:
    ///   - queries: A row a record.
    ///   - count: How many neighbours; of equally near ones those that come first in training.
    /// - Returns: A row a record, a column a class.
    /// - Throws: `MetricError.tooFewNeighbours`.
    public func shares(of queries: Matrix, count: Int) throws(MetricError) -> Matrix {
        guard count <= labels.count else {
            throw .tooFewNeighbours(wanted: count, records: labels.count)
        }
        let queries = distance == .cosine ? queries.unitRows : queries
        var shares = Matrix(rows: queries.rows, columns: classes)
        // In blocks, so that the distances of a large set do not lie in memory at once.
        for begin in stride(from: 0, to: queries.rows, by: Self.block) {
            let rows = Array(begin..<min(begin + Self.block, queries.rows))
            let products = Matrix.product(
                queries.selecting(rows: rows), features, transposesRight: true)
            for (place, row) in rows.enumerated() {
                // The query's own length is the same for all, so it does not matter.
                let distances = squares.indices.map { squares[$0] - 2 * products[place, $0] }
                for neighbour in Self.nearest(count, distances) {
                    shares[row, labels[neighbour]] += 1 / Double(count)
                }
            }
        }
        return shares
    }

    private static let block = 128

    /// The places of the smallest values, ties to the lowest place.
    private static func nearest(_ count: Int, _ distances: [Double]) -> [Int] {
        var kept: [Int] = []
        func isNearer(_ a: Int, _ b: Int) -> Bool {
            distances[a] == distances[b] ? a < b : distances[a] < distances[b]
        }
        for candidate in distances.indices {
            if kept.count == count, let last = kept.last, !isNearer(candidate, last) { continue }
            if kept.count == count { kept.removeLast() }
            let place = kept.firstIndex { isNearer(candidate, $0) } ?? kept.count
            kept.insert(candidate, at: place)
        }
        return kept
    }
}

extension Matrix {
    /// Each row divided by its length; rows of zeros stay.
    var unitRows: Matrix {
        var result = self
        for row in 0..<rows {
            var squares = 0.0
            for column in 0..<columns { squares += self[row, column] * self[row, column] }
            guard squares > 0 else { continue }
            let scale = 1 / squares.squareRoot()
            for column in 0..<columns { result[row, column] *= scale }
        }
        return result
    }
}
