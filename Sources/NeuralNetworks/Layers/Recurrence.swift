/// What a recurrent network's cells are.
public enum RecurrenceKind: String, Sendable {
    /// Gated recurrent units.
    case gru
    /// Long short-term memory.
    case lstm

    var gates: Int { self == .gru ? 3 : 4 }
}

/// A recurrent network of one or more layers, from states of zeros.
public struct Recurrence: Sendable {
    private struct Layer: Sendable {
        let input: Int
        let hidden: Int
        let inputBias: Int
        let hiddenBias: Int
    }

    private let kind: RecurrenceKind
    private let layers: [Layer]

    /// Adds the parameters, named as PyTorch names them: `NAME.weight_ih_l0`, `.weight_hh_l0`, `.bias_ih_l0`,
    /// `.bias_hh_l0`, and so on for each layer.
    ///
    /// They begin normal with the deviation of PyTorch's even distribution over ±1/sqrt(width).
    ///
    /// - Parameters:
    ///   - name: What the names begin with.
    ///   - kind: What the cells are.
    ///   - inputs: Numbers of a time step.
    ///   - width: Numbers of a state.
    ///   - layers: How many, one upon the other.
    ///   - parameters: Gets the parameters.
    public init(
        _ name: String, kind: RecurrenceKind, inputs: Int, width: Int, layers: Int = 1,
        in parameters: inout ParameterList
    ) {
        self.kind = kind
        let start = Initialiser.normal(deviation: 1 / (3 * Double(width)).squareRoot())
        let rows = kind.gates * width
        self.layers = (0..<layers).map { layer in
            Layer(
                input: parameters.add(
                    "\(name).weight_ih_l\(layer)", shape: [rows, layer == 0 ? inputs : width],
                    start),
                hidden: parameters.add(
                    "\(name).weight_hh_l\(layer)", shape: [rows, width], start),
                inputBias: parameters.add("\(name).bias_ih_l\(layer)", shape: [rows], start),
                hiddenBias: parameters.add("\(name).bias_hh_l\(layer)", shape: [rows], start))
        }
    }

    /// Shape `[samples * time, inputs]` to `[samples * time, width]`.
    public func callAsFunction(_ x: Value, time: Int, on tape: Tape) -> Value {
        layers.reduce(x) { states, layer in
            let weights = RecurrenceWeights(
                input: tape.parameter(layer.input), hidden: tape.parameter(layer.hidden),
                inputBias: tape.parameter(layer.inputBias),
                hiddenBias: tape.parameter(layer.hiddenBias))
            return kind == .gru
                ? tape.gatedRecurrence(states, time: time, weights: weights)
                : tape.memoryRecurrence(states, time: time, weights: weights)
        }
    }
}
