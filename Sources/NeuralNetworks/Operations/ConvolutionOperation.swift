import Kernels
import LinearAlgebra

/// How a convolution's kernel moves over time.
public struct ConvolutionShape: Sendable, Equatable, BitwiseCopyable {
    /// Time steps that the kernel covers.
    public let kernel: Int
    /// Time steps from one place to the next.
    public let stride: Int
    /// Zeros before the first and after the last time step.
    public let padding: Int

    /// A way to move.
    ///
    /// - Parameters:
    ///   - kernel: Time steps that the kernel covers.
    ///   - stride: Time steps from one place to the next.
    ///   - padding: Zeros before the first and after the last time step.
    public init(kernel: Int, stride: Int = 1, padding: Int = 0) {
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
    }

    /// Time steps of the result; 0 where the kernel does not fit.
    public func outputTime(_ time: Int) -> Int {
        let room = time + 2 * padding - kernel
        return room < 0 ? 0 : room / stride + 1
    }
}

extension Tape {
    /// A convolution over time: at each place the kernel's stretch of `x` times the weights.
    ///
    /// - Parameters:
    ///   - x: Shape `[samples * time, inputs]`: channels last.
    ///   - time: Time steps of a sample.
    ///   - weight: Shape `[outputs, inputs, kernel]`.
    ///   - bias: Shape `[outputs]`; none when left out.
    ///   - shape: Kernel, stride and padding.
    /// - Returns: Shape `[samples * outputTime, outputs]`.
    public func convolution(
        _ x: Value, time: Int, weight: Value, bias: Value? = nil, shape: ConvolutionShape
    ) -> Value {
        let inputs = x.columns
        precondition(
            weight.columns == shape.kernel && weight.rows % inputs == 0 && x.rows % time == 0,
            "\(weight.rows) x \(weight.columns) weights do not fit \(inputs) channels")
        let samples = x.rows / time
        let steps = shape.outputTime(time)
        precondition(steps > 0, "\(time) time steps are too few for a kernel of \(shape.kernel)")
        let outputs = weight.rows / inputs
        let y = result(rows: samples * steps, columns: outputs)
        let operation = ConvolutionOperation(
            x: x, weight: weight, bias: bias, y: y, time: time, steps: steps, shape: shape,
            stretches: arena.floats(y.rows * shape.kernel * inputs),
            kernels: arena.floats(weight.count))
        operation.forward()
        record(operation)
        return y
    }
}

private struct ConvolutionOperation: Operation {
    let x: Value
    let weight: Value
    let bias: Value?
    let y: Value
    let time: Int
    let steps: Int
    let shape: ConvolutionShape
    /// What the kernel covers at each place, shape `[samples * steps, kernel * inputs]`.
    let stretches: UnsafeMutablePointer<Float>
    /// The weights in the order of a stretch, shape `[outputs, kernel * inputs]`.
    let kernels: UnsafeMutablePointer<Float>

    private var stretch: Int { shape.kernel * x.columns }

    /// Calls a closure for each place with the numbers that overlap: where they begin in the stretches and in `x`, and
    /// how many there are.
    private func forEachPlace(_ body: (_ inStretches: Int, _ inX: Int, _ count: Int) -> Void) {
        let inputs = x.columns
        for sample in 0..<(x.rows / time) {
            for step in 0..<steps {
                let first = step * shape.stride - shape.padding
                let start = max(first, 0)
                let end = min(first + shape.kernel, time)
                guard start < end else { continue }
                body(
                    (sample * steps + step) * stretch + (start - first) * inputs,
                    (sample * time + start) * inputs, (end - start) * inputs)
            }
        }
    }

    func forward() {
        if shape.padding > 0 { stretches.update(repeating: 0, count: y.rows * stretch) }
        forEachPlace { place, source, count in
            (stretches + place).update(from: x.data + source, count: count)
        }
        let inputs = x.columns
        for output in 0..<y.columns {
            let (from, to) = (weight.data + output * stretch, kernels + output * stretch)
            for channel in 0..<inputs {
                for tap in 0..<shape.kernel {
                    to[tap * inputs + channel] = from[channel * shape.kernel + tap]
                }
            }
        }
        if let bias { fillRows(y.data, with: bias.data, rows: y.rows, columns: y.columns) }
        MatrixProduct.multiply(
            .init(stretches, stride: stretch), .init(kernels, stride: stretch, .transposed),
            m: y.rows, n: y.columns, k: stretch, beta: bias == nil ? 0 : 1, into: y.data)
    }

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        if let dWeight = tape.addedContribution(to: weight) {
            addWeightGradient(dy, to: dWeight, on: tape)
            tape.finishUse(of: weight)
        }
        if let bias, let dBias = tape.addedContribution(to: bias) {
            addColumnSums(dy, rows: y.rows, columns: y.columns, into: dBias)
            tape.finishUse(of: bias)
        }
        if let dx = tape.addedContribution(to: x) {
            let dStretches = tape.gradientBuffer(y.rows * stretch)
            MatrixProduct.multiply(
                .init(dy, stride: y.columns), .init(kernels, stride: stretch),
                m: y.rows, n: stretch, k: y.columns, into: dStretches)
            forEachPlace { place, source, count in
                add(dStretches + place, into: dx + source, count: count)
            }
            tape.release(dStretches, count: y.rows * stretch)
        }
        tape.release(dy, count: y.count)
    }

    private func addWeightGradient(
        _ dy: UnsafeMutablePointer<Float>, to dWeight: UnsafeMutablePointer<Float>, on tape: Tape
    ) {
        let inputs = x.columns
        let dKernels = tape.gradientBuffer(weight.count)
        MatrixProduct.multiply(
            .init(dy, stride: y.columns, .transposed), .init(stretches, stride: stretch),
            m: y.columns, n: stretch, k: y.rows, into: dKernels)
        for output in 0..<y.columns {
            let (from, to) = (dKernels + output * stretch, dWeight + output * stretch)
            for channel in 0..<inputs {
                for tap in 0..<shape.kernel {
                    to[channel * shape.kernel + tap] += from[tap * inputs + channel]
                }
            }
        }
        tape.release(dKernels, count: weight.count)
    }
}
