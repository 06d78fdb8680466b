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
        let error = input(rows: predicted.rows, columns: predicted.columns)
        for i in 0..<predicted.count { error.data[i] = predicted.data[i] - target.data[i] }
        let divisor = Double(predicted.count) * variance
        let loss = sumOfSquares(error.numbers) / divisor
        return (self.loss(loss, (predicted, error), factor: Float(2 / divisor)), loss)
    }
}
