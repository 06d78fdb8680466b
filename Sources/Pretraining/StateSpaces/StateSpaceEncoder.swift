import Configurations
import NeuralNetworks

/// A network of state spaces: a stem that makes tokens of a signal, then layers, of which each token sees all tokens before
/// its own, or all.
///
/// With the strided stem and looking back it is the encoder of ECG-CPC, with the linear one and looking both ways the
/// supervised S4 beside it. Within it rows are channels: the times of all samples follow one another in each. Source:
/// Al-Masud, Lopez Alcaraz and Strodthoff, "Benchmarking ECG foundation models: a reality check", 2025, and the authors' code.
public struct StateSpaceEncoder: Encoder {
    /// What the encoder makes of signals, rows of channels.
    public struct Tokens {
        /// What the stem makes of them, shape `[width, samples * tokens]`.
        public let latents: Value
        /// What the layers make of that, of the same shape.
        public let contexts: Value

        /// Both as read-outs take them.
        var layers: [LayerTokens] { [.channels(latents), .channels(contexts)] }
    }

    private struct Block: Sendable {
        let states: StateSpaceLayer
        let norm: LayerNormalisation
    }

    private let settings: StateSpaceEncoderConfiguration
    private let leads: Int
    private let samples: Int
    private let windowRateHz: Double
    private let tokenRateHz: Double
    private let stem: StateSpaceStem
    private let blocks: [Block]

    /// Adds the parameters, `encoder.` and their official names: of ECG-CPC, without `ts_encoder.`, with the strided stem;
    /// of the supervised S4 with the linear one.
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
        samples = settings.samples(of: input)
        windowRateHz = input.sampleRateHz
        tokenRateHz = settings.tokenRateHz(of: input)
        stem = StateSpaceStem(settings, leads: input.leads, in: &list)
        let sizes = StateSpaceLayer.Sizes(
            width: settings.width, state: settings.state, length: settings.length,
            chunk: settings.chunk, isBidirectional: settings.isBidirectional)
        let name = settings.stem == .strided ? "encoder.predictor.predictor" : "encoder"
        var blocks: [Block] = []
        for index in 0..<settings.depth {
            blocks.append(
                Block(
                    states: StateSpaceLayer("\(name).s4_layers.\(index)", sizes, in: &list),
                    norm: LayerNormalisation(
                        "\(name).norms.\(index)", width: settings.width, in: &list)))
        }
        self.blocks = blocks
    }

    /// Signals to tokens.
    ///
    /// - Parameters:
    ///   - signals: Shape `[count * leads, samples]`.
    ///   - pass: Whose signals they are; in training the shard's own statistics normalise, and channels are dropped.
    ///   - tape: Where the computation is recorded.
    /// - Returns: The stem's tokens, and those of the layers.
    public func tokens(_ signals: Value, _ pass: EncoderPass, on tape: Tape) -> Tokens {
        let count = signals.rows / leads
        let latents = stem(signals, isTraining: pass.isTraining, on: tape)
        var x = latents
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
        let pieces = LayerShape.pieces(times: time, tokenRateHz: tokenRateHz)
        return Array(
            repeating: LayerShape(width: settings.width, times: time, pieces: pieces), count: 2)
    }

    /// Latents and contexts.
    public func layerTokens(
        _ signals: Value, _ pass: EncoderPass, from source: any WindowSource, on tape: Tape
    ) -> [LayerTokens] {
        tokens(signals, pass, on: tape).layers
    }

    /// Of signals in mV one crop after another, as far as there are whole ones; of standardised ones the first, the middle
    /// and the last, as for the other networks that get them.
    public func cropStarts(windowSamples: Int) -> [Int] {
        guard case .millivolts(let rate) = settings.signals else {
            return middleAndEnds(windowSamples: windowSamples, crop: samples)
        }
        let crop = Int((Double(samples) * windowRateHz / rate).rounded(.up))
        return Array(stride(from: 0, through: max(0, windowSamples - crop), by: max(crop, 1)))
    }

    /// Crops at the network's rate, or filtered and standardised ones.
    public func makeReader(_ input: InputConfiguration) -> any SignalReader {
        switch settings.signals {
        case .millivolts: reader(input, limit: nil)
        case .standardised: WindowReader(input: input)
        }
    }

    /// A reader of crops in mV, cut off at plus and minus a limit where there is one.
    func reader(_ input: InputConfiguration, limit: Float?) -> ResampledReader {
        ResampledReader(
            input: input, samples: samples, rateHz: settings.signals.sampleRateHz(of: input),
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
        guard parts.first == "encoder" else { return 0 }
        guard
            let list = parts.firstIndex(where: { ["s4_layers", "norms"].contains($0) }),
            let number = parts.dropFirst(list + 1).first.flatMap({ Int($0) })
        else { return depth + 1 }
        return depth - number
    }

    /// Moves the running statistics.
    public func update(_ context: UpdateContext) { stem.update(context) }

    // MARK: Costs

    private var time: Int { stem.tokens(samples: samples) }

    /// States of a channel, those that look ahead too.
    private var states: Int { settings.state * (settings.isBidirectional ? 2 : 1) }

    /// Multiplications of a forward pass over one signal, and those on the signal itself.
    public var multiplications: (all: Double, onSignal: Double) {
        let (width, places) = (Double(settings.width), Double(time))
        let stem = stem.multiplicationsPerToken
        let layer = places * (2 * width * width + width * Double(settings.chunk + 2 * states))
        return (places * stem.all + Double(settings.depth) * layer, places * stem.onSignal)
    }

    /// Numbers that the backward pass needs of one signal.
    public var activations: Int {
        // Of a layer: chunks with their states, derivative, result, gates, normalised sum, result.
        let layer = 1 + Double(states) / Double(settings.chunk) + 6
        return time
            * (stem.activationsPerToken
                + Int(Double(settings.depth * settings.width) * layer))
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
