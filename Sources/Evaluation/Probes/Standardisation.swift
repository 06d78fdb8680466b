import LinearAlgebra

/// Brings features to mean 0 and deviation 1, with the statistics of the records that it was fitted to.
public struct Standardisation: Sendable {
    /// Each feature's mean.
    public let means: [Double]
    /// One over each feature's population deviation; 1 where it does not vary.
    public let scales: [Double]

    /// Measures features.
    public init(fittedTo features: Matrix) {
        let count = Double(max(features.rows, 1))
        let means = features.columnMeans
        var squares = Array(repeating: 0.0, count: features.columns)
        for row in 0..<features.rows {
            for column in 0..<features.columns {
                let difference = features[row, column] - means[column]
                squares[column] += difference * difference
            }
        }
        scales = squares.indices.map { column in
            let deviation = (squares[column] / count).squareRoot()
            // Below this, a constant's own rounding would be blown up to a feature.
            return deviation > 1e-12 * max(1, abs(means[column])) ? 1 / deviation : 1
        }
        self.means = means
    }

    /// Features of any records on the same scale.
    public func callAsFunction(_ features: Matrix) -> Matrix {
        features.shifted(by: means, scaledBy: scales)
    }
}
