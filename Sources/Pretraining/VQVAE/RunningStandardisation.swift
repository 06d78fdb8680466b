import Kernels
import NeuralNetworks

/// Batch normalisation without gain for a feature of which a batch has few: the running mean and variance, not the
/// batch's, standardise it.
///
/// The pooled features of an encoder are nearly the same vector for every record, so shards report sums of
/// deviations from the running mean: sums of squares would lose the variance beneath the mean. The first batch sets
/// the mean, the second the variance.
struct RunningStandardisation {
    /// Numbers of a feature.
    let columns: Int
    /// Running means, `[columns]`.
    let means: Numbers<Float>
    /// Running variances, `[columns]`.
    let variances: Numbers<Float>
    /// Batches that were followed, one number.
    let batches: Numbers<Float>

    /// What of the past a batch replaces, once enough batches have been seen.
    static let momentum = 0.1
    /// Added to variances.
    static let epsilon: Float = 1e-5

    /// What deviations are multiplied by.
    func fillScales(_ scales: Numbers<Float>) {
        for j in 0..<columns { scales[j] = 1 / (variances[j] + Self.epsilon).squareRoot() }
    }

    /// Adds deviations from the running means, and their squares, to a shard's statistics.
    ///
    /// - Parameters:
    ///   - x: Shape `[rows, columns]`.
    ///   - deviations: Sums, `[columns]`.
    ///   - squares: Sums, `[columns]`.
    func measure(_ x: Value, deviations: Numbers<Float>, squares: Numbers<Float>) {
        precondition(
            x.columns == columns && deviations.count == columns && squares.count == columns,
            "\(x.columns) numbers and \(deviations.count) sums of \(columns) columns")
        for r in 0..<x.rows {
            let row = x.row(r)
            for j in row.indices {
                let deviation = row[j] - means[j]
                deviations[j] += deviation
                squares[j] += deviation * deviation
            }
        }
    }

    /// Follows one batch.
    ///
    /// - Parameters:
    ///   - deviations: Mean over the batch of the deviations from the running mean.
    ///   - squares: The same of their squares.
    func follow(deviations: (Int) -> Double, squares: (Int) -> Double) {
        let seen = Double(batches[0])
        let rate = max(Self.momentum, 1 / (seen + 1))
        for j in 0..<columns {
            let deviation = deviations(j)
            if seen > 0 {
                let variance = max(0, squares(j) - deviation * deviation)
                let share = max(Self.momentum, 1 / seen)
                variances[j] += Float(share * (variance - Double(variances[j])))
            }
            means[j] = Float(Double(means[j]) + rate * deviation)
        }
        batches[0] += 1
    }
}
