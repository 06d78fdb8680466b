import Configurations
import NeuralNetworks
import Runtime

/// `vq-finetune` as a way to train on: a codebook for the pooled features of a pretrained encoder.
public struct VQFinetunePretraining: KeepsState, ReportsValidation, RefinesEncoder {
    let model: VQFinetune
    let settings: VQFinetuneConfiguration
    let input: InputConfiguration

    /// The method with its settings, and the configuration that says what a batch is.
    public init(_ settings: VQFinetuneConfiguration, of configuration: Configuration) {
        input = configuration.input
        model = VQFinetune(
            settings, input: input, batchSize: configuration.batchSize,
            logicalShards: configuration.logicalShards)
        self.settings = settings
    }

    /// The model's parameters, the codebook's state and its statistics.
    public var parameters: ParameterList { model.parameters }
    /// The loss and its largest part, and how much the projected vectors vary.
    public var metrics: [Metric] { Metric.codebook }
    /// ST-MEM's read-outs of the encoder; the method's own is the record's code.
    public var embedding: SignalEmbedding? {
        SignalEmbedding(model.encoder, input: input).with(.method, dimension: settings.latentWidth)
        {
            signals, _, _, tape in
            let patches = signals.reshaped(columns: input.patchSamples)
            return model.quantiser.replaced(model.latent(of: patches, on: tape), on: tape)
        }
    }

    /// Candidates for codes.
    public var auxiliaryPerShard: Int { model.quantiser.auxiliaryPerShard }
    /// How often each code was chosen.
    public var auxiliaryPerValidationBatch: Int { model.quantiser.auxiliaryPerValidationBatch }

    /// Products of the encoder, of which a frozen one is not gone back over, and of the head.
    public var operationsPerSample: Double {
        let (leads, n) = (input.leads, input.patchesPerLead)
        let encoder =
            Double(leads * n * input.patchSamples * settings.encoder.width)
            + settings.encoder.multiplications(tokens: leads * (n + 2))
        let (latent, hidden) = (settings.latentWidth, settings.hiddenWidth)
        let head =
            latent * (settings.encoder.width + 2 * settings.quantiser.dimension + hidden)
            + 2 * hidden * (hidden + leads * input.cropSamples)
        return (settings.freezeEncoder ? 2 : 6) * encoder + 6 * Double(head)
    }

    /// The encoder's blocks and the rebuilt record.
    public var activationsPerSample: Int {
        settings.encoder.activations(tokens: input.leads * (input.patchesPerLead + 2))
            + 3 * input.leads * input.cropSamples
    }

    /// Buffers for one thread.
    public func makeWorkspace() -> any ShardWorkspace { Workspace(model: model, input: input) }

    /// Moves the codebook and the running statistics of the feature.
    public func update(_ context: UpdateContext) -> [String: JSONValue] {
        model.followFeature(context)
        return model.quantiser.update(context)
    }

    /// Which codes the validation records use.
    public func validationReport(
        auxiliary: [[Double]], parameters: Parameters
    ) -> [String: JSONValue] {
        model.quantiser.validationReport(auxiliary: auxiliary)
    }

    private final class Workspace: ShardWorkspace {
        private let model: VQFinetune
        private let reader: WindowReader

        init(model: VQFinetune, input: InputConfiguration) {
            self.model = model
            reader = WindowReader(input: input)
        }

        func forward(
            _ shard: Shard, from source: any WindowSource, report: ShardReport, on tape: Tape
        ) throws -> Value {
            model.loss(
                try reader.patches(of: shard, from: source, on: tape), of: shard, report: report,
                on: tape)
        }
    }
}

extension VQFinetuneConfiguration: MethodBuilding {
    /// A codebook on a pretrained encoder.
    public func makeMethod(of configuration: Configuration) -> any PretrainingMethod {
        VQFinetunePretraining(self, of: configuration)
    }
}
