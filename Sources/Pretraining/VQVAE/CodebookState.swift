import Configurations
import Kernels
import NeuralNetworks
import Runtime

/// The part of the training state that is the codebook's: codes, their running means, and recent vectors.
///
/// All of it is frozen parameters, so checkpoints, digests and those who come late have it. Shards hand on some of
/// their vectors as auxiliary numbers; the last batches of them are what k-means starts from and where dead codes begin again.
struct CodebookState: Sendable {
    let settings: QuantiserConfiguration.Codebook
    private let warmupSteps: Int
    private let vectorsPerBatch: Int
    private let candidatesPerBatch: Int
    /// Batches that `recent` has room for.
    private let batches: Int
    let codebook: Int
    private let counts: Int
    private let sums: Int
    private let recent: Int
    /// Two numbers: batches that were handed on so far, and 1 once codes have been started.
    private let progress: Int
    let hits: Int
    let hitSums: Int

    private static let rounds = 10
    /// What the update's own draws have for a position; samples' positions are far lower.
    private static let drawPosition = UInt32.max

    init(
        _ settings: QuantiserConfiguration.Codebook, warmupSteps: Int, vectorsPerBatch: Int,
        logicalShards: Int, in list: inout ParameterList
    ) {
        self.settings = settings
        self.warmupSteps = warmupSteps
        self.vectorsPerBatch = vectorsPerBatch
        candidatesPerBatch = logicalShards * settings.candidatesPerShard
        batches = max(
            QuantiserConfiguration.restartBatches,
            (settings.collectedVectors + candidatesPerBatch - 1) / candidatesPerBatch)
        let (codes, dimension) = (settings.codes, settings.dimension)
        func state(_ name: String, _ shape: [Int]) -> Int {
            list.add("vq.\(name)", shape: shape, .zeros, isTrained: false)
        }
        codebook = state("codebook", [codes, dimension])
        counts = state("counts", [codes])
        sums = state("sums", [codes, dimension])
        recent = state("recent", [batches * candidatesPerBatch, dimension])
        progress = state("progress", [2])
        hits = list.addStatistic("vq.hits", shape: [codes])
        hitSums = list.addStatistic("vq.hit_sums", shape: [codes, dimension])
    }

    /// How often each code would be chosen at a step if all were used alike.
    private var fairShare: Double { Double(vectorsPerBatch) / Double(settings.codes) }

    /// Whether there are codes yet.
    func hasStarted(on tape: Tape) -> Bool { tape.parameter(progress).numbers[1] > 0 }

    /// Writes a shard's candidates, drawn without repetition from its vectors.
    func note(_ z: Value, of shard: Shard, into auxiliary: Numbers<Double>) {
        var random = RandomStream(
            seed: shard.seed, purpose: .codebook, step: shard.step,
            position: UInt32(shard.firstPosition))
        let chosen = random.choose(settings.candidatesPerShard, of: z.rows)
        for (place, row) in chosen.enumerated() {
            for j in 0..<z.columns {
                auxiliary[place * z.columns + j] = Double(z[row, j])
            }
        }
    }

    /// Moves the codebook on by one step.
    ///
    /// - Parameters:
    ///   - context: The step's statistics.
    ///   - candidates: A shard's candidates among its auxiliary numbers.
    /// - Returns: Codes that were restarted.
    func update(_ context: UpdateContext, candidates: (Int) -> ArraySlice<Double>) -> Int {
        let values = Values(self, context.parameters)
        values.keep(context, candidates: candidates)
        var random = RandomStream(
            seed: context.seed, purpose: .codebook, step: context.step,
            position: Self.drawPosition)
        if values.progress[1] == 0 {
            start(values, context, random: &random)
            return 0
        }
        let shards = Double(context.logicalShards)
        let hits = context.statistic(hits).map { (Double($0) * shards).rounded() }
        let sums = context.statistic(hitSums).map { Double($0) * shards }
        values.ema.follow(
            hits: { hits[$0] }, hitSums: { sums[$0] }, decay: settings.decay, by: settings.lookup)
        let recentBatches = min(Int(values.progress[0]), QuantiserConfiguration.restartBatches)
        return values.ema.restart(
            below: settings.restartBelow * fairShare, fairShare: fairShare,
            from: recentBatches * candidatesPerBatch, random: &random
        ) { values.recentVector($0) }
    }

    /// Starts the codes once warm-up is over and enough was collected.
    private func start(_ values: Values, _ context: UpdateContext, random: inout RandomStream) {
        let collected = min(Int(values.progress[0]), batches) * candidatesPerBatch
        guard context.step + 1 >= UInt64(warmupSteps), collected >= settings.collectedVectors
        else { return }
        CodebookClustering(
            vectors: values.recent.part(0..<collected * settings.dimension), codes: settings.codes,
            dimension: settings.dimension, lookup: settings.lookup
        ).run(
            rounds: Self.rounds, random: &random, parallel: context.parallel,
            into: values.ema.codebook)
        values.ema.start(fairShare: fairShare)
        values.progress[1] = 1
    }

    /// The numbers behind the indices.
    private struct Values {
        let state: CodebookState
        let ema: EMACodebook
        let recent: Numbers<Float>
        let progress: Numbers<Float>

        init(_ state: CodebookState, _ parameters: Parameters) {
            self.state = state
            ema = EMACodebook(
                codes: state.settings.codes, dimension: state.settings.dimension,
                codebook: parameters.values(of: state.codebook),
                counts: parameters.values(of: state.counts), sums: parameters.values(of: state.sums)
            )
            recent = parameters.values(of: state.recent)
            progress = parameters.values(of: state.progress)
        }

        /// Takes a batch's candidates in the place of the oldest, shards in their order.
        func keep(_ context: UpdateContext, candidates: (Int) -> ArraySlice<Double>) {
            let (width, size) = (state.settings.dimension, state.candidatesPerBatch)
            let batch = Int(progress[0]) % state.batches
            var place = batch * size * width
            for shard in 0..<context.logicalShards {
                for value in candidates(shard) {
                    recent[place] = Float(value)
                    place += 1
                }
            }
            progress[0] += 1
        }

        /// One of the last batches' vectors, the newest batch first.
        func recentVector(_ number: Int) -> Numbers<Float> {
            let (width, size) = (state.settings.dimension, state.candidatesPerBatch)
            let newest = Int(progress[0]) - 1 - number / size
            let start = ((newest % state.batches) * size + number % size) * width
            return recent.part(start..<start + width)
        }
    }
}
