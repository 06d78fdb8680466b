import Configurations
import Kernels
import NeuralNetworks
import Runtime
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
    /// What the rules of a block depend on beside the step.
    private struct Kind: Hashable {
        let decays: Bool
        let rateScale: Double
    }

    /// The kinds that occur, and each block's place among them; `nil` for blocks of statistics.
    private let kinds: [Kind]
    private let kindOfBlock: [Int?]
    private let statistics: [Int: Tensor]
    private let squares: Tensor
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
            shape: configuration.optimizer.schedule == .cosineFromStart
                ? .cosineFromStart(initial: configuration.optimizer.initialLearningRate)
                : .cosineAfterWarmup, peak: configuration.optimizer.learningRate,
            minimum: configuration.optimizer.minimumLearningRate,
            warmupSteps: configuration.optimizer.warmupSteps, steps: configuration.steps)
        moment1 = TensorStorage(byteCount: parameters.summedCount * 4)
        moment2 = TensorStorage(byteCount: parameters.summedCount * 4)
        var kinds: [Kind] = []
        var kindOfBlock: [Int?] = Array(repeating: nil, count: layout.blocks.count)
        var statistics: [Int: Tensor] = [:]
        for (index, specification) in parameters.specifications.enumerated() {
            if specification.role == .statistic {
                statistics[index] = Tensor(shape: specification.shape)
            }
            guard specification.isTrained else { continue }
            let kind = Kind(
                decays: !configuration.optimizer.noDecay1d || specification.shape.count >= 2,
                rateScale: specification.learningRateScale)
            let place = kinds.firstIndex(of: kind) ?? kinds.count
            if place == kinds.count { kinds.append(kind) }
            for block in layout.blocksOfParameter[index] { kindOfBlock[block] = place }
        }
        self.kinds = kinds
        self.kindOfBlock = kindOfBlock
        self.statistics = statistics
        squares = Tensor(.float64, shape: [layout.blocks.count])
        scratch = Tensor(shape: [threads, FixedPoint.blockSize])
    }

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
        step: UInt64, number: UInt64, sums: GradientSums, lanes: IntegerLanes,
        on pool: ComputePool
    ) -> Double {
        let squares = squares.numbers(of: Double.self)
        let work = Work(optimiser: self, sums: sums, lanes: lanes, squares: squares)
        forEachBlock(on: pool) { block, gradient in
            guard work.optimiser.kindOfBlock[block] != nil else {
                work.squares[block] = 0
                return
            }
            work.restore(block, into: gradient)
            work.squares[block] = sumOfSquares(gradient)
        }
        let norm = squares.reduce(0, +).squareRoot()
        let limit = configuration.clipNorm ?? .infinity
        let factor = norm > limit ? Float(limit / norm) : 1
        let rate = learningRate(at: step)
        let constants = kinds.map { kind in
            AdamWStep(
                number: number, learningRate: rate * kind.rateScale,
                weightDecay: kind.decays ? configuration.weightDecay : 0,
                beta1: configuration.beta1, beta2: configuration.beta2,
                epsilon: configuration.epsilon)
        }
        forEachBlock(on: pool) { block, gradient in
            guard let kind = work.optimiser.kindOfBlock[block] else { return }
            work.restore(block, into: gradient)
            work.optimiser.apply(
                constants[kind], to: block, gradient: gradient, factor: factor)
        }
        return norm
    }

    /// The mean over shards of a statistic of this round; valid until the next call for the same one.
    func statistic(
        _ index: Int, sums: GradientSums, lanes: IntegerLanes
    ) -> Numbers<Float> {
        guard let mean = statistics[index]?.numbers else {
            preconditionFailure("\(parameters[index].name) is no statistic")
        }
        let first = parameters.offsets[index]
        for block in layout.blocksOfParameter[index] {
            let start = layout.blocks[block].offset - first
            sums.restore(
                block, from: lanes, logicalShards: logicalShards,
                into: mean.part(start..<start + layout.blocks[block].count))
        }
        return mean
    }

    private func apply(
        _ constants: AdamWStep, to index: Int, gradient: Numbers<Float>, factor: Float
    ) {
        let range = layout.blocks[index].range
        if factor != 1 { scale(gradient, by: factor, into: gradient) }
        constants.apply(
            to: parameters.flat.part(range), gradient: gradient,
            moment1: moment1.numbers(of: Float.self).part(range),
            moment2: moment2.numbers(of: Float.self).part(range))
    }

    private func forEachBlock(
        on pool: ComputePool,
        _ body: @escaping @Sendable (_ block: Int, _ gradient: Numbers<Float>) -> Void
    ) {
        let (blocks, size) = (layout.blocks, Self.blocksPerTask)
        let scratch = scratch
        pool.run((blocks.count + size - 1) / size) { task, thread in
            let (numbers, start) = (scratch.numbers, thread * FixedPoint.blockSize)
            for block in task * size..<min(blocks.count, (task + 1) * size) {
                body(block, numbers.part(start..<start + blocks[block].count))
            }
        }
    }

    /// What the threads of one update share.
    ///
    /// `@unchecked Sendable`: each block is one thread's alone.
    private struct Work: @unchecked Sendable {
        let optimiser: Optimiser
        let sums: GradientSums
        let lanes: IntegerLanes
        let squares: Numbers<Double>

        func restore(_ block: Int, into gradient: Numbers<Float>) {
            sums.restore(
                block, from: lanes, logicalShards: optimiser.logicalShards, into: gradient)
        }
    }
}
