import Kernels

/// Names of a block's parts, which differ between published models.
public struct TransformerBlockNames: Sendable {
    let attentionNorm: String
    let qkv: String
    let projection: String
    let feedForwardNorm: String
    let expansion: String
    let contraction: String

    /// Names of the parts, each without `.weight` and `.bias`.
    public init(
        attentionNorm: String, qkv: String, projection: String, feedForwardNorm: String,
        expansion: String, contraction: String
    ) {
        self.attentionNorm = attentionNorm
        self.qkv = qkv
        self.projection = projection
        self.feedForwardNorm = feedForwardNorm
        self.expansion = expansion
        self.contraction = contraction
    }
}

/// Sizes of a block.
public struct TransformerBlockSize: Sendable {
    let width: Int
    let heads: Int
    let headWidth: Int
    let hiddenWidth: Int

    /// Sizes of a block.
    ///
    /// - Parameters:
    ///   - width: Numbers of a token.
    ///   - heads: Attention heads.
    ///   - headWidth: Numbers of a head; heads times this need not be the width.
    ///   - hiddenWidth: Numbers of a token within the feed-forward part.
    public init(width: Int, heads: Int, headWidth: Int, hiddenWidth: Int) {
        self.width = width
        self.heads = heads
        self.headWidth = headWidth
        self.hiddenWidth = hiddenWidth
    }
}

/// How a block's matrices begin, and whether queries, keys and values have a bias.
public struct TransformerBlockStart: Sendable {
    let matrices: Initialiser
    let residualMatrices: Initialiser
    let qkvBias: Bool

    /// A start by parts.
    ///
    /// - Parameters:
    ///   - matrices: Of those that do not lead back to the tokens.
    ///   - residualMatrices: Of those that do: the attention's projection and the second of the feed-forward part.
    ///   - qkvBias: Whether queries, keys and values have a bias.
    public init(matrices: Initialiser, residualMatrices: Initialiser, qkvBias: Bool) {
        self.matrices = matrices
        self.residualMatrices = residualMatrices
        self.qkvBias = qkvBias
    }

    /// Xavier's for all, with a bias.
    public static let xavier = TransformerBlockStart(
        matrices: .xavierUniform, residualMatrices: .xavierUniform, qkvBias: true)
}

/// What becomes of a block's two branches, sample by sample, where some are dropped.
public struct BranchFactors: BitwiseCopyable {
    let attention: Numbers<Float>
    let feedForward: Numbers<Float>

    /// Factors of both branches, one a sample.
    ///
    /// - Parameters:
    ///   - attention: 0 where the attention is dropped, else what it is multiplied by; valid until the tape is reset.
    ///   - feedForward: The same for the feed-forward part.
    public init(attention: Numbers<Float>, feedForward: Numbers<Float>) {
        precondition(
            attention.count == feedForward.count,
            "\(attention.count) and \(feedForward.count) samples")
        self.attention = attention
        self.feedForward = feedForward
    }
}

/// A pre-norm transformer block: `x += attention(norm(x)); x += feedForward(norm(x))`.
public struct TransformerBlock: Sendable {
    let attentionNorm: LayerNormalisation
    let qkv: Linear
    let projection: Linear?
    let feedForwardNorm: LayerNormalisation
    let expansionWeight: Int
    let expansionBias: Int
    let contraction: Linear
    let heads: Int

    /// Adds the block's parameters.
    ///
    /// With one head as wide as the token there is no output projection.
    public init(
        _ names: TransformerBlockNames, size: TransformerBlockSize,
        start: TransformerBlockStart = .xavier, in parameters: inout ParameterList
    ) {
        let inner = size.heads * size.headWidth
        heads = size.heads
        attentionNorm = LayerNormalisation(
            names.attentionNorm, width: size.width, in: &parameters)
        qkv = Linear(
            names.qkv, inputs: size.width, outputs: 3 * inner, bias: start.qkvBias,
            initialiser: start.matrices, in: &parameters)
        projection =
            size.heads == 1 && size.headWidth == size.width
            ? nil
            : Linear(
                names.projection, inputs: inner, outputs: size.width,
                initialiser: start.residualMatrices, in: &parameters)
        feedForwardNorm = LayerNormalisation(
            names.feedForwardNorm, width: size.width, in: &parameters)
        expansionWeight = parameters.add(
            "\(names.expansion).weight", shape: [size.hiddenWidth, size.width], start.matrices)
        expansionBias = parameters.add(
            "\(names.expansion).bias", shape: [size.hiddenWidth], .zeros)
        contraction = Linear(
            names.contraction, inputs: size.hiddenWidth, outputs: size.width,
            initialiser: start.residualMatrices, in: &parameters)
    }

    /// Both halves.
    ///
    /// Shape `[sequences * tokens, width]`, unchanged.
    public func callAsFunction(
        _ x: Value, tokens: Int, factors: BranchFactors? = nil, on tape: Tape
    ) -> Value {
        feedForward(
            attention(x, tokens: tokens, factors: factors, on: tape), factors: factors, on: tape)
    }

    /// The attention half with its residual.
    public func attention(
        _ x: Value, tokens: Int, factors: BranchFactors? = nil, on tape: Tape
    ) -> Value {
        attention(x, factors: factors, on: tape) { qkv, heads in
            tape.attention(qkv, tokens: tokens, heads: heads)
        }
    }

    /// The attention half with its residual, with attention of another pattern.
    ///
    /// - Parameters:
    ///   - x: Shape `[sequences * tokens, width]`.
    ///   - factors: Where branches are dropped.
    ///   - tape: Where the computation is recorded.
    ///   - attend: From queries, keys and values side by side, and the number of heads, to the heads' results.
    /// - Returns: Shape of `x`.
    public func attention(
        _ x: Value, factors: BranchFactors?, on tape: Tape,
        attend: (_ qkv: Value, _ heads: Int) -> Value
    ) -> Value {
        let attended = attend(qkv(attentionNorm(x, on: tape), on: tape), heads)
        if let factors {
            let branch = projection.map { $0(attended, on: tape) } ?? attended
            return tape.addBranch(branch, factors: factors.attention, to: x)
        }
        guard let projection else { return tape.sum(attended, x) }
        return projection(attended, residual: x, on: tape)
    }

    /// The feed-forward half with its residual, on any choice of rows that has as many of each sample.
    public func feedForward(
        _ x: Value, factors: BranchFactors? = nil, on tape: Tape
    ) -> Value {
        let hidden = tape.linear(
            feedForwardNorm(x, on: tape), weight: tape.parameter(expansionWeight))
        let activated = tape.biasGELU(hidden, bias: tape.parameter(expansionBias))
        guard let factors else { return contraction(activated, residual: x, on: tape) }
        return tape.addBranch(
            contraction(activated, on: tape), factors: factors.feedForward, to: x)
    }
}
