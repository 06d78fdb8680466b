import Configurations
import Kernels
import NeuralNetworks
import Runtime

/// ECG-CPC: contrastive prediction of a token 14 tokens ahead, by a network of state spaces.
///
/// Source: Al-Masud, Lopez Alcaraz and Strodthoff, "Benchmarking ECG foundation models: a reality check", 2025.
public struct ECGCPC: KeepsState, CompletesParameters {
    /// The model's parameters: those of the encoder, `head_ssl.proj.0.weight`, and `head_clinical.*` where it tells clinical
    /// parameters, too.
    public let parameters: ParameterList
    /// The encoder.
    public let encoder: StateSpaceEncoder
    let settings: ECGCPCConfiguration
    let input: InputConfiguration
    private let head: Linear
    fileprivate let clinical: ClinicalHead?

    /// Signals are cut off at plus and minus this in pretraining, in mV.
    static let limitMillivolts: Float = 3

    /// The method that a configuration describes.
    ///
    /// - Parameters:
    ///   - settings: The method's own settings.
    ///   - input: What a sample is.
    public init(_ settings: ECGCPCConfiguration, input: InputConfiguration) {
        self.settings = settings
        self.input = input
        var list = ParameterList()
        let encoder = StateSpaceEncoder(settings.encoder, input: input, in: &list)
        self.encoder = encoder
        let width = settings.encoder.width
        let bound = 1 / Double(width).squareRoot()
        head = Linear(
            "head_ssl.proj.0", inputs: width, outputs: width, bias: false,
            initialiser: .uniform(-bound...bound), in: &list)
        clinical =
            settings.clinicalWeight > 0
            ? ClinicalHead(
                "head_clinical", width: encoder.layers.reduce(0) { $0 + $1.moments },
                segments: settings.clinicalSegments, in: &list)
            : nil
        let factor = settings.learningRateFactor
        list.scaleLearningRates { name in
            encoder.partFactor(factor, of: name)
        }
        parameters = list
    }

    /// The loss, retrieval of the token that came, and its chance; and how far told parameters are from measured ones.
    public var metrics: [Metric] { Metric.contrastive + (clinical == nil ? [] : [.auxiliaryLoss]) }

    /// Whether windows need clinical parameters in training.
    public var needsClinicalFeatures: Bool { clinical != nil }

    /// The mean of the context over time, as published; with a head for clinical parameters its own vector is what that
    /// tells.
    public var embedding: SignalEmbedding? {
        let embedding = SignalEmbedding(encoder, input: input)
        guard let clinical else { return embedding }
        return embedding.with(.method, dimension: clinical.outputs) {
            [encoder] signals, pass, _, tape in
            let tokens = encoder.tokens(signals, pass, on: tape)
            let vectors = encoder.moments(of: tokens.layers, samples: 1, on: tape)
            return clinical.told(vectors, usesBatch: false, on: tape)
        }
    }

    private var tokens: Int { settings.encoder.tokens(of: input) }

    /// Networks, predictions and all scores of a record.
    public var operationsPerSample: Double {
        let signal = encoder.multiplications
        let (width, tokens) = (Double(settings.encoder.width), Double(tokens))
        let scores = (tokens - Double(settings.horizon)) * tokens * width
        return trainingOperations(
            forward: signal.all + tokens * width * width + scores
                + (clinical?.multiplications ?? 0),
            onSignal: signal.onSignal,
            gathers: false)
    }

    /// The encoder's, predictions, gradients of both sides of the scores, and what parameters are told from.
    public var activationsPerSample: Int {
        encoder.activations + 3 * tokens * settings.encoder.width
            + (clinical == nil ? 0 : encoder.activations(of: .layers))
    }

    /// Buffers for one thread.
    public func makeWorkspace() -> any ShardWorkspace { ECGCPCWorkspace(self) }

    /// Moves the stem's running statistics.
    public func update(_ context: UpdateContext) -> [String: JSONValue] {
        encoder.update(context)
        clinical?.update(context)
        return [:]
    }

    /// Takes the statistics of the training windows' clinical parameters, where they are told.
    public func complete(
        _ parameters: Parameters, from source: any WindowSource, windows: [Int]
    ) throws {
        clinical?.complete(parameters, from: source, windows: windows)
    }

