import LinearAlgebra
import Statistics

/// The directions in which records differ most (Pearson, 1901), found from the records that it was fitted to.
///
/// Exact: eigenvectors of the covariance, or of the records' inner products where there are fewer records than numbers. A
/// direction's sign is chosen so that its largest number is positive, of equally large ones the first.
public struct PrincipalComponents: Sendable {
    /// Each number's mean.
    public let means: [Double]
    /// A direction of length 1 a row, the one with the largest variance first.
    public let directions: Matrix
    /// The variance along each direction, over one record less than there are.
    public let variances: [Double]
    /// The variance of all numbers together.
    public let totalVariance: Double

    /// How much less than the first direction one may vary; below this it is rounding.
    private static let leastShare = 1e-12

    /// Finds directions.
    ///
    /// - Parameters:
    ///   - features: A row a record.
    ///   - count: How many directions; fewer are found where records vary in fewer.
    /// - Throws: `MetricError` where there is no record, or a number is not finite.
    public init(fittedTo features: Matrix, count: Int) throws(MetricError) {
        guard features.rows > 0 else { throw .empty(what: "principal components") }
        try features.requireFinite()
        means = features.columnMeans
        let centred = features.centred
        let isWide = features.rows < features.columns
        let freedom = Double(max(features.rows - 1, 1))
        totalVariance = centred.values.reduce(0) { $0 + $1 * $1 } / freedom
        let products = Matrix.product(
            centred, centred, transposesLeft: !isWide, transposesRight: isWide,
            alpha: 1 / freedom)
        let wanted = min(count, features.columns, features.rows - 1)
        guard let found = LeadingEigenvectors(of: products, count: wanted) else {
            preconditionFailure("finite products have eigenvectors")
        }
        let kept = found.values.indices.prefix {
            found.values[$0] > max(0, found.values[0] * Self.leastShare)
        }
        variances = Array(found.values[kept])
        var directions = found.vectors.selecting(rows: Array(kept))
        if isWide { directions = Matrix.product(directions, centred) }
        for row in 0..<directions.rows {
            let largest = directions.row(row).max { abs($0) < abs($1) } ?? 1
            let length = directions.row(row).reduce(0) { $0 + $1 * $1 }.squareRoot()
            for column in 0..<directions.columns {
                directions[row, column] *= (largest < 0 ? -1 : 1) / length
            }
        }
        self.directions = directions
    }

    /// Each record's place along the directions, a row a record.
    public func callAsFunction(_ features: Matrix) -> Matrix {
        let ones = Array(repeating: 1.0, count: means.count)
        return Matrix.product(
            features.shifted(by: means, scaledBy: ones), directions, transposesRight: true)
    }
}
