import Kernels

/// Quantisation without a codebook: each number is rounded to one of a few levels, and their combinations are the
/// codes.
///
/// Source: Mentzer et al., "Finite scalar quantization: VQ-VAE made simple", 2024.
public struct FiniteScalarQuantisation: Sendable, Equatable {
    /// Levels of each number.
    public let levels: [Int]

    /// Keeps the outermost levels within reach of the tangent.
    private static let slack = 1e-3

    /// Levels of each number, at least 2 each.
    public init(levels: [Int]) {
        precondition(levels.allSatisfy { $0 >= 2 }, "\(levels): a number needs two levels")
        self.levels = levels
    }

    /// Combinations of levels.
    public var codes: Int { levels.reduce(1, *) }

    /// Half the range before rounding, what even numbers of levels are shifted by, and the argument's shift that
    /// keeps 0 at 0.
    public func bounds(_ place: Int) -> (half: Double, offset: Double, shift: Double) {
        let half = Double(levels[place] - 1) * (1 + Self.slack) / 2
        let offset = levels[place].isMultiple(of: 2) ? 0.5 : 0
        return (half, offset, ElementaryFunctions.inverseHyperbolicTangent(offset / half))
    }
}

extension Tape {
    /// Each number rounded to one of its levels, from -1 to 1, and the code that a row's levels make; the gradient
    /// passes the rounding as it is.
    ///
    /// - Parameters:
    ///   - z: Shape `[rows, levels.count]`.
    ///   - quantisation: The levels.
    /// - Returns: Shape of `z`, and the rows' codes, valid until the tape is reset.
    public func roundedToLevels(
        _ z: Value, _ quantisation: FiniteScalarQuantisation
    ) -> (value: Value, chosen: Numbers<Int32>) {
        let levels = quantisation.levels
        precondition(z.columns == levels.count, "\(z.columns) numbers for \(levels.count) levels")
        let y = result(rows: z.rows, columns: z.columns)
        let slopes = arena.floats(z.count)
        let chosen = numbers(repeating: Int32(0), count: z.rows)
        var places = 1
        for (column, count) in levels.enumerated() {
            let (half, offset, shift) = quantisation.bounds(column)
            let middle = count / 2
            for r in 0..<z.rows {
                let i = r * z.columns + column
                let tangent = ElementaryFunctions.hyperbolicTangent(Double(z.data[i]) + shift)
                let level = (tangent * half - offset).rounded(.toNearestOrEven)
                y.data[i] = Float(level / Double(middle))
                slopes[i] = Float((1 - tangent * tangent) * half / Double(middle))
                chosen[r] += Int32((Int(level) + middle) * places)
            }
            places *= count
        }
        record(ScaledOperation(x: z, factors: slopes, y: y))
        return (y, chosen)
    }
}
