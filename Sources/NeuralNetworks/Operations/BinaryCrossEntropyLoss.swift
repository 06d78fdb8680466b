import Kernels

extension Tape {
    /// Mean binary cross entropy of logits, each a question of its own.
    ///
    /// - Parameters:
    ///   - logits: Any shape.
    ///   - target: As many numbers from 0 to 1.
    /// - Returns: A 1 x 1 value, and the same in double.
    public func binaryCrossEntropy(
        logits: Value, target: Numbers<Float>
    ) -> (value: Value, loss: Double) {
        precondition(target.count == logits.count, "\(target.count) targets for \(logits.count)")
        let slopes = input(rows: logits.rows, columns: logits.columns)
        var total = 0.0
        for i in 0..<logits.count {
            let (x, t) = (Double(logits.data[i]), Double(target[i]))
            let decay = ElementaryFunctions.exponential(-x.magnitude)
            total += (x > 0 ? x : 0) - x * t + ElementaryFunctions.logarithm(1 + decay)
            slopes.data[i] = Float((x < 0 ? decay : 1) / (1 + decay) - t)
        }
        let loss = total / Double(logits.count)
        let factor = 1 / Float(logits.count)
        return (self.loss(loss, (logits, slopes), factor: factor), loss)
    }
}
