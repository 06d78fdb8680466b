import Kernels

extension Tape {
    /// Chosen rows of a matrix, in the order of the indices.
    ///
    /// - Parameters:
    ///   - x: Shape `[rows, columns]`.
    ///   - indices: Row numbers, valid until the tape is reset.
    /// - Returns: Shape `[indices.count, columns]`.
    public func gatherRows(_ x: Value, indices: Numbers<Int32>) -> Value {
        let y = result(rows: indices.count, columns: x.columns, wantsGradient: x.wantsGradient)
        for r in 0..<indices.count {
            let index = Int(indices[r])
            precondition(index >= 0 && index < x.rows, "row \(index) of \(x.rows)")
            (y.data + r * x.columns).update(from: x.data + index * x.columns, count: x.columns)
        }
        if x.wantsGradient { record(GatherOperation(x: x, y: y, indices: indices)) }
        return y
    }

    /// The mean of each run of `length` rows.
    ///
    /// - Returns: Shape `[rows / length, columns]`.
    public func meanOfRows(_ x: Value, length: Int) -> Value {
        precondition(x.rows % length == 0, "\(x.rows) rows have no runs of \(length)")
        let y = result(rows: x.rows / length, columns: x.columns)
        y.data.update(repeating: 0, count: y.count)
        for run in 0..<y.rows {
            addColumnSums(
                x.data + run * length * x.columns, rows: length, columns: x.columns,
                into: y.data + run * x.columns)
        }
        scale(y.data, by: 1 / Float(length), into: y.data, count: y.count)
        record(MeanOfRowsOperation(x: x, y: y, length: length))
        return y
    }
}

private struct GatherOperation: Operation {
    let x: Value
    let y: Value
    let indices: Numbers<Int32>

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        if let dx = tape.addedContribution(to: x) {
            for r in 0..<y.rows {
                add(
                    dy + r * x.columns, into: dx + Int(indices[r]) * x.columns, count: x.columns)
            }
        }
        tape.release(dy, count: y.count)
    }
}

private struct MeanOfRowsOperation: Operation {
    let x: Value
    let y: Value
    let length: Int

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        if let dx = tape.addedContribution(to: x) {
            scale(dy, by: 1 / Float(length), into: dy, count: y.count)
            for r in 0..<x.rows {
                add(dy + r / length * x.columns, into: dx + r * x.columns, count: x.columns)
            }
        }
        tape.release(dy, count: y.count)
    }
}
