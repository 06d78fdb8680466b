import Configurations
import NeuralNetworks

/// A layer of an encoder whose tokens the read-outs `moments` and `layers` sum up over time.
public struct LayerShape: Sendable, Equatable {
    /// Numbers of a token.
    public let width: Int
    /// Parts of a sample, such as leads, whose tokens are summed up apart.
    public let groups: Int
    /// Tokens of a group.
    public let times: Int
    /// Equal parts of a group's tokens that are summed up one by one, and then averaged.
    public let pieces: Int

    /// A layer.
    public init(width: Int, groups: Int = 1, times: Int, pieces: Int = 1) {
        self.width = width
        self.groups = groups
        self.times = times
        self.pieces = pieces
    }

    /// Into how many equal pieces tokens are cut so that none is shorter than 1.25 s, which is about a beat.
    ///
    /// The largest number of a beat says more, averaged over beats, than that of the whole signal, which one disturbance
    /// decides.
    static func pieces(times: Int, tokenRateHz: Double) -> Int {
        let most = max(1, Int(Double(times) / (1.25 * tokenRateHz)))
        return (1...most).last { times.isMultiple(of: $0) } ?? 1
    }

    /// Tokens of a sample.
    var tokens: Int { groups * times }

    /// Mean, largest number and deviation of each number of a token, for each group.
    var moments: Int { TimeMoments.all.count * groups * width }
}

extension LayerShape {
    /// The layers of a transformer that read-outs look at: the block in the middle, where it is not the last, and the last.
    static func ofTransformer(depth: Int, width: Int, groups: Int, times: Int) -> [LayerShape] {
        Array(
            repeating: LayerShape(width: width, groups: groups, times: times),
            count: min(depth, 2))
    }
}

/// The tokens of a layer.
public enum LayerTokens {
    /// Rows are tokens, shape `[samples * groups * time, width]`.
    case rows(Value)
    /// Rows are channels, shape `[width, samples * groups * time]`.
    case channels(Value)

    /// Mean, largest number and deviation over the tokens of each group, piece by piece and then the mean over pieces; shape
    /// `[samples, shape.moments]`.
    func moments(_ shape: LayerShape, samples: Int, on tape: Tape) -> Value {
        let channels =
            switch self {
            case .rows(let value): tape.transposed(value)
            case .channels(let value): value
            }
        let pieces = tape.timeMoments(
            channels, samples: samples * shape.groups * shape.pieces, .all)
        let groups = shape.pieces == 1 ? pieces : tape.meanOfRows(pieces, length: shape.pieces)
        return groups.reshaped(columns: shape.moments)
    }
}

extension LayerTokens {
    /// Tokens of the layers that `LayerShape.ofTransformer` names.
    ///
    /// - Parameters:
    ///   - depth: Blocks.
    ///   - run: Computes the last layer's tokens, and calls what it gets with each block's number and output.
    /// - Returns: A transformer's tokens, the last layer's behind those of the block in the middle.
    static func ofTransformer(
        depth: Int, _ run: (_ observe: (Int, Value) -> Void) throws -> Value
    ) rethrows -> [Value] {
        var middle: [Value] = []
        let last = try run { index, tokens in
            if index == depth / 2 - 1 { middle.append(tokens) }
        }
        return middle + [last]
    }
}

extension Encoder {
    /// Numbers of the vector of any read-out; `nil` where the network has no such one.
    public func width(of readout: Readout) -> Int? {
        switch readout {
        case .mean, .leads, .method: dimension(of: readout)
        case .moments: layers.last?.moments
        case .layers: layers.count > 1 ? layers.reduce(0) { $0 + $1.moments } : nil
        }
    }

    /// Numbers that the backward pass needs of one sample for a read-out, beside what the network needs: each layer's tokens
    /// once more where they are summed up over time.
    func activations(of readout: Readout) -> Int {
        let wanted: ArraySlice<LayerShape> =
            switch readout {
            case .mean, .leads, .method: []
            case .moments: layers.suffix(1)
            case .layers: layers[...]
            }
        return wanted.reduce(0) { $0 + $1.width * $1.tokens }
    }

    /// Signals to the vectors of any read-out, shape `[samples, width(of: readout)]`.
    ///
    /// - Throws: As `vectors`.
    public func readOut(
        _ readout: Readout, of signals: Value, _ pass: EncoderPass, from source: any WindowSource,
        on tape: Tape
    ) throws -> Value {
        guard readout == .moments || readout == .layers else {
            return try vectors(signals, readout, pass, from: source, on: tape)
        }
        let tokens = try layerTokens(signals, pass, from: source, on: tape)
        return moments(
            of: tokens.suffix(readout == .moments ? 1 : layers.count), samples: pass.signals,
            on: tape)
    }

    /// What the last of the encoder's layers are over time, side by side.
    ///
    /// - Parameters:
    ///   - tokens: Of so many of the last layers.
    ///   - samples: Whose they are.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[samples, moments of these layers]`.
    func moments(of tokens: some Collection<LayerTokens>, samples: Int, on tape: Tape) -> Value {
        precondition(
            (1...layers.count).contains(tokens.count), "\(tokens.count) of \(layers.count) layers")
        let parts = zip(layers.suffix(tokens.count), tokens).map { shape, tokens in
            tokens.moments(shape, samples: samples, on: tape)
        }
        return parts.dropFirst().reduce(parts[0]) { tape.joinedColumns($0, $1) }
    }
}
