import Kernels
import LinearAlgebra

extension Tape {
    /// An affine map of each row, `y = x W' + b`, with a residual added where one is given.
    ///
    /// - Parameters:
    ///   - x: Shape `[rows, in]`.
    ///   - weight: Shape `[out, in]`.
    ///   - bias: Shape `[out]`; none when left out.
    ///   - residual: Shape `[rows, out]`, added to the result; none when left out.
    /// - Returns: Shape `[rows, out]`.
    public func linear(
        _ x: Value, weight: Value, bias: Value? = nil, residual: Value? = nil
    ) -> Value {
        precondition(
            weight.columns == x.columns,
            "a weight of \(weight.rows) x \(weight.columns) does not fit rows of \(x.columns)")
        let y = result(rows: x.rows, columns: weight.rows)
        switch (residual, bias) {
        case (let residual?, let bias?):
            addRow(bias.data, to: residual.data, into: y.data, rows: y.rows, columns: y.columns)
        case (let residual?, nil): y.data.update(from: residual.data, count: y.count)
        case (nil, let bias?):
            fillRows(y.data, with: bias.data, rows: y.rows, columns: y.columns)
        case (nil, nil): break
        }
        MatrixProduct.multiply(
            .init(x.data, stride: x.columns), .init(weight.data, stride: x.columns, .transposed),
            m: x.rows, n: y.columns, k: x.columns, beta: bias == nil && residual == nil ? 0 : 1,
            into: y.data)
        record(LinearOperation(x: x, weight: weight, bias: bias, residual: residual, y: y))
        return y
    }
}

private struct LinearOperation: Operation {
    let x: Value
    let weight: Value
    let bias: Value?
    let residual: Value?
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        let (rows, inputs, outputs) = (x.rows, x.columns, y.columns)
        if let (dw, accumulates) = tape.contribution(to: weight) {
            MatrixProduct.multiply(
                .init(dy, stride: outputs, .transposed), .init(x.data, stride: inputs),
                m: outputs, n: inputs, k: rows, beta: accumulates ? 1 : 0, into: dw)
            tape.finishUse(of: weight)
        }
        if let bias, let db = tape.addedContribution(to: bias) {
            addColumnSums(dy, rows: rows, columns: outputs, into: db)
            tape.finishUse(of: bias)
        }
        if let (dx, accumulates) = tape.contribution(to: x) {
            MatrixProduct.multiply(
                .init(dy, stride: outputs), .init(weight.data, stride: inputs),
                m: rows, n: inputs, k: outputs, beta: accumulates ? 1 : 0, into: dx)
        }
        if let residual {
            tape.pass(dy, to: residual)
        } else {
            tape.release(dy, count: y.count)
        }
    }
}
