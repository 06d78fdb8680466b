import Kernels

extension Tape {
    /// The larger of each number and 0 (ReLU).
    ///
    /// - Parameter x: Any shape.
    /// - Returns: The same shape.
    public func rectifier(_ x: Value) -> Value {
        let y = result(rows: x.rows, columns: x.columns)
        rectify(x.data, count: x.count, into: y.data)
        record(RectifierOperation(x: x, y: y))
        return y
    }
}

private struct RectifierOperation: Operation {
    let x: Value
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        rectifyBackward(dy, result: y.data, count: y.count)
        tape.pass(dy, to: x)
    }
}
