import Kernels
import LinearAlgebra

extension Tape {
    /// An affine map of the channels at each time, `y = W x + b`, for values whose rows are channels.
    ///
    /// - Parameters:
    ///   - x: Shape `[in, samples * time]`.
    ///   - weight: `out * in` numbers, row after row.
    ///   - bias: `out` numbers; none when left out.
    /// - Returns: Shape `[out, samples * time]`.
    public func channelProduct(_ x: Value, weight: Value, bias: Value? = nil) -> Value {
        precondition(
            weight.count % x.rows == 0 && (bias == nil || bias?.count == weight.count / x.rows),
            "\(weight.count) weights do not fit \(x.rows) channels")
        let y = result(rows: weight.count / x.rows, columns: x.columns)
        if let bias {
            for row in 0..<y.rows {
                (y.data + row * y.columns).update(repeating: bias.data[row], count: y.columns)
            }
        }
        MatrixProduct.multiply(
            .init(weight.data, stride: x.rows), .init(x.data, stride: x.columns),
            m: y.rows, n: y.columns, k: x.rows, beta: bias == nil ? 0 : 1, into: y.data)
        record(ChannelProductOperation(x: x, weight: weight, bias: bias, y: y))
        return y
    }
}

private struct ChannelProductOperation: Operation {
    let x: Value
    let weight: Value
    let bias: Value?
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        if let (dWeight, accumulates) = tape.contribution(to: weight) {
            MatrixProduct.multiply(
                .init(dy, stride: y.columns), .init(x.data, stride: x.columns, .transposed),
                m: y.rows, n: x.rows, k: y.columns, beta: accumulates ? 1 : 0, into: dWeight)
            tape.finishUse(of: weight)
        }
        if let bias, let dBias = tape.addedContribution(to: bias) {
            for row in 0..<y.rows { dBias[row] += sum(dy + row * y.columns, count: y.columns) }
            tape.finishUse(of: bias)
        }
        if let (dx, accumulates) = tape.contribution(to: x) {
            MatrixProduct.multiply(
                .init(weight.data, stride: x.rows, .transposed), .init(dy, stride: y.columns),
                m: x.rows, n: x.columns, k: y.rows, beta: accumulates ? 1 : 0, into: dx)
        }
        tape.release(dy, count: y.count)
    }
}
