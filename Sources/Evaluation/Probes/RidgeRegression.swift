import LinearAlgebra

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

/// The share of variance that a prediction explains.
public enum Determination {
    /// R²: 1 less the ratio of squared errors to squared deviations from the mean.
    ///
    /// - Parameters:
    ///   - predictions: What was predicted.
    ///   - truths: What is so.
    ///   - weights: How often each record counts.
    /// - Returns: `nil` where the truths do not vary.
    public static func share(
        _ predictions: [Double], of truths: [Double], counting weights: [Double]
    ) -> Double? {
        let total = weights.reduce(0, +)
        let mean = zip(truths, weights).reduce(0) { $0 + $1.0 * $1.1 } / total
        var (errors, deviations) = (0.0, 0.0)
        for i in truths.indices {
            let (error, deviation) = (truths[i] - predictions[i], truths[i] - mean)
            errors += weights[i] * error * error
            deviations += weights[i] * deviation * deviation
        }
        return deviations > 0 ? 1 - errors / deviations : nil
    }
}
