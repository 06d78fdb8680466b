/// R², the coefficient of determination: 1 less the ratio of squared errors to squared deviations from the mean.
///
/// - Parameters:
///   - predictions: What was predicted.
///   - truths: What is so.
///   - weights: How often each record counts.
/// - Returns: `nil` where the truths do not vary.
public func rSquared(
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
