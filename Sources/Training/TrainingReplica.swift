import Checkpoints
import Cluster
import Collectives
import Configurations
import Foundation
import Kernels
import LinearAlgebra
import NeuralNetworks
import Pretraining
import Runtime
import Tensors

/// One process's trainer: its copy of the training state, its compute threads, its sums.
///
/// `@unchecked Sendable`: one thread calls it; the compute threads that it starts touch their own `ComputeThread`,
/// the sums (which lock), and in `apply` disjoint blocks of the state.
public final class TrainingReplica: Replica, @unchecked Sendable {
    /// What is trained, and how.
    public let configuration: Configuration
    /// The model's parameters.
    public let parameters: Parameters
    let method: any PretrainingMethod
    /// What shards give to each other before their losses; `nil` where they are independent.
    let gathering: Gathering?
    let source: any WindowSource
    let windowsForTraining: [Int]
    private let sampler: BatchSampler
    private let validation: ValidationBatches
    let pool: ComputePool
    let threads: [ComputeThread]
    let sums: GradientSums
    private let optimiser: Optimiser
    let progress: ProgressState
    let reduced: IntegerLanes
    /// The training state, sorted by name.
    public let state: [NamedTensor]

    private var round: UInt8 = 0
    private var shardNumbers: [Int: [Double]] = [:]
    private var validationNumbers: [Int: [Double]] = [:]
    private(set) var concluded: RoundSummary?
    /// The embeddings of the held state's step, where the method gathers them.
    var gathered = GatheredEmbeddings()

    /// A replica at step 0.
    ///
    /// - Parameters:
    ///   - configuration: What to train, and how.
    ///   - source: Where windows come from.
    ///   - trainingWindows: Windows to train on; at least one.
    ///   - validationWindows: Windows to validate on; may be empty.
    ///   - threads: Compute threads.
    /// - Throws: `SystemError` when threads cannot be started, `TrainingError` when the windows do not suit the method.
    public init(
        configuration: Configuration, source: any WindowSource, trainingWindows: [Int],
        validationWindows: [Int], threads: Int
    ) throws {
        let kernel = MatrixProduct.useOneThread()
        guard configuration.matrixKernel == .native || kernel == MatrixProduct.portableKernel
        else { throw TrainingError.kernelNotPortable(kernel: kernel) }
        self.configuration = configuration
        self.source = source
        method = configuration.makeMethod()
        let choice = method as? any ChoosesWindows
        windowsForTraining =
            try choice?.usable(
                trainingWindows, of: source, for: .training, seed: configuration.seed)
            ?? trainingWindows
        gathering = method.gatheredEmbeddings
        parameters = Parameters(method.parameters, seed: configuration.seed)
        sampler = try BatchSampler(
            choice?.batches ?? .shuffled, windows: windowsForTraining, source: source,
            seed: configuration.seed)
        validation = ValidationBatches(
            windows: configuration.validation.everySteps > 0
                ? try choice?.usable(
                    validationWindows, of: source, for: .validation, seed: configuration.seed)
                    ?? validationWindows
                : [],
            // Where a sample's loss depends on the others, a validation batch is as large as a training batch.
            size: gathering == nil ? configuration.shardSize : configuration.batchSize,
            seed: configuration.validation.seed.map { UInt64($0) } ?? configuration.seed)
        let layout = GradientLayout(
            parameters: parameters, laneBits: configuration.exchange.gradientBits,
            logicalShards: configuration.logicalShards)
        sums = GradientSums(layout: layout)
        reduced = layout.reduction.makeLanes()
        optimiser = Optimiser(
            parameters: parameters, layout: layout, configuration: configuration, threads: threads)
        progress = ProgressState(blocks: layout.blocks.count)
        pool = try ComputePool(threadCount: threads)
        let (parameters, method, sums) = (parameters, method, sums)
        self.threads = (0..<threads).map { _ in
            ComputeThread(parameters: parameters, method: method, sums: sums)
        }
        let weights = parameters.held(under: OfficialWeights.parameterPrefix)
        state = (weights + optimiser.moments + progress.tensors).sorted { $0.name < $1.name }
        try completeStepZero()
    }

