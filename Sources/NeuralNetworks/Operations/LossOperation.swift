import Kernels

extension Tape {
    /// A value that a loss depends on, with the loss's gradient for it, as many numbers.
    public typealias Dependence = (value: Value, gradient: Value)

    /// A loss whose gradients were found together with it.
    ///
    /// - Parameters:
    ///   - loss: What is minimised.
    ///   - first: What it depends on.
    ///   - second: What else it depends on.
    /// - Returns: A 1 x 1 value.
    public func loss(_ loss: Double, _ first: Dependence, _ second: Dependence? = nil) -> Value {
        precondition(
            first.gradient.count == first.value.count
                && second?.gradient.count == second?.value.count, "a gradient of another size")
        let y = result(rows: 1, columns: 1)
        y.data[0] = Float(loss)
        record(
            LossOperation(
                first: first.value, firstGradient: first.gradient, second: second?.value,
                secondGradient: second?.gradient, y: y))
        return y
    }
}

private struct LossOperation: Operation {
    let first: Value
    let firstGradient: Value
    let second: Value?
    let secondGradient: Value?
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        pass(firstGradient, to: first, factor: dy[0], on: tape)
        if let second, let secondGradient {
            pass(secondGradient, to: second, factor: dy[0], on: tape)
        }
        tape.release(dy, count: 1)
    }

    private func pass(_ gradient: Value, to value: Value, factor: Float, on tape: Tape) {
        let buffer = tape.gradientBuffer(value.count)
        scale(gradient.data, by: factor, into: buffer, count: value.count)
        tape.pass(buffer, to: value)
    }
}
