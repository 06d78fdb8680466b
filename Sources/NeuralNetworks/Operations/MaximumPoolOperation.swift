import Kernels

extension Tape {
    /// The largest number of each channel in stretches of time that do not overlap; ties go to the earliest.
    ///
    /// What is left at the end of a sample takes no part.
    ///
    /// - Parameters:
    ///   - x: Shape `[samples * time, channels]`.
    ///   - time: Time steps of a sample.
    ///   - window: Time steps of a stretch.
    /// - Returns: Shape `[samples * (time / window), channels]`.
    public func maximumPool(_ x: Value, time: Int, window: Int) -> Value {
        precondition(
            x.rows % time == 0 && time >= window, "\(time) time steps have no stretch of \(window)")
        let (samples, steps, channels) = (x.rows / time, time / window, x.columns)
        let y = result(rows: samples * steps, columns: channels)
        let places = arena.integers(y.count)
        for sample in 0..<samples {
            for step in 0..<steps {
                let target = (sample * steps + step) * channels
                let first = sample * time + step * window
                for j in 0..<channels {
                    var best = first
                    for row in first..<first + window
                    where x.data[row * channels + j] > x.data[best * channels + j] { best = row }
                    places[target + j] = Int32(best * channels + j)
                    y.data[target + j] = x.data[best * channels + j]
                }
            }
        }
        record(MaximumPoolOperation(x: x, y: y, places: places))
        return y
    }
}

private struct MaximumPoolOperation: Operation {
    let x: Value
    let y: Value
    let places: UnsafeMutablePointer<Int32>

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        if let dx = tape.addedContribution(to: x) {
            for i in 0..<y.count { dx[Int(places[i])] += dy[i] }
        }
        tape.release(dy, count: y.count)
    }
}