    private func completeStepZero() throws {
        guard step == 0 else { return }
        try (method as? any CompletesParameters)?.complete(
            parameters, from: source, windows: windowsForTraining)
    }

    // MARK: The held state

    /// Shards of a global batch.
    public var logicalShards: Int { configuration.logicalShards }
    /// How the sums are laid out.
    public var layout: ReductionLayout { sums.layout.reduction }
    /// Finished steps of the held state.
    public var step: UInt64 { progress.step }
    /// The configuration's `steps`.
    public var finalStep: UInt64 { UInt64(configuration.steps) }
    /// Floating-point operations of the matrix products for one sample, forward and backward.
    public var operationsPerSample: Double { method.operationsPerSample }

    /// Forgets what was computed in a state that is no longer held.
    public func adoptState() throws {
        shardNumbers = [:]
        validationNumbers = [:]
        concluded = nil
        gathered = GatheredEmbeddings()
        try completeStepZero()
    }

    // MARK: A round

    /// Empties the sums; predicted exponents get the configured margin, true ones none.
    public func beginRound(exponents: [UInt8]?) {
        let margin = configuration.exchange.marginBits
        round = exponents == nil ? 0 : 1
        sums.begin(
            exponents: exponents.map { $0.map(Int.init) }
                ?? progress.runningExponents.map { Int($0) + margin })
        shardNumbers = [:]
        concluded = nil
    }

    /// Computes shards, several at a time, and adds them to the sums.
    public func add(shards: [Int], bucketReady: @escaping @Sendable (Int) -> Void) throws {
        let countdown = BucketCountdown(
            layout: sums.layout, shards: shards.count, ready: bucketReady)
        let numbers = try pool.map(shards.count) { [self] task, thread in
            try threads[thread].train(
                on: trainingShard(shards[task]), number: shards[task], from: source
            ) { countdown.finished(parameter: $0) }
        }
        countdown.finishAll()
        shardNumbers.merge(zip(shards, numbers)) { _, new in new }
    }

    /// A shard of the step that follows the held state.
    func trainingShard(_ number: Int) -> Shard {
        let size = configuration.shardSize
        let first = number * size
        return Shard(
            seed: configuration.seed, step: step, firstPosition: first,
            windows: trainingWindows(first..<first + size), role: .training,
            gathered: gathered.batch)
    }

    /// The windows at positions of that step's batch.
    func trainingWindows(_ positions: Range<Int>) -> [Int] {
        positions.map { sampler.window(at: $0, step: step, cursor: progress.cursor) }
    }

    /// What the other members need to know of this round, validation included where it is due.
    public func summary(rank: Int, worldSize: Int) throws -> [UInt8] {
        let every = configuration.validation.everySteps
        if every > 0, step % UInt64(every) == 0 {
            try validate(rank: rank, worldSize: worldSize)
        }
        return RoundSummary(
            round: round, shards: shardNumbers, maxima: sums.maxima, validation: validationNumbers
        ).encoded()
    }

    /// Measures the batches that a rank owns and that were not measured in this state yet.
    private func validate(rank: Int, worldSize: Int) throws {
        let batches = stride(from: rank, to: validation.count, by: worldSize)
            .filter { validationNumbers[$0] == nil }
        let numbers = try pool.map(batches.count) { [self] task, thread in
            try threads[thread].measure(validation.shard(batches[task]), from: source)
        }
        validationNumbers.merge(zip(batches, numbers)) { _, new in new }
    }

