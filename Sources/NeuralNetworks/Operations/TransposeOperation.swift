extension Tape {
    /// Rows as columns: tokens with their channels become channels with their times, or the other way round.
    ///
    /// - Parameter x: Shape `[rows, columns]`.
    /// - Returns: Shape `[columns, rows]`.
    public func transposed(_ x: Value) -> Value {
        let y = result(rows: x.columns, columns: x.rows, wantsGradient: x.wantsGradient)
        for row in 0..<x.rows {
            for column in 0..<x.columns {
                y.data[column * x.rows + row] = x.data[row * x.columns + column]
            }
        }
        if x.wantsGradient { record(TransposeOperation(x: x, y: y)) }
        return y
    }
}

private struct TransposeOperation: Operation {
    let x: Value
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        if let dx = tape.addedContribution(to: x) {
            for row in 0..<x.rows {
                for column in 0..<x.columns {
                    dx[row * x.columns + column] += dy[column * x.rows + row]
                }
            }
        }
        tape.release(dy, count: y.count)
    }
}
