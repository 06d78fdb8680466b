import Kernels
import NeuralNetworks
import Pretraining
import Tensors

/// What one compute thread needs to go through a shard: tape, buffers, and the way to the sums.
///
/// `@unchecked Sendable`: one thread at a time uses it, the one whose number it has.
final class ComputeThread: @unchecked Sendable {
    private let tape: Tape
    private let workspace: any ShardWorkspace
    /// Metrics, then as many auxiliary numbers as any role has.
    private let numbers: Tensor
    private let metrics: [Metric]
    private let auxiliary: (training: Int, validation: Int)
    private let sink: ShardSink
    /// Seconds of forward and backward passes since `resetTimes`.
    private(set) var forwardSeconds = 0.0
    private(set) var backwardSeconds = 0.0
    /// The part of the backward passes that turned gradients into integers and added them up.
    var conversionSeconds: Double { sink.seconds }

    init(parameters: Parameters, method: any PretrainingMethod, sums: GradientSums) {
        tape = Tape(parameters: parameters)
        workspace = method.makeWorkspace()
        metrics = method.metrics
        auxiliary = method.auxiliaryCounts
        numbers = Tensor(
            .float64, shape: [metrics.count + max(auxiliary.training, auxiliary.validation)])
        sink = ShardSink(sums: sums)
    }

    /// Places for the numbers of a shard with so many auxiliary ones, all zero.
    private func emptyReport(auxiliary: Int) -> ShardReport {
        let (numbers, count) = (numbers.numbers(of: Double.self), metrics.count)
        numbers.update(repeating: 0)
        return ShardReport(
            metrics, values: numbers.part(0..<count),
            auxiliary: numbers.part(count..<count + auxiliary))
    }

    func resetTimes() {
        forwardSeconds = 0
        backwardSeconds = 0
        sink.seconds = 0
    }

    /// Computes a shard and adds its gradient to the sums.
    ///
    /// - Parameters:
    ///   - shard: Which samples.
    ///   - number: The shard's number in the batch.
    ///   - source: Where windows come from.
    ///   - finished: Called with each parameter whose gradient has been added.
    /// - Returns: The method's metrics, then its auxiliary numbers.
    /// - Throws: When a window cannot be read.
    func train(
        on shard: Shard, number: Int, from source: any WindowSource,
        finished: @escaping @Sendable (Int) -> Void
    ) throws -> [Double] {
        let clock = ContinuousClock()
        let start = clock.now
        tape.reset()
        let report = emptyReport(auxiliary: auxiliary.training)
        let loss = try workspace.forward(shard, from: source, report: report, on: tape)
        let middle = clock.now
        sink.begin(shard: shard, number: number, finished: finished)
        tape.backward(from: loss, gradient: { $0[0] = 1 }, into: sink)
        forwardSeconds += (middle - start) / .seconds(1)
        backwardSeconds += (clock.now - middle) / .seconds(1)
        return report.numbers
    }

    /// Computes a shard's numbers only.
    func measure(_ shard: Shard, from source: any WindowSource) throws -> [Double] {
        tape.reset(recordsGradients: false)
        let report = emptyReport(auxiliary: auxiliary.validation)
        _ = try workspace.forward(shard, from: source, report: report, on: tape)
        return report.numbers
    }

    /// Computes what a shard gives to the whole batch.
    func embeddings(of shard: Shard, from source: any WindowSource) throws -> [Float] {
        let start = ContinuousClock.now
        tape.reset(recordsGradients: false)
        guard let workspace = workspace as? any GatheringWorkspace else {
            preconditionFailure("the method gathers embeddings, but its workspace computes none")
        }
        let embeddings = try workspace.embeddings(of: shard, from: source, on: tape).array
        forwardSeconds += (ContinuousClock.now - start) / .seconds(1)
        return embeddings
    }
}

/// Carries a shard's gradients into the sums.
private final class ShardSink: GradientSink {
    private let sums: GradientSums
    private var seed: UInt64 = 0
    private var step: UInt64 = 0
    private var number = 0
    private var finished: @Sendable (Int) -> Void = { _ in }
    var seconds = 0.0

    init(sums: GradientSums) { self.sums = sums }

    func begin(shard: Shard, number: Int, finished: @escaping @Sendable (Int) -> Void) {
        seed = shard.seed
        step = shard.step
        self.number = number
        self.finished = finished
    }

    func receive(gradient: Numbers<Float>, of parameter: Int) {
        let start = ContinuousClock.now
        sums.add(gradient, of: parameter) { block in
            // A stream for each block of each shard: blocks are fewer than 2^20, shards fewer than 2^12.
            RandomStream(
                seed: seed, purpose: .rounding, step: step,
                position: UInt32(number) << 20 | UInt32(block))
        }
        seconds += (ContinuousClock.now - start) / .seconds(1)
        finished(parameter)
    }
}
