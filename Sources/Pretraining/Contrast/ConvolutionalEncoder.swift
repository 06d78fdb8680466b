import Configurations
import NeuralNetworks

/// A small convolutional network that turns a signal into one vector.
///
/// Blocks of convolution, batch normalisation, ReLU, pool and dropout; what is left in time is flattened, or
/// averaged, and mapped. Source: Kiyasseh, Zhu and Clifton, "CLOCS", 2021, with twelve leads as channels in place of one.
public struct ConvolutionalEncoder: CropEncoder {
    private struct Block: Sendable {
        let convolution: Convolution
        let norm: BatchNormalisation
    }

    private let settings: ConvolutionalConfiguration
    /// Length of a signal.
    public let samples: Int
    private let leads: Int
    private let blocks: [Block]
    private let head: Linear

    /// Adds the parameters `encoder.block{i}.conv`, `encoder.block{i}.norm` and `encoder.head`.
    ///
    /// - Parameters:
    ///   - settings: Sizes.
    ///   - leads: Channels of the signal.
    ///   - samples: Its length.
    ///   - list: Gets the parameters.
    public init(
        _ settings: ConvolutionalConfiguration, leads: Int, samples: Int,
        in list: inout ParameterList
    ) {
        self.settings = settings
        self.samples = samples
        self.leads = leads
        var (inputs, blocks) = (leads, [Block]())
        for index in 0..<settings.blocks {
            let outputs = settings.channels(after: index)
            blocks.append(
                Block(
                    convolution: Convolution(
                        "encoder.block\(index).conv", inputs: inputs, outputs: outputs,
                        shape: ConvolutionShape(kernel: settings.kernel, stride: settings.stride),
                        in: &list),
                    norm: BatchNormalisation(
                        "encoder.block\(index).norm", width: outputs, in: &list)))
            inputs = outputs
        }
        self.blocks = blocks
        let time = settings.times(samples: samples).last ?? 0
        head = Linear(
            "encoder.head", inputs: settings.timePooling == .flat ? inputs * time : inputs,
            outputs: settings.width, in: &list)
    }

    /// The leads.
    public var signalRows: Int { leads }
    /// Blocks.
    public var depth: Int { settings.blocks }
    /// There is no attention.
    public var tokens: TokenPlaces? { nil }

    /// Of the vector, and of the last block's channels.
    public func dimension(of readout: Readout) -> Int? {
        switch readout {
        case .leads: nil
        case .method: settings.width
        case .mean, .moments, .layers: lastChannels
        }
    }

    /// Channels of the last block.
    var lastChannels: Int { settings.channels(after: settings.blocks - 1) }

    /// Signals to vectors.
    ///
    /// - Parameters:
    ///   - signals: Shape `[count * leads, samples]`, lead by lead.
    ///   - readout: The vector is the network's own; the mean is that of the last block's channels over what is left in
    ///     time. The first layer mixes the leads, so nothing belongs to one.
    ///   - pass: How it is computed.
    ///   - source: Not asked.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[count, dimension]`.
    public func vectors(
        _ signals: Value, _ readout: Readout, _ pass: EncoderPass, from source: any WindowSource,
        on tape: Tape
    ) -> Value {
        let x = features(signals, pass, on: tape)
        let count = signals.rows / leads
        guard readout == .method else { return tape.meanOfRows(x, length: x.rows / count) }
        return head(
            settings.timePooling == .flat
                ? x.reshaped(columns: x.count / count)
                : tape.meanOfRows(x, length: x.rows / count),
            on: tape)
    }

    /// The block before the last, and the last.
    public var layers: [LayerShape] {
        settings.times(samples: samples).enumerated().suffix(2).map {
            LayerShape(width: settings.channels(after: $0.offset), times: $0.element)
        }
    }

    /// The blocks' channels over what is left in time.
    public func layerTokens(
        _ signals: Value, _ pass: EncoderPass, from source: any WindowSource, on tape: Tape
    ) -> [LayerTokens] {
        var kept: [LayerTokens] = []
        _ = features(signals, pass, on: tape) { index, x in
            if index >= settings.blocks - 2 { kept.append(.rows(x)) }
        }
        return kept
    }

    /// All blocks: shape `[count * leads, samples]` to `[count * times, lastChannels]`.
    private func features(
        _ signals: Value, _ pass: EncoderPass, on tape: Tape,
        observe: (Int, Value) -> Void = { _, _ in }
    ) -> Value {
        let (count, isTraining) = (signals.rows / leads, pass.isTraining)
        var (x, time) = (tape.channelsLast(signals, leads: leads), samples)
        for (index, block) in blocks.enumerated() {
            x = block.convolution(x, time: time, on: tape)
            time = block.convolution.shape.outputTime(time)
            x = tape.relu(block.norm(x, usesBatch: isTraining, on: tape))
            x = tape.maximumPool(x, time: time, window: settings.pool)
            time /= settings.pool
            if isTraining, settings.dropout > 0 {
                x = tape.dropout(x, rate: Float(settings.dropout), runs: count) {
                    pass.dropoutStream(signal: $0, layer: index)
                }
            }
            observe(index, x)
        }
        return x
    }

    /// Moves the running statistics.
    public func update(_ context: UpdateContext) {
        for block in blocks {
            block.norm.update(context.parameters, statistic: context.statistic)
        }
    }

    /// Multiplications of a forward pass over one signal, and those among them whose input is the signal itself.
    public var multiplications: (all: Double, onSignal: Double) {
        var (inputs, time, total, first) = (leads, samples, 0.0, 0.0)
        for index in 0..<settings.blocks {
            let places = (time - settings.kernel) / settings.stride + 1
            let outputs = settings.channels(after: index)
            total += Double(places * settings.kernel * inputs * outputs)
            if index == 0 { first = total }
            (inputs, time) = (outputs, places / settings.pool)
        }
        let read = settings.timePooling == .flat ? inputs * time : inputs
        return (total + Double(read * settings.width), first)
    }

    /// Numbers that the backward pass needs of one signal.
    public var activations: Int {
        var (inputs, time, total) = (leads, samples, leads * samples)
        for index in 0..<settings.blocks {
            let places = (time - settings.kernel) / settings.stride + 1
            let outputs = settings.channels(after: index)
            // Stretches, convolution, norm, ReLU; then pool, its places, dropout and its factors.
            total += places * (settings.kernel * inputs + 3 * outputs)
            (inputs, time) = (outputs, places / settings.pool)
            total += 4 * time * outputs
        }
        return total
    }
}

extension ConvolutionalConfiguration: EncoderBuilding {
    /// The network for whole crops.
    public func makeEncoder(
        input: InputConfiguration, in list: inout ParameterList
    ) -> any Encoder {
        ConvolutionalEncoder(self, leads: input.leads, samples: input.cropSamples, in: &list)
    }
}
