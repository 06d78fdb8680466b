import LinearAlgebra
import Statistics

/// A linear map to a number, with a penalty on the squares of the weights; the bias is free.
public struct RidgeRegression: Sendable {
    private let weights: [Double]
    private let bias: Double

    /// Predictions for records.
    public func callAsFunction(_ features: Matrix) -> [Double] {
        let column = Matrix(rows: weights.count, columns: 1, values: weights)
        return Matrix.product(features, column).values.map { $0 + bias }
    }

    /// Fits the same records with several penalties.
    ///
    /// - Parameters:
    ///   - features: A row a record.
    ///   - targets: A number a record.
    ///   - penalties: Factors of the sum of squared weights, beside the mean of squared errors; above 0.
    /// - Returns: One map a penalty.
    /// - Throws: `MetricError` where there is no record, or a feature is not finite.
    public static func fits(
        _ features: Matrix, targets: [Double], penalties: [Double]
    ) throws(MetricError) -> [RidgeRegression] {
        guard features.rows == targets.count else {
            throw .countsDiffer(what: "regression", counts: [features.rows, targets.count])
        }
        guard !targets.isEmpty else { throw .empty(what: "training records of the regression") }
        try features.requireFinite()
        let count = Double(features.rows)
        let means = features.columnMeans
        let mean = targets.reduce(0, +) / count
        let centred = features.centred
        let gram = centred.gram
        let column = Matrix(rows: targets.count, columns: 1, values: targets.map { $0 - mean })
        let product = Matrix.product(column, centred, transposesLeft: true, alpha: 1 / count)
        return penalties.map { penalty in
            var matrix = gram
            for i in 0..<matrix.rows { matrix[i, i] += penalty }
            guard let factor = CholeskyFactor(matrix) else {
                preconditionFailure("a Gram matrix with penalty \(penalty) is positive definite")
            }
            let weights = factor.solve(product).values
            return RidgeRegression(weights: weights, bias: mean - dot(weights, means))
        }
    }
}
