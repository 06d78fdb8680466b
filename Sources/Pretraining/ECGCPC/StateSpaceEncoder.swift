import Configurations
import NeuralNetworks

/// The encoder of ECG-CPC: a stem that makes tokens of two samples, then layers of state spaces, each of which sees all
/// tokens before its own.
///
/// Within it rows are channels: the times of all samples follow one another in each. Source: Al-Masud, Lopez Alcaraz and
/// Strodthoff, "Benchmarking ECG foundation models: a reality check", 2025, and the authors' code.
public struct StateSpaceEncoder: Encoder {
    /// What the encoder makes of signals, rows of channels.
    public struct Tokens {
        /// What the stem makes of them, shape `[width, samples * tokens]`.
        public let latents: Value
        /// What the layers make of that, of the same shape.
        public let contexts: Value
    }

    private struct Stage: Sendable {
        let convolution: Convolution
        let norm: BatchNormalisation
    }

    private struct Block: Sendable {
        let states: StateSpaceLayer
        let norm: LayerNormalisation
    }

    private let settings: StateSpaceEncoderConfiguration
    private let leads: Int
    private let samples: Int
    private let windowRateHz: Double
    private let stem: [Stage]
    private let blocks: [Block]

    /// Convolutions of the stem: the first one over three samples, the others over one token.
    private static let shapes =
        [ConvolutionShape(kernel: 3, stride: 2, padding: 1)]
        + Array(repeating: ConvolutionShape(kernel: 1), count: 3)

    /// Adds the parameters, `encoder.` and their official names without `ts_encoder.`.
    ///
    /// - Parameters:
    ///   - settings: Sizes.
    ///   - input: What a sample is.
    ///   - list: Gets the parameters.
    public init(
        _ settings: StateSpaceEncoderConfiguration, input: InputConfiguration,
        in list: inout ParameterList
    ) {
        self.settings = settings
        leads = input.leads
        samples = StateSpaceEncoderConfiguration.samples(of: input)
        windowRateHz = input.sampleRateHz
        var (stem, blocks) = ([Stage](), [Block]())
        for (index, shape) in Self.shapes.enumerated() {
            let name = "encoder.encoder.layers.\(index)"
            stem.append(
                Stage(
                    convolution: Convolution(
                        "\(name).0", inputs: index == 0 ? input.leads : settings.width,
                        outputs: settings.width, shape: shape, bias: false, in: &list),
                    norm: BatchNormalisation("\(name).1", width: settings.width, in: &list)))
        }
        let sizes = StateSpaceLayer.Sizes(
            width: settings.width, state: settings.state, length: settings.length,
            chunk: settings.chunk)
        for index in 0..<settings.depth {
            let name = "encoder.predictor.predictor"
            blocks.append(
                Block(
                    states: StateSpaceLayer("\(name).s4_layers.\(index)", sizes, in: &list),
                    norm: LayerNormalisation(
                        "\(name).norms.\(index)", width: settings.width, in: &list)))
        }
        (self.stem, self.blocks) = (stem, blocks)
    }

    /// Signals to tokens.
    ///
    /// - Parameters:
    ///   - signals: Shape `[count * leads, samples]`, in mV.
    ///   - pass: Whose signals they are; in training the shard's own statistics normalise, and channels are dropped.
    ///   - tape: Where the computation is recorded.
    /// - Returns: The stem's tokens, and those of the layers.
    public func tokens(_ signals: Value, _ pass: EncoderPass, on tape: Tape) -> Tokens {
        let count = signals.rows / leads
        var x = signals
        for (index, stage) in stem.enumerated() {
            x =
                index == 0
                ? stage.convolution.ofChannels(x, inputs: leads, on: tape)
                : stage.convolution.ofSingleTimes(x, on: tape)
            x = stage.norm.rectifiedRows(x, usesBatch: pass.isTraining, on: tape)
        }
        let latents = x
        for index in blocks.indices {
            let kept = factors(of: index, count: count, pass, on: tape)
            x = layer(index, x, samples: count, inner: kept?.inner, outer: kept?.outer, on: tape)
        }
        return Tokens(latents: latents, contexts: x)
    }

    /// One layer with its residual and normalisation.
    ///
    /// - Parameters:
    ///   - index: Which one.
    ///   - x: Shape `[width, samples * tokens]`.
    ///   - samples: Independent signals, one after another.
    ///   - inner: What channels are multiplied by after GELU, shape `[samples, width]`; ones when left out.
    ///   - outer: The same after the gate.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape of `x`.
    func layer(
        _ index: Int, _ x: Value, samples: Int, inner: Value?, outer: Value?, on tape: Tape
    ) -> Value {
        blocks[index].norm.gatedResidual(
            blocks[index].states(x, samples: samples, factors: inner, on: tape), residual: x,
            samples: samples, factors: outer, on: tape)
    }

