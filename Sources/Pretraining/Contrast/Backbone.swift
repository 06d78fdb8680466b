import Configurations
import Kernels
import NeuralNetworks

/// How a backbone is computed.
public struct BackbonePass: Sendable {
    /// Whether the signals' own statistics normalise them and numbers are dropped.
    public let isTraining: Bool
    private let shard: Shard
    /// Signals of a sample, all in one pass or one by one.
    private let signalsPerSample: Int
    /// The number of the sample's signal that the pass is for, where they are computed one by one.
    private let firstSignal: Int
    /// Signals that follow each other in the pass and belong to one sample.
    private let signalsTogether: Int

    /// A pass over signals of a shard.
    ///
    /// - Parameters:
    ///   - shard: Whose samples they are.
    ///   - signalsPerSample: Signals of a sample.
    ///   - only: The number of the signal that the pass is for; all of a sample follow each other when left out.
    public init(_ shard: Shard, signalsPerSample: Int, only: Int? = nil) {
        isTraining = shard.role == .training
        self.shard = shard
        self.signalsPerSample = signalsPerSample
        firstSignal = only ?? 0
        signalsTogether = only == nil ? signalsPerSample : 1
    }

    /// Layers that may drop numbers.
    private static let layerLimit = 8

    /// The random numbers of a dropout, by seed, step, and the signal's place in the batch.
    func dropoutStream(signal: Int, layer: Int) -> RandomStream {
        let (sample, own) = signal.quotientAndRemainder(dividingBy: signalsTogether)
        let place = (shard.firstPosition + sample) * signalsPerSample + firstSignal + own
        return RandomStream(
            seed: shard.seed, purpose: .dropout, step: shard.step,
            position: UInt32(place * Self.layerLimit + layer))
    }
}

/// What turns a signal into one vector.
public enum Backbone: Sendable {
    /// The encoder of ST-MEM, nothing masked; the vector is its read-out.
    case transformer(STMEMEncoder, TransformerConfiguration)
    /// A small convolutional network.
    case convolutional(ConvolutionalEncoder)

    /// Adds the parameters, which begin with `encoder.`.
    ///
    /// - Parameters:
    ///   - settings: Which network, and its sizes.
    ///   - input: What a sample is.
    ///   - samples: Length of a signal.
    ///   - list: Gets the parameters.
    public init(
        _ settings: BackboneConfiguration, input: InputConfiguration, samples: Int,
        in list: inout ParameterList
    ) {
        switch settings {
        case .transformer(let sizes):
            let encoder = STMEMEncoder(
                sizes: STMEMSizes(
                    encoder: sizes, leads: input.leads, patchSamples: input.patchSamples,
                    patches: samples / input.patchSamples), in: &list)
            self = .transformer(encoder, sizes)
        case .convolutional(let sizes):
            self = .convolutional(
                ConvolutionalEncoder(sizes, leads: input.leads, samples: samples, in: &list))
        }
    }

    /// Signals to vectors.
    ///
    /// - Parameters:
    ///   - signals: Shape `[count * leads, samples]`, lead by lead.
    ///   - pass: How it is computed.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[count, width]`.
    public func callAsFunction(_ signals: Value, _ pass: BackbonePass, on tape: Tape) -> Value {
        switch self {
        case .transformer(let encoder, _):
            encoder.pooled(signals.reshaped(columns: encoder.sizes.patchSamples), on: tape)
        case .convolutional(let encoder): encoder(signals, pass, on: tape)
        }
    }

    /// Moves running statistics after a step.
    func update(_ context: UpdateContext) {
        if case .convolutional(let encoder) = self { encoder.update(context) }
    }

    /// Multiplications of a forward pass over one signal, and those among them whose input is the signal itself, which
    /// has no gradient.
    var multiplications: (all: Double, onSignal: Double) {
        switch self {
        case .transformer(let encoder, let settings):
            (encoder.embeddingMultiplications + settings.multiplications(tokens: encoder.tokens), 0)
        case .convolutional(let encoder): encoder.multiplications
        }
    }

    /// Numbers that the backward pass needs of one signal.
    var activations: Int {
        switch self {
        case .transformer(let encoder, let settings):
            settings.activations(tokens: encoder.tokens)
        case .convolutional(let encoder): encoder.activations
        }
    }
}

extension STMEMEncoder {
    /// Tokens of a signal where nothing is masked.
    var tokens: Int { sizes.leads * (sizes.patches + 2) }

    /// Multiplications of the patch embedding of a signal where nothing is masked.
    var embeddingMultiplications: Double {
        Double(sizes.leads * sizes.patches * sizes.patchSamples * sizes.width)
    }
}

extension STMEMSizes {
    /// Sizes of an encoder without a decoder.
    init(encoder: TransformerConfiguration, leads: Int, patchSamples: Int, patches: Int) {
        self.init()
        self.leads = leads
        self.patchSamples = patchSamples
        self.patches = patches
        width = encoder.width
        depth = encoder.depth
        heads = encoder.heads
        headWidth = encoder.headWidth
        hiddenWidth = encoder.mlpWidth
    }
}
