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
    ///   - factor: What the gradients are multiplied by, such as one over the number of those that a mean is of.
    /// - Returns: A 1 x 1 value.
    public func loss(
        _ loss: Double, _ first: Dependence, _ second: Dependence? = nil, factor: Float = 1
    ) -> Value {
        precondition(
            first.gradient.count == first.value.count
                && second?.gradient.count == second?.value.count, "a gradient of another size")
        let y = result(rows: 1, columns: 1)
        y.data[0] = Float(loss)
        record(LossOperation(first: first, second: second, factor: factor, y: y))
        return y
    }
}

private struct LossOperation: Operation {
    let first: Tape.Dependence
    let second: Tape.Dependence?
    let factor: Float
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        pass(first, factor: dy[0] * factor, on: tape)
        if let second { pass(second, factor: dy[0] * factor, on: tape) }
        tape.release(dy, count: 1)
    }

    private func pass(_ part: Tape.Dependence, factor: Float, on tape: Tape) {
        let buffer = tape.gradientBuffer(part.value.count)
        scale(part.gradient.data, by: factor, into: buffer, count: part.value.count)
        tape.pass(buffer, to: part.value)
    }
}
