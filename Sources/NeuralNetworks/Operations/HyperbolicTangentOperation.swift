import Kernels

extension Tape {
    /// The hyperbolic tangent of each number.
    public func hyperbolicTangent(_ x: Value) -> Value {
        let y = result(rows: x.rows, columns: x.columns)
        hyperbolicTangents(x.data, into: y.data, count: x.count)
        record(HyperbolicTangentOperation(x: x, y: y))
        return y
    }
}

private struct HyperbolicTangentOperation: Operation {
    let x: Value
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        for i in 0..<y.count { dy[i] *= 1 - y.data[i] * y.data[i] }
        tape.pass(dy, to: x)
    }
}
