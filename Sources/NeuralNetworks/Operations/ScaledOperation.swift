import Kernels

/// The backward pass of an operation on each number alone: the gradient times a factor that the forward pass has found.
struct ScaledOperation: Operation {
    let x: Value
    /// One a number.
    let factors: MutableFloats
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        for i in 0..<y.count { dy[i] *= factors[i] }
        tape.pass(dy, to: x)
    }
}
