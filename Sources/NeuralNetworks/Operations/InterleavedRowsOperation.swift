import Kernels

extension Tape {
    /// Rows of two matrices in turns.
    ///
    /// - Parameters:
    ///   - first: Shape `[rows, columns]`; its rows become the even ones.
    ///   - second: The same shape; its rows become the odd ones.
    /// - Returns: Shape `[2 * rows, columns]`.
    public func interleavedRows(_ first: Value, _ second: Value) -> Value {
        precondition(
            first.rows == second.rows && first.columns == second.columns,
            "\(first.rows) x \(first.columns) and \(second.rows) x \(second.columns)")
        let y = result(rows: 2 * first.rows, columns: first.columns)
        let columns = first.columns
        for row in 0..<first.rows {
            let target = y.data + 2 * row * columns
            target.update(from: first.data + row * columns, count: columns)
            (target + columns).update(from: second.data + row * columns, count: columns)
        }
        record(InterleavedRowsOperation(first: first, second: second, y: y))
        return y
    }
}

private struct InterleavedRowsOperation: Operation {
    let first: Value
    let second: Value
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        for (place, part) in [first, second].enumerated() {
            guard let target = tape.addedContribution(to: part) else { continue }
            for row in 0..<part.rows {
                add(
                    dy + (2 * row + place) * y.columns, into: target + row * y.columns,
                    count: y.columns)
            }
        }
        tape.release(dy, count: y.count)
    }
}
