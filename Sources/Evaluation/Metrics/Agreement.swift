/// F1 of yes-or-no decisions on one class.
public enum Agreement {
    /// The harmonic mean of precision and recall.
    ///
    /// - Parameters:
    ///   - decisions: What was said of each record.
    ///   - truths: What is so.
    ///   - weights: How often each record counts.
    /// - Returns: 0 where neither decisions nor truths have the class.
    public static func f1(
        decisions: [Bool], truths: [Bool], counting weights: [Double]
    ) -> Double {
        var (right, said, so) = (0.0, 0.0, 0.0)
        for record in decisions.indices {
            let weight = weights[record]
            if decisions[record] { said += weight }
            if truths[record] { so += weight }
            if decisions[record], truths[record] { right += weight }
        }
        return said + so > 0 ? 2 * right / (said + so) : 0
    }
}

/// Means over classes.
public enum ClassMean {
    /// The plain mean of what could be measured.
    ///
    /// - Returns: `nil` where nothing could.
    public static func macro(_ values: [Double?]) -> Double? {
        let measured = values.compactMap { $0 }
        return measured.isEmpty ? nil : measured.reduce(0, +) / Double(measured.count)
    }

    /// The mean weighted by how many records each class has; classes that could not be measured do not count.
    ///
    /// - Returns: `nil` where nothing could be measured.
    public static func weighted(_ values: [Double?], by counts: [Double]) -> Double? {
        var (sum, total) = (0.0, 0.0)
        for (value, count) in zip(values, counts) {
            guard let value else { continue }
            sum += value * count
            total += count
        }
        return total > 0 ? sum / total : nil
    }
}
