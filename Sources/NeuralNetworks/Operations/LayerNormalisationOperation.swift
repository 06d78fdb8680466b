import Kernels

extension Tape {
    /// Each row with mean 0 and variance 1, scaled and shifted.
    ///
    /// - Parameters:
    ///   - x: Shape `[rows, columns]`.
    ///   - gain: Shape `[columns]`.
    ///   - shift: Shape `[columns]`.
    ///   - epsilon: Added to the variance.
    /// - Returns: Shape `[rows, columns]`.
    public func layerNormalisation(
        _ x: Value, gain: Value, shift: Value, epsilon: Float
    ) -> Value {
        precondition(
            gain.count == x.columns && shift.count == x.columns,
            "\(gain.count) gains for rows of \(x.columns)")
        let y = result(rows: x.rows, columns: x.columns)
        let statistics = arena.floats(2 * x.rows)
        Kernels.layerNormalisation(
            x.data, gain: gain.data, shift: shift.data, epsilon: epsilon, rows: x.rows,
            columns: x.columns, into: y.data, statistics: statistics)
        record(
            LayerNormalisationOperation(
                x: x, gain: gain, shift: shift, statistics: statistics, y: y))
        return y
    }

    /// Each row with mean 0 and variance 1, and nothing more.
    ///
    /// - Parameters:
    ///   - x: Shape `[rows, columns]`.
    ///   - epsilon: Added to the variance.
    /// - Returns: Shape `[rows, columns]`.
    public func layerNormalisation(_ x: Value, epsilon: Float) -> Value {
        let (ones, zeros) = (input(rows: 1, columns: x.columns), input(rows: 1, columns: x.columns))
        ones.data.update(repeating: 1, count: ones.count)
        zeros.data.update(repeating: 0, count: zeros.count)
        return layerNormalisation(x, gain: ones, shift: zeros, epsilon: epsilon)
    }
}

private struct LayerNormalisationOperation: Operation {
    let x: Value
    let gain: Value
    let shift: Value
    let statistics: UnsafeMutablePointer<Float>
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        let dGain = tape.addedContribution(to: gain)
        let dShift = tape.addedContribution(to: shift)
        let unwanted = dGain == nil || dShift == nil ? scratch(on: tape) : nil
        let inner = tape.contribution(to: x)
        let discarded = inner == nil ? tape.gradientBuffer(x.count) : nil
        if let gainTarget = dGain ?? unwanted, let shiftTarget = dShift ?? unwanted,
            let dx = inner?.data ?? discarded
        {
            layerNormalisationBackward(
                dy, x: x.data, gain: gain.data, statistics: statistics, rows: x.rows,
                columns: x.columns, into: dx, accumulates: inner?.accumulates ?? false,
                dGain: gainTarget, dShift: shiftTarget)
        }
        tape.finishUse(of: gain)
        tape.finishUse(of: shift)
        if let unwanted { tape.release(unwanted, count: x.columns) }
        if let discarded { tape.release(discarded, count: x.count) }
        tape.release(dy, count: y.count)
    }

    /// A place for gradients of frozen gains, which the kernel computes on its way.
    private func scratch(on tape: Tape) -> UnsafeMutablePointer<Float> {
        let buffer = tape.gradientBuffer(x.columns)
        buffer.update(repeating: 0, count: x.columns)
        return buffer
    }
}
