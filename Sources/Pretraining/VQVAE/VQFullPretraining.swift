import Configurations
import NeuralNetworks
import Runtime

/// `vq-full` as a way to pretrain: an encoder and a codebook from scratch, by rebuilding records from their codes.
public struct VQFullPretraining: PretrainingMethod {
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
    public var scalarNames: [String] {
        ["loss", "reconstruction_loss", "latent_deviation", "latent_deviation_minimum"]
    }
    /// Candidates for codes.
    public var notesPerShard: Int { model.quantiser.notesPerShard }
    /// How often each code was chosen.
    public var notesPerValidationUnit: Int { model.quantiser.notesPerValidationUnit }

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
        notes: [[Double]], parameters: Parameters
    ) -> [String: JSONValue] {
        model.quantiser.validationReport(notes: notes)
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
                model.tokens(of: patches, on: tape), of: shard, notes: report.notes, on: tape)
            let (value, reconstruction) = model.reconstructionLoss(
                outcome.value, patches: patches, on: tape)
            report.scalars[0] = reconstruction + outcome.penalty
            report.scalars[1] = reconstruction
            report.scalars[2] = outcome.deviation.mean
            report.scalars[3] = outcome.deviation.least
            return outcome.loss.map { tape.total(value, $0, weight: 1) } ?? value
        }
    }
}