    /// The contrastive loss of signals.
    ///
    /// - Parameters:
    ///   - signals: Shape `[count * leads, samples]`, in mV.
    ///   - pass: Whose signals they are.
    ///   - negatives: What predictions must not fit.
    ///   - tape: Where the computation is recorded.
    /// - Returns: The loss, and the share of predictions that fit better than all negatives.
    public func loss(
        _ signals: Value, _ pass: EncoderPass, negatives: FutureNegatives, on tape: Tape
    ) -> (value: Value, loss: Double, accuracy: Double) {
        contrast(
            encoder.tokens(signals, pass, on: tape), samples: signals.rows / input.leads,
            negatives: negatives, on: tape)
    }

    fileprivate func contrast(
        _ tokens: StateSpaceEncoder.Tokens, samples: Int, negatives: FutureNegatives, on tape: Tape
    ) -> (value: Value, loss: Double, accuracy: Double) {
        tape.futureContrast(
            predictions: predictions(tokens.contexts, on: tape), latents: tokens.latents,
            samples: samples, horizon: settings.horizon,
            scale: settings.scalesScores ? 1 / Float(settings.encoder.width).squareRoot() : 1,
            reduction: settings.reduction == .mean ? .mean : .sum, negatives: negatives)
    }

    /// What contexts predict, shape `[width, columns]`.
    public func predictions(_ contexts: Value, on tape: Tape) -> Value {
        head.ofChannels(contexts, on: tape)
    }

    /// What the predictions of a shard must not fit: other times of the same record, by seed, step, the record's place in
    /// the batch and the time of the prediction.
    func negatives(of shard: Shard) -> FutureNegatives {
        guard settings.negatives == .drawn else { return .allOthers }
        let (tokens, horizon) = (tokens, settings.horizon)
        return .drawn(count: settings.negativeCount) { sample, start, times in
            var random = RandomStream(
                seed: shard.seed, purpose: .negatives, step: shard.step,
                position: UInt32(
                    truncatingIfNeeded: (shard.firstPosition + sample) * tokens + start))
            for index in times.indices {
                // One of the others: those from the true one on are one further.
                let word = UInt64(random.nextWord())
                let drawn = Int32(truncatingIfNeeded: (word * UInt64(tokens - 1)) >> 32)
                times[index] = drawn < Int32(start + horizon) ? drawn : drawn + 1
            }
        }
    }

    fileprivate var chance: Double {
        1 / Double(settings.negatives == .drawn ? settings.negativeCount + 1 : tokens)
    }
}

extension ECGCPCConfiguration: MethodBuilding {
    /// ECG-CPC.
    public func makeMethod(of configuration: Configuration) -> any PretrainingMethod {
        ECGCPC(self, input: configuration.input)
    }
}

/// One thread's buffers for reading windows, and the computation of a shard on them.
private final class ECGCPCWorkspace: ShardWorkspace {
    private let method: ECGCPC
    private let reader: ResampledReader

    init(_ method: ECGCPC) {
        self.method = method
        reader = method.encoder.reader(method.input, limit: ECGCPC.limitMillivolts)
    }

    func forward(
        _ shard: Shard, from source: any WindowSource, report: ShardReport, on tape: Tape
    ) throws -> Value {
        let signals = try reader.signals(of: shard, from: source, on: tape)
        let tokens = method.encoder.tokens(signals, EncoderPass(shard), on: tape)
        let found = method.contrast(
            tokens, samples: shard.windows.count, negatives: method.negatives(of: shard), on: tape)
        report.take(
            ContrastiveLoss(
                value: found.value, loss: found.loss, retrievalAccuracy: found.accuracy,
                chance: method.chance))
        guard let clinical = method.clinical else { return found.value }
        let told = try clinical.loss(
            method.encoder.moments(of: tokens.layers, samples: shard.windows.count, on: tape),
            of: shard.replacing(windows: reader.mainWindows(of: shard, from: source)),
            from: source, on: tape)
        let weight = method.settings.clinicalWeight
        report[.loss] = found.loss + weight * told.loss
        report[.auxiliaryLoss] = told.loss
        return tape.total(found.value, told.value, weight: Float(weight))
    }
}
