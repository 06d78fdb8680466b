import Kernels

/// How much tokens of one block look at one another: what attention multiplied values by.
///
/// A handle into a tape's arena: it is valid until the tape is reset.
public struct AttentionWeights {
    /// Shape `[sequences, heads, tokens, pairs]`.
    private let probabilities: UnsafePointer<Float>
    private let heads: Int
    /// Tokens of a sequence.
    public let tokens: Int
    /// Where tokens look at their own row and column alone; `nil` where all look at all.
    private let pattern: CrossPattern?

    init(_ probabilities: UnsafePointer<Float>, heads: Int, tokens: Int, pattern: CrossPattern?) {
        (self.probabilities, self.heads) = (probabilities, heads)
        (self.tokens, self.pattern) = (tokens, pattern)
    }

    /// Hands weights of tokens on to the tokens that they look at, heads counting alike.
    ///
    /// - Parameter weights: One a token of the first sequence.
    /// - Returns: One a token; they sum to what `weights` sum to.
    public func propagated(_ weights: [Double]) -> [Double] {
        precondition(weights.count == tokens, "\(weights.count) weights of \(tokens) tokens")
        let pairs = pattern?.pairs ?? tokens
        var result = Array(repeating: 0.0, count: tokens)
        for head in 0..<heads {
            for token in 0..<tokens {
                let row = probabilities + (head * tokens + token) * pairs
                let share = weights[token] / Double(heads)
                for pair in 0..<pairs { result[other(token, pair)] += share * Double(row[pair]) }
            }
        }
        return result
    }

    /// The token that a pair is of.
    private func other(_ token: Int, _ pair: Int) -> Int {
        guard let pattern else { return pair }
        let (row, column) = token.quotientAndRemainder(dividingBy: pattern.columns)
        // Its own row first, then the others of its column in ascending order.
        guard pair >= pattern.columns else { return row * pattern.columns + pair }
        let rank = pair - pattern.columns
        return (rank < row ? rank : rank + 1) * pattern.columns + column
    }
}
