import Configurations
import Kernels
import NeuralNetworks

/// Contrastive predictive coding: what comes next in a record is told from what does not.
///
/// Source: van den Oord, Li and Vinyals, 2018; for ECGs Mehari and Strodthoff, 2022.
public struct CPC: GathersEmbeddings {
    /// The model.
    public let model: CPCModel
    let settings: CPCConfiguration
    let input: InputConfiguration
    private let shardSize: Int
    private let batchSize: Int

    /// The method that a configuration describes.
    ///
    /// - Parameters:
    ///   - settings: The method's own settings.
    ///   - configuration: What all methods share.
    public init(_ settings: CPCConfiguration, configuration: Configuration) {
        self.settings = settings
        input = configuration.input
        shardSize = configuration.shardSize
        batchSize = configuration.batchSize
        model = CPCModel(settings, input: configuration.input)
    }

    /// The model's parameters.
    public var parameters: ParameterList { model.parameters }

    /// The loss, retrieval of the latent that came, and its chance.
    public var metrics: [Metric] { Metric.contrastive }

    /// The mean over all contexts; as the method's own the last one, which has seen the whole record.
    public var embedding: SignalEmbedding? { SignalEmbedding(model, input: input) }

    /// Latents and predictions of one time, where negatives come from the batch; nothing otherwise.
    public var gathering: Gathering? {
        guard settings.negatives == .batch else { return nil }
        return Gathering(rowsPerSample: 2 * settings.horizons, columns: settings.channels)
    }

    /// Networks, predictions and scores.
    public var operationsPerSample: Double {
        let signal = model.multiplications
        let rows = settings.negatives == .sequence ? settings.time : 1
        let predictions = Double(
            rows * settings.contextWidth * settings.horizons * settings.channels)
        let networks = trainingOperations(
            forward: signal.all + predictions, onSignal: signal.onSignal,
            gathers: gathering != nil)
        return networks + 2 * scoreMultiplications
    }

    private var scoreMultiplications: Double {
        switch settings.negatives {
        case .sequence:
            // Each score has a product, and a gradient for either side.
            let places = (1...settings.horizons).reduce(0) { $0 + settings.time - $1 }
            return Double(3 * places * (settings.negativeCount + 1) * settings.channels)
        case .batch:
            let (n, own) = (Double(batchSize), Double(shardSize))
            return n * Double(settings.horizons * settings.channels) * (n + 2 * own) / own
        }
    }

    /// The networks' share, which is nearly all.
    public var activationsPerSample: Int { model.activations }

    /// Buffers for one thread.
    public func makeWorkspace() -> any ShardWorkspace { CPCWorkspace(self, input: input) }
}

extension CPCConfiguration: MethodBuilding {
    /// Contrastive predictive coding.
    public func makeMethod(of configuration: Configuration) -> any PretrainingMethod {
        CPC(self, configuration: configuration)
    }
}

/// One thread's buffers for reading windows, and the computation of a shard on them.
private final class CPCWorkspace: GatheringWorkspace {
    private let method: CPC
    private let settings: CPCConfiguration
    private let reader: WindowReader

    init(_ method: CPC, input: InputConfiguration) {
        self.method = method
        settings = method.settings
        reader = WindowReader(input: input)
    }

    func forward(
        _ shard: Shard, from source: any WindowSource, report: ShardReport, on tape: Tape
    ) throws -> Value {
        let found: ContrastiveLoss
        switch settings.negatives {
        case .sequence:
            let latents = method.model.latents(
                try reader.signals(of: shard, from: source, on: tape), on: tape)
            let contexts = method.model.contexts(latents, on: tape)
            found = tape.infoNCE(
                predictions: method.model.predictions(contexts, on: tape), latents: latents,
                time: settings.time, negatives: negatives(of: shard, on: tape),
                count: settings.negativeCount)
        case .batch:
            let pairs = try pairs(of: shard, from: source, on: tape)
            found = loss(pairs, of: shard, on: tape)
        }
        report.take(found)
        return found.value
    }

    func embeddings(
        of shard: Shard, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        joined(try pairs(of: shard, from: source, on: tape), on: tape)
    }

    // MARK: Negatives from the same record

    /// Latents of other times of the same record, drawn with replacement by seed, step and the record's place in the
    /// batch; shape `[horizons, samples, time, negativeCount]`.
    private func negatives(of shard: Shard, on tape: Tape) -> Numbers<Int32> {
        let (samples, time, count) = (shard.windows.count, settings.time, settings.negativeCount)
        let rows = tape.numbers(settings.horizons * samples * time * count, of: Int32.self)
        for sample in 0..<samples {
            var random = RandomStream(
                seed: shard.seed, purpose: .negatives, step: shard.step,
                position: UInt32(shard.firstPosition + sample))
            for k in 0..<settings.horizons {
                for t in 0..<(time - k - 1) {
                    let start = ((k * samples + sample) * time + t) * count
                    for i in 0..<count {
                        // One of the others: those from the true one on are one further.
                        let drawn = random.nextInteger(below: time - 1)
                        let other = drawn < t + k + 1 ? drawn : drawn + 1
                        rows[start + i] = Int32(sample * time + other)
                    }
                }
            }
        }
        return rows
    }

    // MARK: Negatives from the batch

    private typealias Pairs = (latents: Value, predictions: Value)

    /// Each record's latents after one time, which is the same for the whole batch, and the predictions made for them;
    /// shapes `[samples * horizons, channels]`.
    private func pairs(
        of shard: Shard, from source: any WindowSource, on tape: Tape
    ) throws -> Pairs {
        let (horizons, time) = (settings.horizons, settings.time)
        var random = RandomStream(
            seed: shard.seed, purpose: .negatives, step: shard.step, position: .max)
        let start = random.nextInteger(below: time - horizons)
        let latents = method.model.latents(
            try reader.signals(of: shard, from: source, on: tape), on: tape)
        let contexts = method.model.contexts(latents, on: tape)
        let samples = shard.windows.count
        let places = tape.numbers(samples, of: Int32.self)
        let later = tape.numbers(samples * horizons, of: Int32.self)
        for sample in 0..<samples {
            places[sample] = Int32(sample * time + start)
            for k in 0..<horizons {
                later[sample * horizons + k] = Int32(sample * time + start + k + 1)
            }
        }
        let predictions = method.model.predictions(
            tape.gatherRows(contexts, indices: places), on: tape)
        return (
            tape.gatherRows(latents, indices: later),
            predictions.reshaped(columns: settings.channels)
        )
    }

    /// A record's latents, then its predictions; no gradient goes through.
    private func joined(_ pairs: Pairs, on tape: Tape) -> Value {
        tape.detached(
            rows: pairs.latents.rows + pairs.predictions.rows, columns: settings.channels
        ) {
            tape.joinGroups(
                pairs.latents, pairs.predictions,
                groups: pairs.latents.rows / settings.horizons)
        }
    }

    private func loss(_ pairs: Pairs, of shard: Shard, on tape: Tape) -> ContrastiveLoss {
        tape.withWholeBatch(
            joined(pairs, on: tape), of: shard, rowsPerSample: 2 * settings.horizons
        ) {
            tape.infoNCE(
                latents: pairs.latents, predictions: pairs.predictions, in: $0,
                horizons: settings.horizons)
        }
    }
}
