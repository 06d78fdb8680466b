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
        let (mean, variance) = (arena.floats(columns), arena.floats(columns))
        let inverse = arena.floats(columns)
        let unbiased = Double(x.rows) / Double(x.rows - 1)
        for j in 0..<columns {
            mean[j] = Float(moments[j])
            variance[j] = Float(moments[columns + j] * unbiased)
            inverse[j] = Float(1 / (moments[columns + j] + Double(epsilon)).squareRoot())
        }
        observe(
            Numbers(startAddress: mean, count: columns),
            Numbers(startAddress: variance, count: columns))
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
        precondition(
            mean.count == x.columns && variance.count == x.columns,
            "\(mean.count) means for \(x.columns) columns")
        let (centre, inverse) = (arena.floats(x.columns), arena.floats(x.columns))
        centre.update(from: mean.startAddress, count: x.columns)
        for j in 0..<x.columns { inverse[j] = 1 / (variance[j] + epsilon).squareRoot() }
        return normalise(
            x, gain: gain, shift: shift, mean: centre, inverse: inverse, isOfBatch: false)
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