    /// What a layer's channels are multiplied by, after GELU and after the gate; the same at all times of a sample.
    private func factors(
        of layer: Int, count: Int, _ pass: EncoderPass, on tape: Tape
    ) -> (inner: Value, outer: Value)? {
        guard pass.isTraining, settings.dropout > 0 else { return nil }
        let (width, rate) = (settings.width, Float(settings.dropout))
        return (
            tape.channelFactors(samples: count, channels: width, rate: rate) {
                pass.dropoutStream(signal: $0, layer: layer)
            },
            tape.channelFactors(samples: count, channels: width, rate: rate, skipping: width) {
                pass.dropoutStream(signal: $0, layer: layer)
            }
        )
    }

    // MARK: Downstream

    /// The leads.
    public var signalRows: Int { leads }
    /// Layers of state spaces.
    public var depth: Int { blocks.count }
    /// There is no attention.
    public var tokens: TokenPlaces? { nil }

    /// The mean of the contexts over time is the authors' own, too; tokens have seen all leads.
    public func dimension(of readout: Readout) -> Int? {
        readout == .leads ? nil : settings.width
    }

    /// The stem, and the last layer.
    public var layers: [LayerShape] {
        Array(repeating: LayerShape(width: settings.width), count: 2)
    }

    /// Latents and contexts.
    public func layerTokens(
        _ signals: Value, _ pass: EncoderPass, from source: any WindowSource, on tape: Tape
    ) -> [LayerTokens] {
        let tokens = tokens(signals, pass, on: tape)
        return [.channels(tokens.latents), .channels(tokens.contexts)]
    }

    /// One crop after another, as far as there are whole ones.
    public func cropStarts(windowSamples: Int) -> [Int] {
        let crop = Int(
            (Double(samples) * windowRateHz / StateSpaceEncoderConfiguration.sampleRateHz)
                .rounded(.up))
        return Array(stride(from: 0, through: max(0, windowSamples - crop), by: max(crop, 1)))
    }

    /// Crops at the network's rate.
    public func makeReader(_ input: InputConfiguration) -> any SignalReader {
        reader(input, limit: nil)
    }

    /// A reader of crops, cut off at plus and minus a limit in mV where there is one.
    func reader(_ input: InputConfiguration, limit: Float?) -> ResampledReader {
        ResampledReader(
            input: input, samples: samples, rateHz: StateSpaceEncoderConfiguration.sampleRateHz,
            limit: limit)
    }

    /// Signals to vectors, see `dimension(of:)`.
    public func vectors(
        _ signals: Value, _ readout: Readout, _ pass: EncoderPass, from source: any WindowSource,
        on tape: Tape
    ) -> Value {
        tape.timeMoments(
            tokens(signals, pass, on: tape).contexts, samples: signals.rows / leads, .mean)
    }

    /// The number of a layer from the end; the stem lies below all.
    public func layersBelowHead(_ parameter: String) -> Int {
        let parts = parameter.split(separator: ".").map(String.init)
        guard parts.count > 4, parts[1] == "predictor", let number = Int(parts[4]) else {
            return parts.first == "encoder" ? depth + 1 : 0
        }
        return depth - number
    }

    /// Moves the running statistics.
    public func update(_ context: UpdateContext) {
        for stage in stem {
            stage.norm.update(context.parameters, statistic: context.statistic)
        }
    }

    // MARK: Costs

    private var time: Int { Self.shapes[0].outputTime(samples) }

    /// Multiplications of a forward pass over one signal, and those on the signal itself.
    public var multiplications: (all: Double, onSignal: Double) {
        let (width, places) = (Double(settings.width), Double(time))
        let first = places * width * Double(Self.shapes[0].kernel * leads)
        let states = Double(settings.chunk + 2 * settings.state)
        let layer = places * (2 * width * width + width * states)
        return (
            first + 3 * places * width * width + Double(settings.depth) * layer, first
        )
    }

    /// Numbers that the backward pass needs of one signal.
    public var activations: Int {
        let kernel = Self.shapes[0].kernel * leads
        // Of a layer: chunks with their states, derivative, result, gates, normalised sum, result.
        let states = 1 + Double(settings.state) / Double(settings.chunk)
        return time
            * (kernel + settings.width * 2 * Self.shapes.count
                + Int(Double(settings.depth * settings.width) * (states + 6)))
    }
}

extension StateSpaceEncoderConfiguration: EncoderBuilding {
    /// The network for whole crops.
    public func makeEncoder(
        input: InputConfiguration, in list: inout ParameterList
    ) -> any Encoder {
        StateSpaceEncoder(self, input: input, in: &list)
    }
}
