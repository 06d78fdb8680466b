import Kernels

/// What a channel is described by over time.
public enum TimeMoments: Sendable {
    /// The mean.
    case mean
    /// The mean, the largest number and the deviation (of the population).
    case all

    /// Numbers of a channel.
    public var count: Int { self == .mean ? 1 : 3 }
}

extension Tape {
    /// What each channel of a sample is over time, for values whose rows are channels.
    ///
    /// - Parameters:
    ///   - x: Shape `[channels, samples * time]`.
    ///   - samples: Independent signals, one after another.
    ///   - moments: Which numbers.
    /// - Returns: Shape `[samples, moments.count * channels]`: all means, then all largest numbers, then all deviations.
    public func timeMoments(_ x: Value, samples: Int, _ moments: TimeMoments) -> Value {
        precondition(x.columns % samples == 0, "\(x.columns) columns are not \(samples) samples")
        let (channels, time) = (x.rows, x.columns / samples)
        let y = result(rows: samples, columns: moments.count * channels)
        let places = arena.integers(samples * channels)
        for sample in 0..<samples {
            let row = y.data + sample * y.columns
            for channel in 0..<channels {
                let from = x.data + channel * x.columns + sample * time
                let found = rowMoments(from, count: time)
                row[channel] = Float(found.mean)
                guard moments == .all else { continue }
                var place = 0
                for t in 1..<max(time, 1) where from[t] > from[place] { place = t }
                places[sample * channels + channel] = Int32(place)
                row[channels + channel] = from[place]
                row[2 * channels + channel] = Float(found.variance.squareRoot())
            }
        }
        record(
            TimeMomentsOperation(
                x: x, y: y, samples: samples, hasAll: moments == .all, places: places))
        return y
    }

    /// The columns of two matrices with the same rows, side by side.
    public func joinedColumns(_ first: Value, _ second: Value) -> Value {
        precondition(first.rows == second.rows, "\(first.rows) and \(second.rows) rows")
        let y = result(rows: first.rows, columns: first.columns + second.columns)
        for row in 0..<y.rows {
            let target = y.data + row * y.columns
            target.update(from: first.data + row * first.columns, count: first.columns)
            (target + first.columns).update(
                from: second.data + row * second.columns, count: second.columns)
        }
        record(JoinedColumnsOperation(first: first, second: second, y: y))
        return y
    }
}

private struct TimeMomentsOperation: Operation {
    let x: Value
    let y: Value
    let samples: Int
    let hasAll: Bool
    /// Where the largest numbers are.
    let places: UnsafeMutablePointer<Int32>

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        let (channels, time) = (x.rows, x.columns / samples)
        if let dx = tape.addedContribution(to: x) {
            for sample in 0..<samples {
                let (gradient, values) = (dy + sample * y.columns, y.data + sample * y.columns)
                for channel in 0..<channels {
                    let start = channel * x.columns + sample * time
                    add(gradient[channel] / Float(time), into: dx + start, count: time)
                    guard hasAll else { continue }
                    dx[start + Int(places[sample * channels + channel])] +=
                        gradient[channels + channel]
                    let deviation = values[2 * channels + channel]
                    guard deviation > 0 else { continue }
                    // (x - mean) / (time * deviation), in two steps.
                    let slope = gradient[2 * channels + channel] / (Float(time) * deviation)
                    addProduct(x.data + start, slope, into: dx + start, count: time)
                    add(-slope * values[channel], into: dx + start, count: time)
                }
            }
        }
        tape.release(dy, count: y.count)
    }
}

private struct JoinedColumnsOperation: Operation {
    let first: Value
    let second: Value
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        for (value, offset) in [(first, 0), (second, first.columns)] {
            guard let target = tape.addedContribution(to: value) else { continue }
            for row in 0..<y.rows {
                add(
                    dy + row * y.columns + offset, into: target + row * value.columns,
                    count: value.columns)
            }
        }
        tape.release(dy, count: y.count)
    }
}
