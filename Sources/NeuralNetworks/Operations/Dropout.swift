import Kernels

extension Tape {
    /// Sets numbers to 0 with a probability and divides the others by what is left of 1.
    ///
    /// - Parameters:
    ///   - x: Any shape.
    ///   - rate: The probability, below 1.
    ///   - runs: Parts of equal length, such as samples, each of which has random numbers of its own.
    ///   - random: The stream of a run.
    /// - Returns: The same shape.
    public func dropout(
        _ x: Value, rate: Float, runs: Int, random: (_ run: Int) -> RandomStream
    ) -> Value {
        precondition(x.count % runs == 0, "\(x.count) numbers are not \(runs) runs")
        let y = result(rows: x.rows, columns: x.columns)
        let factors = arena.floats(x.count)
        let (length, kept) = (x.count / runs, 1 / (1 - rate))
        for run in 0..<runs {
            var stream = random(run)
            for i in run * length..<(run + 1) * length {
                factors[i] = stream.nextUniform() < rate ? 0 : kept
                y.data[i] = x.data[i] * factors[i]
            }
        }
        record(ScaledOperation(x: x, factors: factors, y: y))
        return y
    }
}
