import Configurations
import NeuralNetworks

/// The networks of contrastive predictive coding: strided convolutions make latents, a recurrent network makes
/// contexts of those up to a time, and one matrix a horizon predicts latents from a context.
public struct CPCModel: CropEncoder {
    /// The parameters: `encoder.conv{i}`, `encoder.norm{i}`, `context` and `predictors`.
    public let parameters: ParameterList
    private let settings: CPCConfiguration
    private let input: InputConfiguration
    private let convolutions: [Convolution]
    private let norms: [LayerNormalisation]
    private let context: Recurrence
    private let predictors: Linear

    /// Puts a model together.
    ///
    /// - Parameters:
    ///   - settings: Sizes of its parts.
    ///   - input: What a sample is.
    public init(_ settings: CPCConfiguration, input: InputConfiguration) {
        self.settings = settings
        self.input = input
        var list = ParameterList()
        var (convolutions, norms) = ([Convolution](), [LayerNormalisation]())
        for (index, kernel) in CPCConfiguration.kernels.enumerated() {
            convolutions.append(
                Convolution(
                    "encoder.conv\(index)", inputs: index == 0 ? input.leads : settings.channels,
                    outputs: settings.channels,
                    shape: ConvolutionShape(
                        kernel: kernel, stride: CPCConfiguration.strides[index]), in: &list))
            norms.append(
                LayerNormalisation("encoder.norm\(index)", width: settings.channels, in: &list))
        }
        (self.convolutions, self.norms) = (convolutions, norms)
        context = Recurrence(
            "context", kind: settings.contextKind == .gru ? .gru : .lstm,
            inputs: settings.channels, width: settings.contextWidth,
            layers: settings.contextLayers, in: &list)
        predictors = Linear(
            "predictors", inputs: settings.contextWidth,
            outputs: settings.horizons * settings.channels, bias: false, in: &list)
        parameters = list
    }

    /// Signals to latents.
    ///
    /// Channels of one time are normalised together, so that no time and no other record has a part in it.
    ///
    /// - Parameters:
    ///   - signals: Shape `[samples * leads, cropSamples]`, lead by lead.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[samples * time, channels]`.
    public func latents(_ signals: Value, on tape: Tape) -> Value {
        var (x, time) = (tape.channelsLast(signals, leads: input.leads), input.cropSamples)
        for (convolution, norm) in zip(convolutions, norms) {
            x = tape.relu(norm(convolution(x, time: time, on: tape), on: tape))
            time = convolution.shape.outputTime(time)
        }
        return x
    }

    /// Latents to contexts.
    ///
    /// - Parameters:
    ///   - latents: Shape `[samples * time, channels]`.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[samples * time, contextWidth]`.
    public func contexts(_ latents: Value, on tape: Tape) -> Value {
        context(latents, time: settings.time, on: tape)
    }

    /// Contexts to predictions of the latents 1, 2, … steps later.
    ///
    /// Shape `[rows, contextWidth]` to `[rows, horizons * channels]`.
    public func predictions(_ contexts: Value, on tape: Tape) -> Value {
        predictors(contexts, on: tape)
    }

    // MARK: Downstream

    /// The whole crop.
    public var samples: Int { input.cropSamples }
    /// The leads.
    public var signalRows: Int { input.leads }
    /// Convolutions and layers of the context network.
    public var depth: Int { convolutions.count + settings.contextLayers }
    /// There is no attention.
    public var tokens: TokenPlaces? { nil }

    /// Contexts have seen all leads.
    public func dimension(of readout: Readout) -> Int? {
        readout == .leads ? nil : settings.contextWidth
    }

    /// The mean over all contexts; as the network's own the last one, which has seen the whole record.
    public func vectors(
        _ signals: Value, _ readout: Readout, _ pass: EncoderPass, from source: any WindowSource,
        on tape: Tape
    ) -> Value {
        let time = settings.time
        let contexts = contexts(latents(signals, on: tape), on: tape)
        guard readout == .method else { return tape.meanOfRows(contexts, length: time) }
        let last = TokenRows(
            time - 1..<time, ofGroups: contexts.rows / time, length: time, on: tape)
        return tape.gatherRows(contexts, indices: last.indices)
    }

    /// The latents, and the contexts.
    public var layers: [LayerShape] {
        [settings.channels, settings.contextWidth].map {
            LayerShape(width: $0, times: settings.time)
        }
    }

    /// Latents and contexts of all times.
    public func layerTokens(
        _ signals: Value, _ pass: EncoderPass, from source: any WindowSource, on tape: Tape
    ) -> [LayerTokens] {
        let latents = latents(signals, on: tape)
        return [.rows(latents), .rows(contexts(latents, on: tape))]
    }

    /// How far a parameter lies below the last layer of the context network.
    public func layersBelowHead(_ parameter: String) -> Int {
        let parts = parameter.split(separator: ".").map(String.init)
        switch parts.first {
        case "encoder":
            let number = parts.dropFirst().first.flatMap { Int($0.filter(\.isNumber)) } ?? 0
            return depth - number
        case "context": return settings.contextLayers
        default: return 0
        }
    }

    // MARK: Costs

    /// Multiplications of latents and contexts of a sample, and those on the signal itself.
    public var multiplications: (all: Double, onSignal: Double) {
        var (inputs, time, total, first) = (input.leads, input.cropSamples, 0.0, 0.0)
        for convolution in convolutions {
            time = convolution.shape.outputTime(time)
            total += Double(time * convolution.shape.kernel * inputs * settings.channels)
            if inputs == input.leads, first == 0 { first = total }
            inputs = settings.channels
        }
        let gates = settings.contextKind == .gru ? 3 : 4
        for layer in 0..<settings.contextLayers {
            let width = layer == 0 ? settings.channels : settings.contextWidth
            // The first time step has no state before it.
            total += Double(gates * settings.contextWidth * time * width)
            total += Double(gates * settings.contextWidth * (time - 1) * settings.contextWidth)
        }
        return (total, first)
    }

    /// Numbers that the backward pass needs of a sample.
    public var activations: Int {
        var (inputs, time) = (input.leads, input.cropSamples)
        var total = inputs * time
        for convolution in convolutions {
            time = convolution.shape.outputTime(time)
            total += time * (convolution.shape.kernel * inputs + 3 * settings.channels)
            inputs = settings.channels
        }
        return total + time * settings.contextLayers * 14 * settings.contextWidth
            + time * settings.horizons * settings.channels
    }
}
