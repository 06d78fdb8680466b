import Kernels

extension Tape {
    /// ReLU: the larger of each number and 0.
    ///
    /// - Parameter x: Any shape.
    /// - Returns: The same shape.
    public func relu(_ x: Value) -> Value {
        let y = result(rows: x.rows, columns: x.columns)
        Kernels.relu(x.data, count: x.count, into: y.data)
        record(ReLUOperation(x: x, y: y))
        return y
    }
}

private struct ReLUOperation: Operation {
    let x: Value
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        reluBackward(dy, result: y.data, count: y.count)
        tape.pass(dy, to: x)
    }
}
