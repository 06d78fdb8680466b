import Kernels

extension Tape {
    /// Mean of a loss that is quadratic up to a distance of 1 and linear beyond: `d²/2` or `|d| - 1/2`.
    ///
    /// Source: Girshick, "Fast R-CNN", 2015, equation 3.
    ///
    /// - Parameters:
    ///   - predicted: Any shape.
    ///   - target: As many numbers; no gradient flows to them. Valid until the tape is reset.
    ///   - counted: As many flags: numbers with 0 are left out of sum and mean. All count when left out.
    /// - Returns: A 1 x 1 value, and the same in double; 0 where nothing counts.
    public func smoothL1(
        _ predicted: Value, target: Numbers<Float>, counted: Numbers<UInt8>? = nil
    ) -> (value: Value, loss: Double) {
        precondition(
            target.count == predicted.count && (counted?.count ?? target.count) == target.count,
            "\(target.count) targets for \(predicted.count) numbers")
        let target = target.startAddress
        let slopes = input(rows: predicted.rows, columns: predicted.columns)
        let width = predicted.columns
        var (total, count) = (0.0, predicted.count)
        if let counted {
            count = 0
            for i in 0..<predicted.count {
                slopes.data[i] = 0
                guard counted[i] != 0 else { continue }
                total += Double(
                    Kernels.smoothL1(
                        predicted.data + i, target: target + i, count: 1,
                        slopes: slopes.data + i))
                count += 1
            }
        } else {
            for start in stride(from: 0, to: predicted.count, by: width) {
                total += Double(
                    Kernels.smoothL1(
                        predicted.data + start, target: target + start, count: width,
                        slopes: slopes.data + start))
            }
        }
        let loss = count > 0 ? total / Double(count) : 0
        let factor = count > 0 ? 1 / Float(count) : 0
        return (self.loss(loss, (predicted, slopes), factor: factor), loss)
    }
}
