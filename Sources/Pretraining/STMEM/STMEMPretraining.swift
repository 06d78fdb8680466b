import Configurations
import Electrocardiography
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
    private let input: InputConfiguration
    private var conditioner: SignalConditioner?
    private var window: [Float] = []

    init(model: STMEM, input: InputConfiguration) {
        self.model = model
        self.input = input
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
        let patches = tape.input(
            rows: shard.windows.count * sizes.leads * sizes.patches, columns: sizes.patchSamples)
        for (index, window) in shard.windows.enumerated() {
            let target = UnsafeMutableBufferPointer(
                start: patches.data + index * input.leads * input.cropSamples,
                count: input.leads * input.cropSamples)
            try read(
                window, of: shard, position: shard.firstPosition + index, from: source, into: target
            )
        }
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

    /// Reads a window, crops it (at random in training, in the middle otherwise), filters and standardises it.
    private func read(
        _ number: Int, of shard: Shard, position: Int, from source: any WindowSource,
        into target: UnsafeMutableBufferPointer<Float>
    ) throws {
        let samples = source.samplesPerWindow
        if window.isEmpty {
            window = Array(repeating: 0, count: input.leads * samples)
            conditioner = SignalConditioner(
                sampleRateHz: input.sampleRateHz, sampleCapacity: samples, leadCapacity: input.leads
            )
        }
        let slack = samples - input.cropSamples
        var start = slack / 2
        if shard.role == .training {
            var random = RandomStream(
                seed: shard.seed, purpose: .crop, step: shard.step, position: UInt32(position))
            start = random.nextInteger(below: slack + 1)
        }
        try window.withUnsafeMutableBufferPointer { window in
            try source.readMillivolts(window: number, into: window)
            if input.filterBeforeCrop {
                conditioner?.condition(
                    window, leadCount: input.leads, filters: true, standardise: false)
            }
            guard let from = window.baseAddress, let to = target.baseAddress else { return }
            for lead in 0..<input.leads {
                (to + lead * input.cropSamples).update(
                    from: from + lead * samples + start, count: input.cropSamples)
            }
        }
        conditioner?.condition(
            target, leadCount: input.leads, filters: !input.filterBeforeCrop, standardise: true)
    }
}
