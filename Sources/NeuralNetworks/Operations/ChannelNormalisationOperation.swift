import Kernels

extension Tape {
    /// Each channel with mean 0 and variance 1 over all samples and times, scaled, shifted and rectified, for values whose
    /// rows are channels.
    ///
    /// - Parameters:
    ///   - x: Shape `[channels, samples * time]`; at least two columns.
    ///   - gain: Shape `[channels]`.
    ///   - shift: Shape `[channels]`.
    ///   - epsilon: Added to the variance.
    ///   - observe: Gets the means and the unbiased variances, one a channel.
    /// - Returns: Shape of `x`.
    public func rectifiedChannelNormalisation(
        _ x: Value, gain: Value, shift: Value, epsilon: Float,
        observe: (_ mean: Numbers<Float>, _ variance: Numbers<Float>) -> Void
    ) -> Value {
        precondition(x.columns > 1, "one time has no variance")
        let (mean, inverse) = normalisation(
            channels: x.rows, values: x.columns, epsilon: epsilon, observe: observe
        ) { rowMoments(x.data + $0 * x.columns, count: x.columns) }
        return rectify(x, gain: gain, shift: shift, mean: mean, inverse: inverse, isOfRow: true)
    }

    /// The same with means and variances that are given, and so take no part in the gradient.
    public func rectifiedChannelNormalisation(
        _ x: Value, gain: Value, shift: Value, epsilon: Float, mean: Numbers<Float>,
        variance: Numbers<Float>
    ) -> Value {
        let (centre, inverse) = normalisation(
            channels: x.rows, epsilon: epsilon, mean: mean, variance: variance)
        return rectify(x, gain: gain, shift: shift, mean: centre, inverse: inverse, isOfRow: false)
    }

    private func rectify(
        _ x: Value, gain: Value, shift: Value, mean: UnsafePointer<Float>,
        inverse: UnsafePointer<Float>, isOfRow: Bool
    ) -> Value {
        precondition(
            gain.count == x.rows && shift.count == x.rows,
            "\(gain.count) gains for \(x.rows) channels")
        let y = result(rows: x.rows, columns: x.columns)
        for row in 0..<x.rows {
            rectifiedNormalisation(
                x.data + row * x.columns, mean: mean[row], inverse: inverse[row],
                gain: gain.data[row], shift: shift.data[row], count: x.columns,
                into: y.data + row * x.columns)
        }
        record(
            ChannelNormalisationOperation(
                x: x, gain: gain, shift: shift, y: y, mean: mean, inverse: inverse,
                isOfRow: isOfRow))
        return y
    }
}

private struct ChannelNormalisationOperation: Operation {
    let x: Value
    let gain: Value
    let shift: Value
    let y: Value
    let mean: UnsafePointer<Float>
    let inverse: UnsafePointer<Float>
    /// Whether means and deviations were those of `x`.
    let isOfRow: Bool

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        let (dGain, dShift) = (
            tape.addedContribution(to: gain), tape.addedContribution(to: shift)
        )
        for row in 0..<x.rows {
            let start = row * x.columns
            let sums = rectifiedNormalisationBackward(
                dy + start, result: y.data + start, x: x.data + start, mean: mean[row],
                inverse: inverse[row], gain: gain.data[row], isOfRow: isOfRow, count: x.columns)
            dGain?[row] += sums.gain
            dShift?[row] += sums.shift
        }
        tape.finishUse(of: gain)
        tape.finishUse(of: shift)
        tape.pass(dy, to: x)
    }
}
