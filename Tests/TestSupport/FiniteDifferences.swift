import Kernels
import NeuralNetworks

/// Compares the gradients that an operation's backward pass gives with central differences.
///
/// What is differentiated is the sum of the result times fixed random numbers, added up in double.
///
/// - Parameters:
///   - shapes: Shapes of the inputs.
///   - seed: Seed of inputs and factors.
///   - step: Half the distance of the two evaluations.
///   - operation: The computation.
/// - Returns: The largest difference, as a share of the largest gradient of its input (or 1e-2 if that is smaller).
public func gradientError(
    shapes: [[Int]], seed: UInt64 = 1, step: Float = 1e-2, _ operation: (Tape, [Value]) -> Value
) -> Double {
    var random = RandomStream(seed: seed, purpose: .test)
    let inputs = shapes.map { shape in
        GoldenTensor(
            shape: shape,
            doubles: (0..<shape.reduce(1, *)).map { _ in random.nextNormal() })
    }
    let names = shapes.indices.map { "input\($0)" }
    let graph = TestGraph(Array(zip(names, inputs)))
    let size = graph.run(cotangent: nil, operation).count
    let cotangent = (0..<size).map { _ in Float(random.nextNormal()) }
    _ = graph.run(cotangent: cotangent, operation)
    func objective() -> Double {
        zip(graph.run(cotangent: nil, operation), cotangent)
            .reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    var worst = 0.0
    for (index, name) in names.enumerated() {
        let gradient = graph.gradient(name)
        let largest = max(1e-2, gradient.map { Double(abs($0)) }.max() ?? 0)
        let values = graph.parameters.tensor(index).floats
        for i in values.indices {
            let value = values[i]
            values[i] = value + step
            let above = objective()
            values[i] = value - step
            let below = objective()
            values[i] = value
            let expected = (above - below) / (2 * Double(step))
            worst = max(worst, abs(Double(gradient[i]) - expected) / largest)
        }
    }
    return worst
}
