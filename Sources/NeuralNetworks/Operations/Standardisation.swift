import Kernels

extension Tape {
    /// Each column less a given mean, times a given scale.
    ///
    /// - Parameters:
    ///   - x: Shape `[rows, columns]`.
    ///   - means: Shape `[columns]`.
    ///   - scales: Shape `[columns]`.
    /// - Returns: Shape of `x`.
    public func standardised(
        _ x: Value, means: Numbers<Float>, scales: Numbers<Float>
    ) -> Value {
        precondition(
            means.count == x.columns && scales.count == x.columns,
            "\(means.count) means for \(x.columns) columns")
        let (means, scales) = (means.startAddress, scales.startAddress)
        let y = result(rows: x.rows, columns: x.columns, wantsGradient: x.wantsGradient)
        let factors = arena.floats(x.count)
        fillRows(factors, with: scales, rows: x.rows, columns: x.columns)
        for r in 0..<x.rows {
            for j in 0..<x.columns {
                let i = r * x.columns + j
                y.data[i] = (x.data[i] - means[j]) * scales[j]
            }
        }
        if x.wantsGradient { record(ScaledOperation(x: x, factors: factors, y: y)) }
        return y
    }
}
