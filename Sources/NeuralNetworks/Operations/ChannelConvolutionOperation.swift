import Kernels
import LinearAlgebra

extension Tape {
    /// A convolution over time of signals whose channels are rows.
    ///
    /// - Parameters:
    ///   - x: Shape `[samples * inputs, time]`.
    ///   - inputs: Channels of a sample.
    ///   - weight: Shape `[outputs, inputs, kernel]`.
    ///   - bias: `outputs` numbers; none when left out.
    ///   - shape: Kernel, stride and padding.
    /// - Returns: Shape `[outputs, samples * outputTime]`.
    public func channelConvolution(
        _ x: Value, inputs: Int, weight: Value, bias: Value? = nil, shape: ConvolutionShape
    ) -> Value {
        let stretch = inputs * shape.kernel
        let steps = shape.outputTime(x.columns)
        precondition(
            x.rows % inputs == 0 && weight.count % stretch == 0 && steps > 0
                && (bias == nil || bias?.count == weight.count / stretch),
            "\(weight.count) weights and \(x.columns) times do not fit \(inputs) channels")
        let samples = x.rows / inputs
        let y = result(rows: weight.count / stretch, columns: samples * steps)
        let operation = ChannelConvolutionOperation(
            x: x, weight: weight, bias: bias, y: y, inputs: inputs, steps: steps, shape: shape,
            stretches: arena.floats(stretch * y.columns))
        operation.gather()
        if let bias {
            for row in 0..<y.rows {
                (y.data + row * y.columns).update(repeating: bias.data[row], count: y.columns)
            }
        }
        MatrixProduct.multiply(
            .init(weight.data, stride: stretch), .init(operation.stretches, stride: y.columns),
            m: y.rows, n: y.columns, k: stretch, beta: bias == nil ? 0 : 1, into: y.data)
        record(operation)
        return y
    }
}

private struct ChannelConvolutionOperation: Operation {
    let x: Value
    let weight: Value
    let bias: Value?
    let y: Value
    let inputs: Int
    let steps: Int
    let shape: ConvolutionShape
    /// What the kernel covers at each place, shape `[inputs * kernel, samples * steps]`.
    let stretches: UnsafeMutablePointer<Float>

    /// Calls a closure for each row of a sample with where it begins in the stretches and in `x`, and the steps whose
    /// place lies within the signal.
    private func forEachRow(
        _ body: (_ inStretches: Int, _ inX: Int, _ tap: Int, _ inside: Range<Int>) -> Void
    ) {
        for sample in 0..<x.rows / inputs {
            for channel in 0..<inputs {
                for tap in 0..<shape.kernel {
                    let offset = tap - shape.padding
                    // The first and the last step whose place, step * stride + offset, is a time of the signal.
                    let first = offset >= 0 ? 0 : (-offset + shape.stride - 1) / shape.stride
                    let last = (x.columns - 1 - offset) / shape.stride
                    body(
                        (channel * shape.kernel + tap) * y.columns + sample * steps,
                        (sample * inputs + channel) * x.columns, offset,
                        first..<max(first, min(steps, last + 1)))
                }
            }
        }
    }

    func gather() {
        stretches.update(repeating: 0, count: inputs * shape.kernel * y.columns)
        forEachRow { place, source, offset, inside in
            for step in inside {
                stretches[place + step] = x.data[source + step * shape.stride + offset]
            }
        }
    }

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        let stretch = inputs * shape.kernel
        if let (dWeight, accumulates) = tape.contribution(to: weight) {
            MatrixProduct.multiply(
                .init(dy, stride: y.columns), .init(stretches, stride: y.columns, .transposed),
                m: y.rows, n: stretch, k: y.columns, beta: accumulates ? 1 : 0, into: dWeight)
            tape.finishUse(of: weight)
        }
        if let bias, let dBias = tape.addedContribution(to: bias) {
            for row in 0..<y.rows { dBias[row] += sum(dy + row * y.columns, count: y.columns) }
            tape.finishUse(of: bias)
        }
        if let dx = tape.addedContribution(to: x) {
            let gradients = tape.gradientBuffer(stretch * y.columns)
            MatrixProduct.multiply(
                .init(weight.data, stride: stretch, .transposed), .init(dy, stride: y.columns),
                m: stretch, n: y.columns, k: y.rows, into: gradients)
            forEachRow { place, source, offset, inside in
                for step in inside {
                    dx[source + step * shape.stride + offset] += gradients[place + step]
                }
            }
            tape.release(gradients, count: stretch * y.columns)
        }
        tape.release(dy, count: y.count)
    }
}
