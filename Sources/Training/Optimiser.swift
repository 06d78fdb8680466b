import Configurations
import Kernels
import NeuralNetworks
import Tensors

/// Moves the parameters along the summed gradient: the same loops in the same order on every replica, whatever the
/// number of threads.
final class Optimiser {
    private let parameters: Parameters
    private let layout: GradientLayout
    private let configuration: OptimizerConfiguration
    private let logicalShards: Int
    private let schedule: LearningRateSchedule
    private let moment1: TensorStorage
    private let moment2: TensorStorage
    private let decays: [Bool]
    private let squares: UnsafeMutableBufferPointer<Double>
    private let scratch: Tensor

    /// Blocks that a thread takes at a time.
    private static let blocksPerTask = 16

    init(
        parameters: Parameters, layout: GradientLayout, configuration: Configuration, threads: Int
    ) {
        self.parameters = parameters
        self.layout = layout
        self.configuration = configuration.optimizer
        logicalShards = configuration.logicalShards
        schedule = LearningRateSchedule(
            shape: .cosineAfterWarmup, peak: configuration.optimizer.learningRate,
            minimum: configuration.optimizer.minimumLearningRate,
            warmupSteps: configuration.optimizer.warmupSteps, steps: configuration.steps)
        moment1 = TensorStorage(byteCount: parameters.trainedCount * 4)
        moment2 = TensorStorage(byteCount: parameters.trainedCount * 4)
        var decays = Array(repeating: true, count: layout.blocks.count)
        for (index, specification) in parameters.specifications.enumerated()
        where configuration.optimizer.noDecay1d && specification.shape.count < 2 {
            for block in layout.blocksOfParameter[index] { decays[block] = false }
        }
        self.decays = decays
        squares = .allocate(capacity: layout.blocks.count)
        scratch = Tensor(shape: [threads, FixedPoint.blockSize])
    }

    deinit { squares.deallocate() }

    /// The moments by name, for checkpoints and digests.
    var moments: [NamedTensor] {
        parameters.specifications.indices.filter { parameters[$0].isTrained }.flatMap { index in
            [("moment1", moment1), ("moment2", moment2)].map { prefix, storage in
                NamedTensor(
                    "\(prefix).\(parameters[index].name)",
                    Tensor(
                        .float32, shape: parameters[index].shape, storage: storage,
                        byteOffset: parameters.offsets[index] * 4))
            }
        }
    }

    /// The rate of the step that leads from state `step` to the next.
    func learningRate(at step: UInt64) -> Double { schedule.rate(at: step) }

    /// One AdamW update.
    ///
    /// - Parameters:
    ///   - step: The held state.
    ///   - number: Number of the update, counted from 1.
    ///   - sums: Knows the exponents of the round.
    ///   - lanes: The sums over all shards.
    ///   - pool: Whose threads work.
    /// - Returns: The norm of the whole gradient, before clipping.
    func update(
        step: UInt64, number: UInt64, sums: GradientSums, lanes: UnsafeRawPointer,
        on pool: ComputePool
    ) -> Double {
        let work = Work(optimiser: self, sums: sums, lanes: lanes)
        forEachBlock(on: pool) { block, gradient in
            work.restore(block, into: gradient)
            work.optimiser.squares[block] = sumOfSquares(
                gradient, count: work.optimiser.layout.blocks[block].count)
        }
        let norm = squares.reduce(0, +).squareRoot()
        let limit = configuration.clipNorm ?? .infinity
        let factor = norm > limit ? Float(limit / norm) : 1
        let rate = learningRate(at: step)
        func constants(decay: Double) -> AdamWStep {
            AdamWStep(
                number: number, learningRate: rate, weightDecay: decay, beta1: configuration.beta1,
                beta2: configuration.beta2, epsilon: configuration.epsilon)
        }
        let (decayed, plain) = (
            constants(decay: configuration.weightDecay), constants(decay: 0)
        )
        forEachBlock(on: pool) { block, gradient in
            work.restore(block, into: gradient)
            work.optimiser.apply(
                work.optimiser.decays[block] ? decayed : plain, to: block, gradient: gradient,
                factor: factor)
        }
        return norm
    }

    private func apply(
        _ constants: AdamWStep, to index: Int, gradient: UnsafeMutablePointer<Float>, factor: Float
    ) {
        let block = layout.blocks[index]
        guard let m = moment1.bytes.baseAddress?.assumingMemoryBound(to: Float.self),
            let v = moment2.bytes.baseAddress?.assumingMemoryBound(to: Float.self)
        else { return }
        if factor != 1 { scale(gradient, by: factor, into: gradient, count: block.count) }
        constants.apply(
            to: parameters.flat + block.offset, gradient: gradient, moment1: m + block.offset,
            moment2: v + block.offset, count: block.count)
    }

    private func forEachBlock(
        on pool: ComputePool,
        _ body: @escaping @Sendable (_ block: Int, _ gradient: UnsafeMutablePointer<Float>) -> Void
    ) {
        let (count, size) = (layout.blocks.count, Self.blocksPerTask)
        let scratch = scratch
        pool.run((count + size - 1) / size) { task, thread in
            guard let start = scratch.floats.baseAddress else { return }
            for block in task * size..<min(count, (task + 1) * size) {
                body(block, start + thread * FixedPoint.blockSize)
            }
        }
    }

    /// What the threads of one update share.
    ///
    /// `@unchecked Sendable`: each block is one thread's alone.
    private struct Work: @unchecked Sendable {
        let optimiser: Optimiser
        let sums: GradientSums
        let lanes: UnsafeRawPointer

        func restore(_ block: Int, into gradient: UnsafeMutablePointer<Float>) {
            sums.restore(
                block, from: lanes, logicalShards: optimiser.logicalShards, into: gradient)
        }
    }
}
