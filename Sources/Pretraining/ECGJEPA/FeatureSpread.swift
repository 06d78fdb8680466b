import Kernels
import NeuralNetworks

/// How far a teacher's features spread: what shows a collapse, which the loss does not.
///
/// A teacher that says the same of everything is easily predicted, so the loss falls when it collapses. These deviations fall
/// to 0 then. A feature normalised over a token has deviation 1 within it, so a healthy spread is of that order.
enum FeatureSpread {
    /// The standard deviation of each feature over all tokens, mean over features.
    static func overTokens(_ x: Value, on tape: Tape) -> Double {
        deviations(x, from: 0, every: 1, on: tape) / Double(x.columns)
    }

    /// The standard deviation of each feature over samples at the same lead and time, mean over places and features; 0
    /// where there is one sample only.
    static func overSamples(_ x: Value, samples: Int, on tape: Tape) -> Double {
        let places = x.rows / samples
        var total = 0.0
        for place in 0..<places {
            total += deviations(x, from: place, every: places, on: tape)
        }
        return total / Double(x.count / samples)
    }

    /// The sum over features of the standard deviation over every `period`-th row.
    private static func deviations(
        _ x: Value, from first: Int, every period: Int, on tape: Tape
    ) -> Double {
        tape.rewinding {
            let means = tape.numbers(repeating: Float(0), count: x.columns)
            let squares = tape.numbers(repeating: Float(0), count: x.columns)
            let rows = stride(from: first, to: x.rows, by: period)
            let count = Float(x.rows / period)
            for row in rows { add(x.row(row), into: means) }
            scale(means, by: 1 / count, into: means)
            for row in rows { addSquaredDeviations(x.row(row), from: means, into: squares) }
            for j in squares.indices { squares[j] = (squares[j] / count).squareRoot() }
            return Double(sum(squares))
        }
    }
}
