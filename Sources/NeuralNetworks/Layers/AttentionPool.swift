/// Attention of one learned query over all tokens of a sample: what makes one vector of them.
///
/// Queries, keys and values are mapped without a bias and cut into heads; there is no map behind them, no residual and no
/// normalisation. Source: Al-Masud, Lopez Alcaraz and Strodthoff, "Benchmarking ECG foundation models: a reality check", 2025.
public struct AttentionPool: Sendable {
    private let heads: Int
    private let query: Int
    private let queries: Linear
    private let keys: Linear
    private let values: Linear

    /// Numbers of a head, where the width is made of whole ones.
    static let headWidth = 32

    /// Numbers of a head: 32, or the largest divisor of the width below.
    static func headWidth(of width: Int) -> Int {
        (1...min(headWidth, width)).last { width.isMultiple(of: $0) } ?? 1
    }

    /// Adds the parameters `NAME.query` `[1, 1, width]`, normal with deviation 1/sqrt(width), and `NAME.q.weight`, `.k.weight` and
    /// `.v.weight`, `[width, width]`, even between plus and minus the same.
    public init(_ name: String, width: Int, in parameters: inout ParameterList) {
        heads = width / Self.headWidth(of: width)
        let bound = 1 / Double(width).squareRoot()
        query = parameters.add(
            "\(name).query", shape: [1, 1, width], .normal(deviation: bound))
        func map(_ letter: String) -> Linear {
            Linear(
                "\(name).\(letter)", inputs: width, outputs: width, bias: false,
                initialiser: .uniform(-bound...bound), in: &parameters)
        }
        (queries, keys, values) = (map("q"), map("k"), map("v"))
    }

    /// Tokens to one vector a sample.
    ///
    /// - Parameters:
    ///   - tokens: Shape `[samples * time, width]`, or `[width, samples * time]` where rows are channels.
    ///   - samples: Independent signals, one after another.
    ///   - areChannels: Whether the rows of tokens are channels.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[samples, width]`.
    public func callAsFunction(
        _ tokens: Value, samples: Int, areChannels: Bool, on tape: Tape
    ) -> Value {
        tape.attentionPool(
            tokens, samples: samples, areChannels: areChannels, heads: heads,
            AttentionPoolWeights(
                query: tape.parameter(query), queries: tape.parameter(queries.weight),
                keys: tape.parameter(keys.weight), values: tape.parameter(values.weight)))
    }

    /// Multiplications for tokens of a width.
    public static func multiplications(tokens: Int, width: Int) -> Double {
        let heads = Double(width / headWidth(of: width))
        // The query's map, what it looks for in tokens, scores and sums, values.
        return Double(width) * (3 * Double(width) + 2 * heads * Double(tokens))
    }

    /// Numbers that the backward pass needs of one sample, beside the tokens themselves.
    public static func activations(tokens: Int, width: Int) -> Int {
        width / headWidth(of: width) * (tokens + width)
    }
}
