import Kernels

extension Tape {
    /// GELU (erf form) of `x + bias`.
    ///
    /// - Parameters:
    ///   - x: Shape `[rows, columns]`; used up: its numbers become the derivative.
    ///   - bias: Shape `[columns]`.
    /// - Returns: Shape `[rows, columns]`.
    public func biasGELU(_ x: consuming Value, bias: Value) -> Value {
        precondition(bias.count == x.columns, "\(bias.count) biases for rows of \(x.columns)")
        let y = result(rows: x.rows, columns: x.columns)
        Kernels.biasGELU(
            x.data, bias: bias.data, rows: x.rows, columns: x.columns, into: y.data)
        record(BiasGELUOperation(x: x, bias: bias, y: y))
        return y
    }
}

private struct BiasGELUOperation: Operation {
    let x: Value
    let bias: Value
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        let wanted = tape.addedContribution(to: bias)
        let dBias = wanted ?? tape.gradientBuffer(x.columns)
        multiplyByDerivative(
            dy, derivative: x.data, rows: x.rows, columns: x.columns, dBias: dBias)
        tape.finishUse(of: bias)
        if wanted == nil { tape.release(dBias, count: x.columns) }
        tape.pass(dy, to: x)
    }
}
