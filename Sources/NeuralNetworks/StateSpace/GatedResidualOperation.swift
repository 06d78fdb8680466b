import Kernels

extension Tape {
    /// A gated linear unit, its residual and the normalisation of both over channels: `norm(x + factor * a * logistic(g))`.
    ///
    /// - Parameters:
    ///   - z: What is gated, then its gates, shape `[2 * channels, samples * time]`; used up.
    ///   - x: The residual, shape `[channels, samples * time]`.
    ///   - gain: Shape `[channels]`.
    ///   - shift: Shape `[channels]`.
    ///   - epsilon: Added to the variance.
    ///   - samples: Independent signals, one after another.
    ///   - factors: What is gated of a sample's channel is multiplied by this, shape `[samples, channels]`; ones when
    ///     left out.
    /// - Returns: Shape of `x`.
    public func gatedResidual(
        _ z: consuming Value, residual x: Value, gain: Value, shift: Value, epsilon: Float,
        samples: Int, factors: Value? = nil
    ) -> Value {
        let channels = x.rows
        precondition(
            z.rows == 2 * channels && z.columns == x.columns && x.columns % samples == 0
                && gain.count == channels && shift.count == channels,
            "\(z.rows) x \(z.columns) numbers do not gate \(x.rows) x \(x.columns)")
        let y = result(rows: channels, columns: x.columns)
        let operation = GatedResidualOperation(
            z: z, x: x, gain: gain, shift: shift,
            factors: factors ?? ones(rows: samples, columns: channels), y: y,
            normalised: arena.floats(y.count), inverse: arena.floats(y.columns), epsilon: epsilon,
            samples: samples)
        arena.rewinding {
            operation.forward(scratch: arena.floats(operation.kernel.scratchCount))
        }
        record(operation)
        return y
    }
}

extension Tape {
    fileprivate func ones(rows: Int, columns: Int) -> Value {
        let value = input(rows: rows, columns: columns)
        value.data.update(repeating: 1, count: value.count)
        return value
    }
}

private struct GatedResidualOperation: Operation {
    let z: Value
    let x: Value
    let gain: Value
    let shift: Value
    let factors: Value
    let y: Value
    let normalised: UnsafeMutablePointer<Float>
    let inverse: UnsafeMutablePointer<Float>
    let epsilon: Float
    let samples: Int

    var kernel: GatedNormalisation {
        GatedNormalisation(channels: x.rows, stride: x.columns, epsilon: epsilon)
    }

    func forward(scratch: UnsafeMutablePointer<Float>) {
        let time = x.columns / samples
        for sample in 0..<samples {
            let start = sample * time
            kernel.forward(
                z.data + start, residual: x.data + start, factors: factors.data + sample * x.rows,
                gain: gain.data, shift: shift.data, count: time, into: y.data + start,
                normalised: normalised + start, inverse: inverse + start, scratch: scratch)
        }
    }

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        let (channels, time) = (x.rows, x.columns / samples)
        let (dGain, dShift) = (zeros(on: tape), zeros(on: tape))
        let scratch = tape.gradientBuffer(kernel.scratchCount)
        for sample in 0..<samples {
            let start = sample * time
            kernel.backward(
                dy + start, z: z.data + start, factors: factors.data + sample * channels,
                gain: gain.data, normalised: normalised + start, inverse: inverse + start,
                count: time, dGain: dGain, dShift: dShift, scratch: scratch)
        }
        for (sums, value) in [(dGain, gain), (dShift, shift)] {
            if let target = tape.addedContribution(to: value) {
                add(sums, into: target, count: channels)
                tape.finishUse(of: value)
            }
            tape.release(sums, count: channels)
        }
        // What it was is used up, so its memory is its gradient from here on.
        tape.pass(z.data, to: z)
        tape.release(scratch, count: kernel.scratchCount)
        tape.pass(dy, to: x)
    }

    private func zeros(on tape: Tape) -> UnsafeMutablePointer<Float> {
        let buffer = tape.gradientBuffer(x.rows)
        buffer.update(repeating: 0, count: x.rows)
        return buffer
    }
}