    /// Joins all members' summaries and says whether the sums are exact.
    public func conclude(summaries: [[UInt8]]) throws -> RoundOutcome {
        var joined = RoundSummary(
            round: round, shards: [:],
            maxima: Array(repeating: 0, count: sums.layout.blocks.count), validation: [:])
        for bytes in summaries {
            let summary = try decode(bytes)
            guard summary.round == round else {
                throw RoundError.differentRounds([round, summary.round])
            }
            guard summary.maxima.count == joined.maxima.count else {
                throw RoundError.blockCountDiffers(
                    summary.maxima.count, expected: joined.maxima.count)
            }
            for (index, exponent) in summary.maxima.enumerated() {
                joined.maxima[index] = max(joined.maxima[index], exponent)
            }
            for (shard, numbers) in summary.shards.sorted(by: { $0.key < $1.key }) {
                guard joined.shards.updateValue(numbers, forKey: shard) == nil else {
                    throw RoundError.shardTwice(shard)
                }
            }
            joined.validation.merge(summary.validation) { first, _ in first }
        }
        for shard in 0..<logicalShards where joined.shards[shard] == nil {
            throw RoundError.shardMissing(shard)
        }
        concluded = joined
        return try outcome(of: joined)
    }

    private func decode(_ bytes: [UInt8]) throws(RoundError) -> RoundSummary {
        let summary = try RoundSummary(decoding: bytes)
        let (metrics, auxiliary) = (method.metrics.count, method.auxiliaryCounts)
        try summary.check(
            shardCount: logicalShards, shardNumbers: metrics + auxiliary.training,
            batchCount: validation.count, batchNumbers: metrics + auxiliary.validation)
        return summary
    }

    private func outcome(of joined: RoundSummary) throws -> RoundOutcome {
        if !isFinite(joined) {
            guard configuration.onNonFinite == .stop else { return .whole }
            if let (name, problem) = weightNotFinite() {
                return .diverged(
                    message:
                        "'\(name)' was not finite before step \(step + 1) began: \(problem); go on "
                        + "from an earlier checkpoint, or begin again with sound weights")
            }
            if step == 0, let weights = configuration.initialWeights {
                return .diverged(
                    message:
                        "the loss or a gradient of the first step is not finite, and training has "
                        + "changed nothing yet: the weights that the run begins with (--initialise-from; "
                        + "SHA-256 \(weights)) lead to it; look at their sizes and at what wrote them, "
                        + "or begin with others")
            }
            return .diverged(
                message: "the loss or a gradient of step \(step + 1) is not finite; lower "
                    + "optimizer.learningRate, or set onNonFinite to skip such steps")
        }
        let misfit = joined.maxima.indices.first { Int(joined.maxima[$0]) > sums.exponents[$0] }
        guard let misfit else { return .whole }
        guard round == 0 else { throw RoundError.exponentsDiffer(block: misfit) }
        return .recompute(exponents: joined.maxima)
    }

    /// The first part of the state that no step can be computed with.
    private func weightNotFinite() -> (name: String, problem: String)? {
        for named in state where named.name.hasPrefix(OfficialWeights.parameterPrefix) {
            if let problem = named.tensor.notFinite { return (named.name, problem) }
        }
        return nil
    }

    private func isFinite(_ joined: RoundSummary) -> Bool {
        !joined.maxima.contains(255)
            && !joined.shards.contains { $0.value.contains { !$0.isFinite } }
    }

    // MARK: The update

    /// Moves the state on by one step with the concluded sums.
    public func apply() throws -> JSONValue {
        guard let concluded else { preconditionFailure("apply needs a concluded round") }
        var report: [String: JSONValue] = [:]
        for (index, metric) in method.metrics.enumerated() {
            let total = (0..<logicalShards).reduce(0.0) {
                $0 + (concluded.shards[$1]?[index] ?? .nan)
            }
            report[metric.key] = .measured(total / Double(logicalShards))
        }
        let rate = optimiser.learningRate(at: step)
        report["learning_rate"] = .measured(rate)
        if validation.count > 0, !concluded.validation.isEmpty {
            addValidation(concluded.validation, step: step, to: &report)
        }
        if isFinite(concluded) {
            let norm = optimiser.update(
                step: step, number: progress.updates + 1, sums: sums,
                lanes: reduced, on: pool)
            report["gradient_norm"] = .measured(norm)
            if let method = method as? any KeepsState {
                let details = method.update(
                    updateContext(auxiliary: auxiliary(of: concluded)))
                report.merge(details) { _, new in new }
            }
            progress.advance(samples: configuration.batchSize, maxima: concluded.maxima)
        } else {
            report["skipped"] = true
            progress.skip(samples: configuration.batchSize)
        }
        try adoptState()
        return .object(report)
    }

