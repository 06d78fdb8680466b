import Kernels

extension Tape {
    /// Each column with mean 0 and variance 1 over all rows, scaled and shifted.
    ///
    /// Source: Ioffe and Szegedy, "Batch normalization", 2015, algorithm 1.
    ///
    /// - Parameters:
    ///   - x: Shape `[rows, columns]`; at least two rows.
    ///   - gain: Shape `[columns]`.
    ///   - shift: Shape `[columns]`.
    ///   - epsilon: Added to the variance.
    ///   - observe: Gets the means and the unbiased variances, `columns` of each.
    /// - Returns: Shape `[rows, columns]`.
    public func batchNormalisation(
        _ x: Value, gain: Value, shift: Value, epsilon: Float,
        observe: (_ mean: Numbers<Float>, _ variance: Numbers<Float>) -> Void
    ) -> Value {
        precondition(x.rows > 1, "one row has no variance")
        let columns = x.columns
        let moments = arena.bytes(2 * columns * MemoryLayout<Double>.size)
            .assumingMemoryBound(to: Double.self)
        columnMoments(
            x.data, rows: x.rows, columns: columns, mean: moments, variance: moments + columns)
        let (mean, inverse) = normalisation(
            channels: columns, values: x.rows, epsilon: epsilon, observe: observe
        ) { (moments[$0], moments[columns + $0]) }
        return normalise(
            x, gain: gain, shift: shift, mean: mean, inverse: inverse, isOfBatch: true)
    }

    /// The same with a mean and a variance that are given, and so take no part in the gradient.
    ///
    /// - Parameters:
    ///   - x: Shape `[rows, columns]`.
    ///   - gain: Shape `[columns]`.
    ///   - shift: Shape `[columns]`.
    ///   - epsilon: Added to the variance.
    ///   - mean: Shape `[columns]`.
    ///   - variance: Shape `[columns]`.
    /// - Returns: Shape `[rows, columns]`.
    public func batchNormalisation(
        _ x: Value, gain: Value, shift: Value, epsilon: Float, mean: Numbers<Float>,
        variance: Numbers<Float>
    ) -> Value {
        let (centre, inverse) = normalisation(
            channels: x.columns, epsilon: epsilon, mean: mean, variance: variance)
        return normalise(
            x, gain: gain, shift: shift, mean: centre, inverse: inverse, isOfBatch: false)
    }

    /// Means and one over the deviations, of channels that have moments of their own.
    ///
    /// - Parameters:
    ///   - channels: How many.
    ///   - values: Numbers of a channel; at least 2.
    ///   - epsilon: Added to the variance.
    ///   - observe: Gets the means and the unbiased variances, one a channel.
    ///   - moments: The mean and the biased variance of a channel.
    /// - Returns: One a channel of each.
    func normalisation(
        channels: Int, values: Int, epsilon: Float,
        observe: (_ mean: Numbers<Float>, _ variance: Numbers<Float>) -> Void,
        moments: (_ channel: Int) -> (mean: Double, variance: Double)
    ) -> (mean: UnsafePointer<Float>, inverse: UnsafePointer<Float>) {
        let (mean, variance) = (arena.floats(channels), arena.floats(channels))
        let inverse = arena.floats(channels)
        let unbiased = Double(values) / Double(values - 1)
        for channel in 0..<channels {
            let found = moments(channel)
            mean[channel] = Float(found.mean)
            variance[channel] = Float(found.variance * unbiased)
            inverse[channel] = Float(1 / (found.variance + Double(epsilon)).squareRoot())
        }
        observe(
            Numbers(startAddress: mean, count: channels),
            Numbers(startAddress: variance, count: channels))
        return (UnsafePointer(mean), UnsafePointer(inverse))
    }

    /// The same of means and variances that are given, which may change before the backward pass.
    func normalisation(
        channels: Int, epsilon: Float, mean: Numbers<Float>, variance: Numbers<Float>
    ) -> (mean: UnsafePointer<Float>, inverse: UnsafePointer<Float>) {
        precondition(
            mean.count == channels && variance.count == channels,
            "\(mean.count) means for \(channels) channels")
        let (centre, inverse) = (arena.floats(channels), arena.floats(channels))
        centre.update(from: mean.startAddress, count: channels)
        for channel in 0..<channels {
            inverse[channel] = 1 / (variance[channel] + epsilon).squareRoot()
        }
        return (UnsafePointer(centre), UnsafePointer(inverse))
    }

    private func normalise(
        _ x: Value, gain: Value, shift: Value, mean: UnsafePointer<Float>,
        inverse: UnsafePointer<Float>, isOfBatch: Bool
    ) -> Value {
        precondition(
            gain.count == x.columns && shift.count == x.columns,
            "\(gain.count) gains for \(x.columns) columns")
        let y = result(rows: x.rows, columns: x.columns)
        normaliseColumns(
            x.data, mean: mean, inverse: inverse, gain: gain.data, shift: shift.data,
            rows: x.rows, columns: x.columns, into: y.data)
        record(
            BatchNormalisationOperation(
                x: x, gain: gain, shift: shift, y: y, mean: mean, inverse: inverse,
                isOfBatch: isOfBatch))
        return y
    }
}

private struct BatchNormalisationOperation: Operation {
    let x: Value
    let gain: Value
    let shift: Value
    let y: Value
    let mean: UnsafePointer<Float>
    let inverse: UnsafePointer<Float>
    /// Whether mean and deviation were those of `x`.
    let isOfBatch: Bool

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        let columns = x.columns
        let sums = zeros(on: tape)
        let products = zeros(on: tape)
        addNormalisedColumnSums(
            dy, x: x.data, mean: mean, inverse: inverse, rows: x.rows, columns: columns,
            sums: sums, products: products)
        if let dShift = tape.addedContribution(to: shift) {
            add(sums, into: dShift, count: columns)
            tape.finishUse(of: shift)
        }
        if let dGain = tape.addedContribution(to: gain) {
            add(products, into: dGain, count: columns)
            tape.finishUse(of: gain)
        }
        if let dx = tape.addedContribution(to: x) {
            let factor = isOfBatch ? 1 / Float(x.rows) : 0
            scale(sums, by: factor, into: sums, count: columns)
            scale(products, by: factor, into: products, count: columns)
            addNormaliseColumnsBackward(
                dy, x: x.data, mean: mean, inverse: inverse, gain: gain.data, a: sums,
                b: products, rows: x.rows, columns: columns, into: dx)
        }
        tape.release(sums, count: columns)
        tape.release(products, count: columns)
        tape.release(dy, count: y.count)
    }

    private func zeros(on tape: Tape) -> UnsafeMutablePointer<Float> {
        let buffer = tape.gradientBuffer(x.columns)
        buffer.update(repeating: 0, count: x.columns)
        return buffer
    }
}
