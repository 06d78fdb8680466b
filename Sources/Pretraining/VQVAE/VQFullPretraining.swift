import Configurations
import NeuralNetworks
import Runtime

/// `vq-full` as a way to pretrain: an encoder and a codebook from scratch, by rebuilding records from their codes.
public struct VQFullPretraining: KeepsState, ReportsValidation {
    let model: VQFull
    let settings: VQFullConfiguration
    let input: InputConfiguration

    /// The method with its settings, and the configuration that says what a batch is.
    public init(_ settings: VQFullConfiguration, of configuration: Configuration) {
        input = configuration.input
        model = VQFull(
            settings, input: input, batchSize: configuration.batchSize,
            logicalShards: configuration.logicalShards)
        self.settings = settings
    }

    /// The model's parameters, the codebook's state and its statistics.
    public var parameters: ParameterList { model.parameters }
    /// The loss and its largest part, and how much the projected vectors vary.
    public var metrics: [Metric] { Metric.codebook }
    /// The mean of the encoder's tokens, of a record or of each lead; the method's own read-out is the mean of their codes.
    public var embedding: SignalEmbedding? {
        let (width, patch) = (settings.encoder.width, input.patchSamples)
        @Sendable func mean(_ signals: Value, ofCodes: Bool, _ tape: Tape) -> Value {
            let tokens = model.tokens(of: signals.reshaped(columns: patch), on: tape)
            return tape.meanOfRows(
                ofCodes ? model.quantiser.replaced(tokens, on: tape) : tokens,
                length: tokens.rows)
        }
        return SignalEmbedding(model.encoder, input: input)
            .with(.mean, dimension: width) { signals, _, _, tape in
                mean(signals, ofCodes: false, tape)
            }
            .with(.leads, dimension: input.leads * width) { signals, _, _, tape in
                model.meanOfLeads(signals.reshaped(columns: patch), on: tape)
            }
            .with(.method, dimension: width) { signals, _, _, tape in
                mean(signals, ofCodes: true, tape)
            }
    }

    /// Candidates for codes.
    public var auxiliaryPerShard: Int { model.quantiser.auxiliaryPerShard }
    /// How often each code was chosen.
    public var auxiliaryPerValidationBatch: Int { model.quantiser.auxiliaryPerValidationBatch }

    /// Products of the encoder on all patches and of the decoder.
    public var operationsPerSample: Double {
        let (leads, n) = (input.leads, input.patchesPerLead)
        let (encoder, decoder) = (settings.encoder, settings.decoder)
        let sequences = settings.tokens == .time ? 1 : leads
        let embedding = Double(leads * n * input.patchSamples * encoder.width)
        let bridge =
            sequences * n * encoder.width * (2 * settings.quantiser.dimension + decoder.width)
        let head = leads * n * input.patchSamples * decoder.width
        return 6
            * (embedding + encoder.multiplications(tokens: leads * (n + 2)) + Double(bridge + head)
                + Double(sequences) * decoder.multiplications(tokens: n))
    }

    /// The blocks' share, and the soft assignments.
    public var activationsPerSample: Int {
        let (leads, n) = (input.leads, input.patchesPerLead)
        let sequences = settings.tokens == .time ? 1 : leads
        return settings.encoder.activations(tokens: leads * (n + 2))
            + sequences * settings.decoder.activations(tokens: n)
            + 2 * sequences * n * settings.quantiser.codeCount
    }

    /// Buffers for one thread.
    public func makeWorkspace() -> any ShardWorkspace { Workspace(model: model, input: input) }

    /// Moves the codebook.
    public func update(_ context: UpdateContext) -> [String: JSONValue] {
        model.quantiser.update(context)
    }

    /// Which codes the validation records use.
    public func validationReport(
        auxiliary: [[Double]], parameters: Parameters
    ) -> [String: JSONValue] {
        model.quantiser.validationReport(auxiliary: auxiliary)
    }

    private final class Workspace: ShardWorkspace {
        private let model: VQFull
        private let reader: WindowReader

        init(model: VQFull, input: InputConfiguration) {
            self.model = model
            reader = WindowReader(input: input)
        }

        func forward(
            _ shard: Shard, from source: any WindowSource, report: ShardReport, on tape: Tape
        ) throws -> Value {
            let patches = try reader.patches(of: shard, from: source, on: tape)
            let outcome = model.quantiser.quantise(
                model.tokens(of: patches, on: tape), of: shard, auxiliary: report.auxiliary,
                on: tape)
            let (value, reconstruction) = model.reconstructionLoss(
                outcome.value, patches: patches, on: tape)
            report.take(outcome, reconstruction: reconstruction)
            return outcome.loss.map { tape.total(value, $0, weight: 1) } ?? value
        }
    }
}

extension VQFullConfiguration: MethodBuilding {
    /// A codebook from scratch.
    public func makeMethod(of configuration: Configuration) -> any PretrainingMethod {
        VQFullPretraining(self, of: configuration)
    }
}

extension ShardReport {
    /// The numbers of a method with a codebook.
    func take(_ outcome: VectorQuantiser.Outcome, reconstruction: Double) {
        self[.loss] = reconstruction + outcome.penalty
        self[.reconstructionLoss] = reconstruction
        self[.latentDeviation] = outcome.deviation.mean
        self[.latentDeviationMinimum] = outcome.deviation.least
    }
}

extension Metric {
    /// The squared error of what is rebuilt.
    static let reconstructionLoss = Metric("reconstruction_loss")
    /// How much projected vectors vary, the mean over their numbers.
    static let latentDeviation = Metric("latent_deviation")
    /// The same of the number that varies least.
    static let latentDeviationMinimum = Metric("latent_deviation_minimum")

    /// The numbers of a method with a codebook.
    static let codebook: [Metric] = [
        .loss, .reconstructionLoss, .latentDeviation, .latentDeviationMinimum,
    ]
}
