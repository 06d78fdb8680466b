import Kernels
import Tensors

/// Batch normalisation with running statistics, which are state: every shard's means and variances travel with the
/// gradients, and after the step all replicas move the running ones by the same mean over shards.
public struct BatchNormalisation: Sendable {
    /// What a step moves running statistics by.
    private static let momentum: Float = 0.1

    private let gain: Int
    private let shift: Int
    private let mean: Int
    private let variance: Int
    /// Sums of means, sums of unbiased variances, and how many of them there are.
    private let sums: Int
    private let width: Int
    private let epsilon: Float

    /// Adds `NAME.weight`, `NAME.bias`, the frozen `NAME.running_mean` and `NAME.running_var`, and the statistic
    /// `NAME.sums`.
    public init(
        _ name: String, width: Int, epsilon: Float = 1e-5, in parameters: inout ParameterList
    ) {
        gain = parameters.add("\(name).weight", shape: [width], .ones)
        shift = parameters.add("\(name).bias", shape: [width], .zeros)
        mean = parameters.add("\(name).running_mean", shape: [width], .zeros, isTrained: false)
        variance = parameters.add("\(name).running_var", shape: [width], .ones, isTrained: false)
        sums = parameters.addStatistic("\(name).sums", shape: [2 * width + 1])
        self.width = width
        self.epsilon = epsilon
    }

    /// Shape `[rows, width]`, unchanged.
    ///
    /// - Parameters:
    ///   - x: The rows.
    ///   - usesBatch: Whether the rows' own statistics are used, as in training, or the running ones.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Rows of the same shape.
    public func callAsFunction(_ x: Value, usesBatch: Bool, on tape: Tape) -> Value {
        guard usesBatch else {
            return tape.batchNormalisation(
                x, gain: tape.parameter(gain), shift: tape.parameter(shift), epsilon: epsilon,
                mean: tape.parameter(mean).numbers, variance: tape.parameter(variance).numbers)
        }
        return tape.batchNormalisation(
            x, gain: tape.parameter(gain), shift: tape.parameter(shift), epsilon: epsilon
        ) { mean, variance in
            addStatistics(mean: mean, variance: variance, on: tape)
        }
    }

    /// The same with ReLU behind it, for values whose rows are channels: shape `[width, columns]`, unchanged.
    ///
    /// - Parameters:
    ///   - x: The rows.
    ///   - usesBatch: Whether the rows' own statistics are used, as in training, or the running ones.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Rows of the same shape.
    public func rectifiedRows(_ x: Value, usesBatch: Bool, on tape: Tape) -> Value {
        guard usesBatch else {
            return tape.rectifiedChannelNormalisation(
                x, gain: tape.parameter(gain), shift: tape.parameter(shift), epsilon: epsilon,
                mean: tape.parameter(mean).numbers, variance: tape.parameter(variance).numbers)
        }
        return tape.rectifiedChannelNormalisation(
            x, gain: tape.parameter(gain), shift: tape.parameter(shift), epsilon: epsilon
        ) { mean, variance in
            addStatistics(mean: mean, variance: variance, on: tape)
        }
    }

    private func addStatistics(
        mean: Numbers<Float>, variance: Numbers<Float>, on tape: Tape
    ) {
        guard let sums = tape.statistic(self.sums) else { return }
        for j in 0..<width {
            sums[j] += mean[j]
            sums[width + j] += variance[j]
        }
        sums[2 * width] += 1
    }

    /// Moves the running statistics by a step.
    ///
    /// - Parameters:
    ///   - parameters: Whose running statistics move.
    ///   - statistic: The mean over shards of a statistic of the step.
    public func update(
        _ parameters: Parameters, statistic: (_ index: Int) -> Numbers<Float>
    ) {
        let means = statistic(sums)
        let (running, spread) = (parameters.values(of: mean), parameters.values(of: variance))
        let reciprocal = 1 / means[2 * width]
        for j in 0..<width {
            running[j] += Self.momentum * (means[j] * reciprocal - running[j])
            spread[j] += Self.momentum * (means[width + j] * reciprocal - spread[j])
        }
    }
}
