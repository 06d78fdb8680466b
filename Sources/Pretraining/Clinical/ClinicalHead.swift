import ClinicalParameters
import NeuralNetworks

/// Tells the clinical parameters of a window from what an encoder knows of a crop of it.
///
/// No person has labelled anything: what it is asked for is what the program measures itself. An encoder that has learned
/// it gives a linear probe intervals, axes and amplitudes beside what it found by itself, and needs no delineation later.
struct ClinicalHead: Sendable {
    private let norm: BatchNormalisation
    private let map: Linear
    private let statistics: ClinicalStatistics
    /// Numbers of a vector.
    private let width: Int

    /// Numbers that it tells of a vector: all segments of a parameter and then of the next.
    var outputs: Int { ClinicalFeatures.count * statistics.segments }

    /// Multiplications for one vector.
    var multiplications: Double { Double(width * outputs) }

    /// Adds `PREFIX.norm.*`, `PREFIX.weight`, `PREFIX.bias`, and how parameters are normalised.
    ///
    /// - Parameters:
    ///   - prefix: What its parameters' names begin with.
    ///   - width: Numbers of a vector.
    ///   - segments: Segments that a parameter is told by; 1 for its normalised value.
    ///   - list: Where its parameters go.
    init(_ prefix: String, width: Int, segments: Int, in list: inout ParameterList) {
        self.width = width
        norm = BatchNormalisation("\(prefix).norm", width: width, in: &list)
        map = Linear(
            prefix, inputs: width, outputs: ClinicalFeatures.count * segments,
            initialiser: .normal(deviation: 0.02), in: &list)
        statistics = ClinicalStatistics(prefix, segments: segments, in: &list)
    }

    /// What it tells of vectors.
    ///
    /// - Parameters:
    ///   - vectors: Shape `[samples, width]`.
    ///   - usesBatch: Whether vectors are normalised by their own statistics, as in training, or by the running ones.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[samples, outputs]`.
    func told(_ vectors: Value, usesBatch: Bool, on tape: Tape) -> Value {
        map(norm(vectors, usesBatch: usesBatch, on: tape), on: tape)
    }

    /// How far what it tells is from what was measured, in the units of normalised parameters; what was not measured does
    /// not count.
    ///
    /// - Parameters:
    ///   - vectors: Shape `[samples, width]`, a window's each.
    ///   - shard: Whose they are.
    ///   - source: Where the windows' parameters are.
    ///   - tape: Where the computation is recorded.
    /// - Returns: A 1 x 1 value, and the same in double.
    /// - Throws: `ClinicalStatisticsError` where no training windows were looked at.
    func loss(
        _ vectors: Value, of shard: Shard, from source: any WindowSource, on tape: Tape
    ) throws(ClinicalStatisticsError) -> (value: Value, loss: Double) {
        let batch = try ClinicalBatch(of: shard, from: source, statistics: statistics, on: tape)
        let targets = batch.targetsOfWindows(on: tape)
        let told = told(vectors, usesBatch: shard.role == .training, on: tape)
        return tape.smoothL1(told, target: targets.values, counted: targets.counted)
    }

    /// Takes the statistics of the training windows' parameters.
    func complete(_ parameters: Parameters, from source: any WindowSource, windows: [Int]) {
        statistics.complete(parameters, from: source, windows: windows)
    }

    /// Moves running statistics.
    func update(_ context: UpdateContext) {
        norm.update(context.parameters, statistic: context.statistic)
    }
}

extension Metric {
    /// The loss of clinical parameters that are told from the signal alone.
    static let auxiliaryLoss = Metric("auxiliary_loss")
}
