import Kernels

extension Tape {
    /// A weighted sum of 1 x 1 values.
    public func total(_ first: Value, _ second: Value, weight: Float) -> Value {
        let y = result(rows: 1, columns: 1)
        y.data[0] = first.data[0] + weight * second.data[0]
        record(WeightedTotalOperation(first: first, second: second, weight: weight, y: y))
        return y
    }
}

private struct WeightedTotalOperation: Operation {
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
