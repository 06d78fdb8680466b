import Configurations
import Kernels
import NeuralNetworks

/// ST-MEM as a way to pretrain: random crops, filters and standardisation, random masks, the patch loss.
public struct STMEMPretraining: PretrainingMethod {
    /// The model.
    public let model: STMEM
    let input: InputConfiguration

    /// The method that a configuration describes.
    public init(configuration: Configuration) {
        model = STMEM(sizes: STMEMSizes(configuration: configuration))
        input = configuration.input
    }

    /// The model's parameters.
    public var parameters: ParameterList { model.parameters }
    /// The loss alone.
    public var scalarNames: [String] { ["loss"] }

    /// Products of the encoder on seen patches and of the decoder, as they are computed.
    public var operationsPerSample: Double {
        let sizes = model.sizes
        let leads = Double(sizes.leads)
        func block(_ tokens: Int, _ width: Int, _ inner: Int, _ hidden: Int) -> Double {
            let weights = Double(4 * width * inner + 2 * width * hidden)
            return Double(tokens) * (weights + 2 * Double(tokens * inner))
        }
        let embedding = leads * Double(sizes.keptPatches * sizes.patchSamples * sizes.width)
        let encoder =
            Double(sizes.depth)
            * block(
                sizes.leads * (sizes.keptPatches + 2), sizes.width, sizes.heads * sizes.headWidth,
                sizes.hiddenWidth)
        let bridge = leads * Double((sizes.keptPatches + 2) * sizes.width * sizes.decoderWidth)
        let tokens = sizes.patches + 2
        let removed = sizes.patches - sizes.keptPatches
        let decoder =
            leads * Double(sizes.decoderDepth)
            * block(
                tokens, sizes.decoderWidth, sizes.decoderHeads * sizes.decoderHeadWidth,
                sizes.decoderHiddenWidth)
        let spared =
            leads * Double((tokens - removed) * 2 * sizes.decoderWidth * sizes.decoderHiddenWidth)
        let head = leads * Double(removed * sizes.decoderWidth * sizes.patchSamples)
        // A multiplication and an addition each; the backward pass has two products for each of the forward pass.
        return 6 * (embedding + encoder + bridge + decoder - spared + head)
    }

    /// Buffers for one thread.
    public func makeWorkspace() -> any ShardWorkspace {
        STMEMWorkspace(model: model, input: input)
    }
}

extension STMEMSizes {
    /// The sizes that a configuration gives.
    public init(configuration: Configuration) {
        self.init()
        leads = configuration.input.leads
        patchSamples = configuration.input.patchSamples
        patches = configuration.input.cropSamples / patchSamples
        width = configuration.encoder.width
        depth = configuration.encoder.depth
        heads = configuration.encoder.heads
        headWidth = configuration.encoder.headWidth
        hiddenWidth = configuration.encoder.mlpWidth
        decoderWidth = configuration.decoder.width
        decoderDepth = configuration.decoder.depth
        decoderHeads = configuration.decoder.heads
        decoderHeadWidth = configuration.decoder.headWidth
        decoderHiddenWidth = configuration.decoder.mlpWidth
        maskRatio = configuration.masking.ratio
        normalisesPatches = configuration.normalisePatches
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
        _ shard: Shard, from source: any WindowSource,
        scalars: UnsafeMutableBufferPointer<Double>, on tape: Tape
    ) throws -> Value {
        let (patches, choice) = try prepare(shard, from: source, on: tape)
        let (value, loss) = model.loss(patches, choice: choice, on: tape)
        scalars[0] = loss
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
