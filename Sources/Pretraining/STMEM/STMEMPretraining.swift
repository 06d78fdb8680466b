import Configurations
import Kernels
import NeuralNetworks

/// ST-MEM as a way to pretrain: random crops, filters and standardisation, random masks, the patch loss.
public struct STMEMPretraining: Reconstructs {
    /// The model.
    public let model: STMEM
    let input: InputConfiguration
    private let settings: STMEMConfiguration

    /// The method with its settings and what a sample is.
    public init(_ settings: STMEMConfiguration, input: InputConfiguration) {
        model = STMEM(
            sizes: STMEMSizes(
                encoder: settings.encoder, decoder: settings.decoder, input: input,
                maskRatio: settings.maskRatio, normalisesPatches: settings.normalisePatches))
        self.input = input
        self.settings = settings
    }

    /// The model's parameters.
    public var parameters: ParameterList { model.parameters }
    /// The loss alone.
    public var metrics: [Metric] { [.loss] }

    /// The encoder as it is used downstream.
    public var embedding: SignalEmbedding? { SignalEmbedding(model.encoder, input: input) }

    /// Products of the encoder on seen patches and of the decoder, as they are computed.
    public var operationsPerSample: Double {
        let sizes = model.sizes
        let leads = Double(sizes.leads)
        let embedding = leads * Double(sizes.keptPatches * sizes.patchSamples * sizes.width)
        let encoder = settings.encoder.multiplications(
            tokens: sizes.leads * (sizes.keptPatches + 2))
        let bridge = leads * Double((sizes.keptPatches + 2) * sizes.width * sizes.decoderWidth)
        let tokens = sizes.patches + 2
        let removed = sizes.patches - sizes.keptPatches
        let decoder = leads * settings.decoder.multiplications(tokens: tokens)
        let spared =
            leads * Double((tokens - removed) * 2 * sizes.decoderWidth * sizes.decoderHiddenWidth)
        let head = leads * Double(removed * sizes.decoderWidth * sizes.patchSamples)
        // A multiplication and an addition each; the backward pass has two products for each of the forward pass.
        return 6 * (embedding + encoder + bridge + decoder - spared + head)
    }

    /// The blocks' share, which is nearly all.
    public var activationsPerSample: Int {
        let sizes = model.sizes
        return settings.encoder.activations(tokens: sizes.leads * (sizes.keptPatches + 2))
            + sizes.leads * settings.decoder.activations(tokens: sizes.patches + 2)
    }

    /// Buffers for one thread.
    public func makeWorkspace() -> any ShardWorkspace {
        STMEMWorkspace(model: model, input: input)
    }
}

extension STMEMConfiguration: MethodBuilding {
    /// ST-MEM.
    public func makeMethod(of configuration: Configuration) -> any PretrainingMethod {
        STMEMPretraining(self, input: configuration.input)
    }
}

extension STMEMSizes {
    /// The sizes that a configuration gives.
    public init(
        encoder: TransformerConfiguration, decoder: TransformerConfiguration,
        input: InputConfiguration, maskRatio: Double, normalisesPatches: Bool
    ) {
        self.init(encoder: encoder, input: input)
        decoderWidth = decoder.width
        decoderDepth = decoder.depth
        decoderHeads = decoder.heads
        decoderHeadWidth = decoder.headWidth
        decoderHiddenWidth = decoder.mlpWidth
        self.maskRatio = maskRatio
        self.normalisesPatches = normalisesPatches
    }
}

/// One thread's buffers for reading windows, and the computation of a shard on them.
final class STMEMWorkspace: ShardWorkspace {
    private let model: STMEM
    private let reader: WindowReader

    init(model: STMEM, input: InputConfiguration) {
        self.model = model
        reader = WindowReader(input: input)
    }

    func forward(
        _ shard: Shard, from source: any WindowSource, report: ShardReport, on tape: Tape
    ) throws -> Value {
        let (patches, choice) = try prepare(shard, from: source, on: tape)
        let (value, loss) = model.loss(patches, choice: choice, on: tape)
        report[.loss] = loss
        return value
    }

    /// A shard's patches as the model gets them, and which of them it sees.
    func prepare(
        _ shard: Shard, from source: any WindowSource, on tape: Tape
    ) throws -> (patches: Value, choice: PatchChoice) {
        let sizes = model.sizes
        let patches = try reader.patches(of: shard, from: source, on: tape)
        var random = RandomStream(seed: shard.seed, purpose: .mask)
        let choice = PatchChoice(
            samples: shard.windows.count, leads: sizes.leads, patches: sizes.patches,
            kept: sizes.keptPatches, on: tape
        ) { sample, lead, patch in
            if lead == 0, patch == 0 {
                random = RandomStream(
                    seed: shard.seed, purpose: .mask, step: shard.step,
                    position: UInt32(shard.firstPosition + sample))
            }
            return random.nextUniform()
        }
        return (patches, choice)
    }
}
