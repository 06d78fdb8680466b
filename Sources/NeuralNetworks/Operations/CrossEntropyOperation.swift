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
        let y = result(rows: 1, columns: 1)
        let slopes = arena.floats(logits.count)
        var total = 0.0
        for i in 0..<logits.count {
            let (x, t) = (Double(logits.data[i]), Double(target[i]))
            let decay = ElementaryFunctions.exponential(-x.magnitude)
            total += (x > 0 ? x : 0) - x * t + ElementaryFunctions.logarithm(1 + decay)
            slopes[i] = Float((x < 0 ? decay : 1) / (1 + decay) - t)
        }
        let loss = total / Double(logits.count)
        y.data[0] = Float(loss)
        record(
            MeanLossOperation(input: logits, slopes: slopes, factor: 1 / Float(logits.count), y: y))
        return (y, loss)
    }

    /// Mean cross entropy of a softmax over each row.
    ///
    /// - Parameters:
    ///   - logits: Shape `[rows, classes]`.
    ///   - classes: The true class of each row.
    /// - Returns: A 1 x 1 value, and the same in double.
    public func crossEntropy(
        logits: Value, classes: Numbers<Int32>
    ) -> (value: Value, loss: Double) {
        precondition(
            classes.count == logits.rows, "\(classes.count) classes for \(logits.rows) rows")
        let y = result(rows: 1, columns: 1)
        let slopes = arena.floats(logits.count)
        let width = logits.columns
        var total = 0.0
        for row in 0..<logits.rows {
            let (x, slope) = (logits.data + row * width, slopes + row * width)
            let truth = Int(classes[row])
            precondition(truth >= 0 && truth < width, "class \(truth) of \(width)")
            let largest = Double(maximum(x, count: width))
            var sum = 0.0
            for j in 0..<width { sum += ElementaryFunctions.exponential(Double(x[j]) - largest) }
            for j in 0..<width {
                slope[j] = Float(ElementaryFunctions.exponential(Double(x[j]) - largest) / sum)
            }
            slope[truth] -= 1
            total += ElementaryFunctions.logarithm(sum) + largest - Double(x[truth])
        }
        let loss = total / Double(logits.rows)
        y.data[0] = Float(loss)
        record(
            MeanLossOperation(input: logits, slopes: slopes, factor: 1 / Float(logits.rows), y: y))
        return (y, loss)
    }
}
