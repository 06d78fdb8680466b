import Kernels

extension Tape {
    /// The sum of two matrices of the same shape.
    public func sum(_ first: Value, _ second: Value) -> Value {
        precondition(
            first.count == second.count, "\(first.count) and \(second.count) numbers do not add")
        let y = result(rows: first.rows, columns: first.columns)
        y.data.update(from: first.data, count: y.count)
        add(second.data, into: y.data, count: y.count)
        record(SumOperation(first: first, second: second, y: y))
        return y
    }
}

private struct SumOperation: Operation {
    let first: Value
    let second: Value
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        if let (data, accumulates) = tape.contribution(to: first) {
            if accumulates {
                add(dy, into: data, count: y.count)
            } else {
                data.update(from: dy, count: y.count)
            }
        }
        tape.pass(dy, to: second)
    }
}
