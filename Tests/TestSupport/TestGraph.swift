import Kernels
import NeuralNetworks
import Tensors

/// A small computation whose inputs are parameters, so that a test gets the gradient of each.
public final class TestGraph: GradientSink {
    private let names: [String]
    /// The inputs.
    public let parameters: Parameters
    private var gradients: [[Float]]

    /// A computation on given inputs.
    public init(_ inputs: [(String, GoldenTensor)]) {
        var list = ParameterList()
        for (name, tensor) in inputs {
            _ = list.add(name, shape: tensor.shape, .values { tensor.floats })
        }
        names = inputs.map(\.0)
        parameters = Parameters(list, seed: 0)
        gradients = inputs.map { Array(repeating: 0, count: $0.1.doubles.count) }
    }

    /// Runs a computation forward and back.
    ///
    /// - Parameters:
    ///   - cotangent: The gradient of what is minimised with respect to the result; none runs forward only.
    ///   - body: The computation on the inputs, in their order.
    /// - Returns: The result's numbers.
    public func run(cotangent: [Float]?, _ body: (Tape, [Value]) -> Value) -> [Float] {
        let tape = Tape(parameters: parameters)
        defer { withExtendedLifetime(tape) {} }
        tape.reset()
        let y = body(tape, names.indices.map { tape.parameter($0) })
        let result = y.array
        if let cotangent {
            precondition(cotangent.count == y.count, "cotangent of another size")
            tape.backward(
                from: y, gradient: { $0.update(from: cotangent.span) }, into: self)
        }
        return result
    }

    /// The gradient of an input, as the last run left it.
    public func gradient(_ name: String) -> [Float] {
        guard let index = names.firstIndex(of: name) else { fatalError("no input \(name)") }
        return gradients[index]
    }

    /// A value of its own with the same numbers, for operations that use up their input.
    public func copy(of value: Value, on tape: Tape) -> Value {
        tape.sum(tape.zeros(rows: value.rows, columns: value.columns), value)
    }

    /// Keeps a gradient.
    public func receive(gradient: Numbers<Float>, of parameter: Int) {
        gradients[parameter] = Array(gradient)
    }
}
