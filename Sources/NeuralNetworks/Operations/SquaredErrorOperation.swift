import Kernels

extension Tape {
    /// Mean squared error, over a given variance.
    ///
    /// - Parameters:
    ///   - predicted: What is compared.
    ///   - target: As many numbers.
    ///   - variance: What the error is divided by.
    /// - Returns: A 1 x 1 value, and the same in double.
    public func meanSquaredError(
        _ predicted: Value, target: Value, over variance: Double
    ) -> (value: Value, loss: Double) {
        precondition(
            target.count == predicted.count, "\(target.count) targets for \(predicted.count)")
        let y = result(rows: 1, columns: 1)
        let error = arena.floats(predicted.count)
        for i in 0..<predicted.count { error[i] = predicted.data[i] - target.data[i] }
        let divisor = Double(predicted.count) * variance
        let loss = sumOfSquares(error, count: predicted.count) / divisor
        y.data[0] = Float(loss)
        record(
            SquaredErrorOperation(
                predicted: predicted, error: error, slope: Float(2 / divisor), y: y))
        return (y, loss)
    }
}

private struct SquaredErrorOperation: Operation {
    let predicted: Value
    let error: MutableFloats
    let slope: Float
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        let buffer = tape.gradientBuffer(predicted.count)
        scale(error, by: dy[0] * slope, into: buffer, count: predicted.count)
        tape.pass(buffer, to: predicted)
        tape.release(dy, count: 1)
    }
}
