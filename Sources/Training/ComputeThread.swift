import Kernels
import NeuralNetworks
import Pretraining

/// What one compute thread needs to go through a shard: tape, buffers, and the way to the sums.
///
/// `@unchecked Sendable`: one thread at a time uses it, the one whose number it has.
final class ComputeThread: @unchecked Sendable {
    private let tape: Tape
    private let workspace: any ShardWorkspace
    /// Scalars, then as many notes as any role has.
    private let numbers: UnsafeMutableBufferPointer<Double>
    private let method: any PretrainingMethod
    private let sink: ShardSink
    /// Seconds of forward and backward passes since `resetTimes`.
    private(set) var forwardSeconds = 0.0
    private(set) var backwardSeconds = 0.0
    /// The part of the backward passes that turned gradients into integers and added them up.
    var conversionSeconds: Double { sink.seconds }

    init(parameters: Parameters, method: any PretrainingMethod, sums: GradientSums) {
        tape = Tape(parameters: parameters)
        workspace = method.makeWorkspace()
        self.method = method
        numbers = .allocate(
            capacity: method.scalarNames.count
                + max(method.notesPerShard, method.notesPerValidationUnit))
        sink = ShardSink(sums: sums)
    }

    deinit { numbers.deallocate() }

    /// Places for the numbers of a shard with so many notes, all zero.
    private func emptyReport(notes: Int) -> ShardReport {
        numbers.update(repeating: 0)
        let count = method.scalarNames.count
        return ShardReport(
            scalars: UnsafeMutableBufferPointer(rebasing: numbers[..<count]),
            notes: UnsafeMutableBufferPointer(rebasing: numbers[count..<count + notes]))
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
    /// - Returns: The method's scalars, then its notes.
    /// - Throws: When a window cannot be read.
    func train(
        on shard: Shard, number: Int, from source: any WindowSource,
        finished: @escaping @Sendable (Int) -> Void
    ) throws -> [Double] {
        let clock = ContinuousClock()
        let start = clock.now
        tape.reset()
        let report = emptyReport(notes: method.notesPerShard)
        let loss = try workspace.forward(shard, from: source, report: report, on: tape)
        let middle = clock.now
        sink.begin(shard: shard, number: number, finished: finished)
        tape.backward(from: loss, gradient: { $0[0] = 1 }, into: sink)
        forwardSeconds += (middle - start) / .seconds(1)
        backwardSeconds += (clock.now - middle) / .seconds(1)
        return Array(report.scalars) + Array(report.notes)
    }

    /// Computes a shard's numbers only.
    func measure(_ shard: Shard, from source: any WindowSource) throws -> [Double] {
        tape.reset(recordsGradients: false)
        let report = emptyReport(notes: method.notesPerValidationUnit)
        _ = try workspace.forward(shard, from: source, report: report, on: tape)
        return Array(report.scalars) + Array(report.notes)
    }

    /// Computes what a shard gives to the whole batch.
    func gather(
        _ shard: Shard, from source: any WindowSource, into rows: UnsafeMutableBufferPointer<Float>
    ) throws {
        let start = ContinuousClock.now
        tape.reset(recordsGradients: false)
        try workspace.gather(shard, from: source, into: rows, on: tape)
        forwardSeconds += (ContinuousClock.now - start) / .seconds(1)
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

    func receive(gradient: UnsafePointer<Float>, count: Int, of parameter: Int) {
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