    private func auxiliary(of round: RoundSummary) -> [[Double]] {
        (0..<logicalShards).map {
            Array((round.shards[$0] ?? []).dropFirst(method.metrics.count))
        }
    }

    private func updateContext(auxiliary: [[Double]]) -> UpdateContext {
        UpdateContext(
            parameters: parameters, seed: configuration.seed, step: step,
            totalSteps: configuration.steps, logicalShards: logicalShards, auxiliary: auxiliary,
            statistic: { [optimiser, sums, reduced] in
                optimiser.statistic($0, sums: sums, lanes: reduced)
            },
            parallel: { [pool] count, task in pool.run(count) { number, _ in task(number) } })
    }

    private func addValidation(
        _ batches: [Int: [Double]], step: UInt64, to report: inout [String: JSONValue]
    ) {
        let means = validation.mean(of: batches, numbers: method.metrics.count)
        for (metric, mean) in zip(method.metrics, means) {
            report["validation_\(metric.key)"] = .measured(mean)
        }
        report["validation_step"] = .integer(Int64(step))
        guard let method = method as? any ReportsValidation else { return }
        let auxiliary = batches.sorted { $0.key < $1.key }.map {
            Array($0.value.dropFirst(method.metrics.count))
        }
        for (name, value) in method.validationReport(
            auxiliary: auxiliary, parameters: parameters)
        {
            report["validation_\(name)"] = value
        }
    }

    /// The final state's validation, this rank's batches.
    public func closingSummary(rank: Int, worldSize: Int) throws -> [UInt8]? {
        guard validation.count > 0 else { return nil }
        try validate(rank: rank, worldSize: worldSize)
        return RoundSummary(round: 0, shards: [:], maxima: [], validation: validationNumbers)
            .encoded()
    }

    /// Joins all members' closing summaries.
    public func close(summaries: [[UInt8]]) throws -> JSONValue {
        var batches: [Int: [Double]] = [:]
        for bytes in summaries {
            batches.merge(try decode(bytes).validation) { first, _ in first }
        }
        var report: [String: JSONValue] = [:]
        addValidation(batches, step: step, to: &report)
        return .object(report)
    }

    // MARK: What a benchmark asks

    /// Seconds of forward and backward passes and of the conversion within these, since the last call, all threads
    /// together.
    func takePassSeconds() -> (forward: Double, backward: Double, conversion: Double) {
        defer { for thread in threads { thread.resetTimes() } }
        return (
            threads.reduce(0) { $0 + $1.forwardSeconds },
            threads.reduce(0) { $0 + $1.backwardSeconds },
            threads.reduce(0) { $0 + $1.conversionSeconds }
        )
    }
}

/// Says when a bucket holds every shard asked for.
final class BucketCountdown: Sendable {
    private let remaining: Locked<[Int]>
    private let bucketOfParameter: [Int]
    private let ready: @Sendable (Int) -> Void
    private let isShardless: Bool

    init(layout: GradientLayout, shards: Int, ready: @escaping @Sendable (Int) -> Void) {
        bucketOfParameter = layout.bucketOfParameter
        remaining = Locked(layout.parametersInBucket.map { $0 * shards })
        self.ready = ready
        isShardless = shards == 0
    }

    func finished(parameter: Int) {
        let bucket = bucketOfParameter[parameter]
        let isReady = remaining.withLock { remaining in
            remaining[bucket] -= 1
            return remaining[bucket] == 0
        }
        if isReady { ready(bucket) }
    }

    /// Reports the buckets of parameters that had no gradient, or of no shards at all.
    func finishAll() {
        let rest = remaining.withLock { remaining in
            defer { remaining = remaining.map { _ in 0 } }
            return remaining
        }
        for (bucket, count) in rest.enumerated() where count > 0 || isShardless { ready(bucket) }
    }
}
