import Kernels
import NeuralNetworks

extension Tape {
    /// The hyperbolic tangent of each number.
    func hyperbolicTangent(_ x: Value) -> Value {
        let y = result(rows: x.rows, columns: x.columns)
        hyperbolicTangents(x.data, into: y.data, count: x.count)
        record(HyperbolicTangentOperation(x: x, y: y))
        return y
    }

    /// Each column less a given mean, times a given scale.
    ///
    /// - Parameters:
    ///   - x: Shape `[rows, columns]`.
    ///   - means: Shape `[columns]`.
    ///   - scales: Shape `[columns]`.
    /// - Returns: Shape of `x`.
    func standardised(_ x: Value, means: Floats, scales: Floats) -> Value {
        let y = result(rows: x.rows, columns: x.columns, wantsGradient: x.wantsGradient)
        let factors = arena.floats(x.count)
        fillRows(factors, with: scales, rows: x.rows, columns: x.columns)
        for r in 0..<x.rows {
            for j in 0..<x.columns {
                let i = r * x.columns + j
                y.data[i] = (x.data[i] - means[j]) * scales[j]
            }
        }
        if x.wantsGradient { record(StandardisationOperation(x: x, factors: factors, y: y)) }
        return y
    }

    /// Mean squared error, over a given variance.
    ///
    /// - Parameters:
    ///   - predicted: What is compared.
    ///   - target: As many numbers.
    ///   - variance: What the error is divided by.
    /// - Returns: A 1 x 1 value, and the same in double.
    func meanSquaredError(
        _ predicted: Value, target: Floats, over variance: Double
    ) -> (value: Value, loss: Double) {
        let y = result(rows: 1, columns: 1)
        let error = arena.floats(predicted.count)
        for i in 0..<predicted.count { error[i] = predicted.data[i] - target[i] }
        let divisor = Double(predicted.count) * variance
        let loss = sumOfSquares(error, count: predicted.count) / divisor
        y.data[0] = Float(loss)
        record(
            SquaredErrorOperation(
                predicted: predicted, error: error, slope: Float(2 / divisor), y: y))
        return (y, loss)
    }

    /// A weighted sum of 1 x 1 values.
    func total(_ first: Value, _ second: Value, weight: Float) -> Value {
        let y = result(rows: 1, columns: 1)
        y.data[0] = first.data[0] + weight * second.data[0]
        record(WeightedTotalOperation(first: first, second: second, weight: weight, y: y))
        return y
    }
}

private struct HyperbolicTangentOperation: NeuralNetworks.Operation {
    let x: Value
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        for i in 0..<y.count { dy[i] *= 1 - y.data[i] * y.data[i] }
        tape.pass(dy, to: x)
    }
}

private struct StandardisationOperation: NeuralNetworks.Operation {
    let x: Value
    let factors: MutableFloats
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        for i in 0..<y.count { dy[i] *= factors[i] }
        tape.pass(dy, to: x)
    }
}

private struct SquaredErrorOperation: NeuralNetworks.Operation {
    let predicted: Value
    let error: MutableFloats
    let slope: Float
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        let buffer = tape.gradientBuffer(predicted.count)
        scale(error, by: dy[0] * slope, into: buffer, count: predicted.count)
        tape.pass(buffer, to: predicted)
        tape.release(dy, count: 1)
    }
}

private struct WeightedTotalOperation: NeuralNetworks.Operation {
    let first: Value
    let second: Value
    let weight: Float
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        if let (data, accumulates) = tape.contribution(to: first) {
            data[0] = (accumulates ? data[0] : 0) + dy[0]
        }
        if let (data, accumulates) = tape.contribution(to: second) {
            data[0] = (accumulates ? data[0] : 0) + weight * dy[0]
        }
        tape.release(dy, count: 1)
    }
}
