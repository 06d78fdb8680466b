import Kernels

extension Tape {
    /// Mean squared error of predicted patches, standardised patch by patch where `normalises` is set (unbiased
    /// variance, 1e-6 added).
    ///
    /// - Parameters:
    ///   - predicted: Shape `[count, patchSamples]`.
    ///   - patches: All patches; `rows` says which of them were predicted.
    ///   - rows: `count` row numbers.
    ///   - normalises: Whether targets are standardised.
    /// - Returns: A 1 x 1 value, and the same in double.
    public func patchLoss(
        _ predicted: Value, patches: Value, rows: Numbers<Int32>, normalises: Bool
    ) -> (value: Value, loss: Double) {
        precondition(
            rows.count == predicted.rows && predicted.columns == patches.columns,
            "\(predicted.rows) x \(predicted.columns) is no prediction of \(rows.count) rows of \(patches.columns)"
        )
        let width = predicted.columns
        let error = input(rows: predicted.rows, columns: width)
        var total = 0.0
        for r in 0..<predicted.rows {
            let target = patches.row(Int(rows[r])).startAddress
            let (guess, difference) = (predicted.data + r * width, error.data + r * width)
            var (mean, scale) = (Float(0), Float(1))
            if normalises {
                mean = Kernels.sum(target, count: width) / Float(width)
                let squares = sumOfSquaredDeviations(target, from: mean, count: width)
                scale = 1 / (squares / Float(width - 1) + 1e-6).squareRoot()
            }
            for j in 0..<width { difference[j] = guess[j] - (target[j] - mean) * scale }
            total += sumOfSquares(difference, count: width)
        }
        let loss = total / Double(predicted.count)
        let factor = 2 / Float(predicted.count)
        return (self.loss(loss, (predicted, error), factor: factor), loss)
    }
}
