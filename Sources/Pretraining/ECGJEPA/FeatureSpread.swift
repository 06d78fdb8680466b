import Kernels
import NeuralNetworks

/// How far a teacher's features spread: what shows a collapse, which the loss does not.
///
/// A teacher that says the same of everything is easily predicted, so the loss falls when it collapses. These deviations fall
/// to 0 then. A feature normalised over a token has deviation 1 within it, so a healthy spread is of that order.
enum FeatureSpread {
    /// The standard deviation of each feature over all tokens, mean over features.
    static func overTokens(_ x: Value, on tape: Tape) -> Double {
        deviations(x.data, count: x.rows, stride: x.columns, width: x.columns, on: tape)
            / Double(x.columns)
    }

    /// The standard deviation of each feature over samples at the same lead and time, mean over places and features; 0
    /// where there is one sample only.
    static func overSamples(_ x: Value, samples: Int, on tape: Tape) -> Double {
        let places = x.rows / samples
        var total = 0.0
        for place in 0..<places {
            total += deviations(
                x.data + place * x.columns, count: samples, stride: places * x.columns,
                width: x.columns, on: tape)
        }
        return total / Double(x.count / samples)
    }

    /// The sum over features of the standard deviation over `count` rows.
    private static func deviations(
        _ x: UnsafePointer<Float>, count: Int, stride: Int, width: Int, on tape: Tape
    ) -> Double {
        let mark = tape.arena.mark
        defer { tape.arena.rewind(to: mark) }
        let (means, squares) = (tape.arena.floats(width), tape.arena.floats(width))
        means.update(repeating: 0, count: width)
        squares.update(repeating: 0, count: width)
        for row in 0..<count { add(x + row * stride, into: means, count: width) }
        scale(means, by: 1 / Float(count), into: means, count: width)
        for row in 0..<count {
            let source = x + row * stride
            for j in 0..<width {
                let difference = source[j] - means[j]
                squares[j] = squares[j].addingProduct(difference, difference)
            }
        }
        for j in 0..<width { squares[j] = (squares[j] / Float(count)).squareRoot() }
        return Double(sum(squares, count: width))
    }
}
