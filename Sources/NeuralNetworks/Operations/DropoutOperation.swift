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
        record(DropoutOperation(x: x, y: y, factors: factors))
        return y
    }
}

private struct DropoutOperation: Operation {
    let x: Value
    let y: Value
    let factors: UnsafeMutablePointer<Float>

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        for i in 0..<y.count { dy[i] *= factors[i] }
        tape.pass(dy, to: x)
    }
}
