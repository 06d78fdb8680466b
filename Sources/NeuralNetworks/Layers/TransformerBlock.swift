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
        in parameters: inout ParameterList
    ) {
        let inner = size.heads * size.headWidth
        heads = size.heads
        attentionNorm = LayerNormalisation(
            names.attentionNorm, width: size.width, in: &parameters)
        qkv = Linear(names.qkv, inputs: size.width, outputs: 3 * inner, in: &parameters)
        projection =
            size.heads == 1 && size.headWidth == size.width
            ? nil
            : Linear(names.projection, inputs: inner, outputs: size.width, in: &parameters)
        feedForwardNorm = LayerNormalisation(
            names.feedForwardNorm, width: size.width, in: &parameters)
        expansionWeight = parameters.add(
            "\(names.expansion).weight", shape: [size.hiddenWidth, size.width], .xavierUniform)
        expansionBias = parameters.add(
            "\(names.expansion).bias", shape: [size.hiddenWidth], .zeros)
        contraction = Linear(
            names.contraction, inputs: size.hiddenWidth, outputs: size.width, in: &parameters)
    }

    /// Both halves.
    ///
    /// Shape `[sequences * tokens, width]`, unchanged.
    public func callAsFunction(_ x: Value, tokens: Int, on tape: Tape) -> Value {
        feedForward(attention(x, tokens: tokens, on: tape), on: tape)
    }

    /// The attention half with its residual.
    public func attention(_ x: Value, tokens: Int, on tape: Tape) -> Value {
        let attended = tape.attention(
            qkv(attentionNorm(x, on: tape), on: tape), tokens: tokens, heads: heads)
        guard let projection else { return tape.sum(attended, x) }
        return projection(attended, residual: x, on: tape)
    }

    /// The feed-forward half with its residual, on any choice of rows.
    public func feedForward(_ x: Value, on tape: Tape) -> Value {
        let hidden = tape.linear(
            feedForwardNorm(x, on: tape), weight: tape.parameter(expansionWeight))
        let activated = tape.biasGELU(hidden, bias: tape.parameter(expansionBias))
        return contraction(activated, residual: x, on: tape)
    }
}
