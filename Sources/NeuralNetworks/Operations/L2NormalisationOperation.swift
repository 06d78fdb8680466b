import Kernels

extension Tape {
    /// L2 normalisation: each row divided by its Euclidean length, or by 1e-12 where that is larger.
    ///
    /// - Parameter x: Shape `[rows, columns]`.
    /// - Returns: Shape `[rows, columns]`.
    public func l2Normalised(_ x: Value) -> Value {
        let y = result(rows: x.rows, columns: x.columns)
        let inverses = arena.floats(x.rows)
        for r in 0..<x.rows {
            let row = x.data + r * x.columns
            let length = sumOfSquares(row, count: x.columns).squareRoot()
            inverses[r] = Float(1 / max(length, 1e-12))
            scale(row, by: inverses[r], into: y.data + r * x.columns, count: x.columns)
        }
        record(L2NormalisationOperation(x: x, y: y, inverses: inverses))
        return y
    }
}

private struct L2NormalisationOperation: Operation {
    let x: Value
    let y: Value
    let inverses: UnsafeMutablePointer<Float>

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        for r in 0..<y.rows {
            let (gradient, row) = (dy + r * y.columns, y.data + r * y.columns)
            let along = dot(gradient, row, count: y.columns)
            for j in 0..<y.columns { gradient[j] = (gradient[j] - along * row[j]) * inverses[r] }
        }
        tape.pass(dy, to: x)
    }
}
