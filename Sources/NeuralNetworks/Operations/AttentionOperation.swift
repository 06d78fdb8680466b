import Kernels
import LinearAlgebra

extension Tape {
    /// Multi-head attention within each sequence: `softmax(q k' / sqrt(width)) v` for every head.
    ///
    /// Source: Vaswani et al., "Attention is all you need", 2017, equation 1.
    ///
    /// - Parameters:
    ///   - qkv: Shape `[sequences * tokens, 3 * heads * width]`: queries, keys and values side by side, heads
    ///     side by side within each.
    ///   - tokens: Tokens in a sequence.
    ///   - heads: Number of heads.
    ///   - keep: Shape `[tokens, tokens]`: 0 where a query (row) must not see a key; every row sees one at least.
    ///     All see all when left out. Valid until the tape is reset.
    /// - Returns: Shape `[sequences * tokens, heads * width]`, heads side by side.
    public func attention(
        _ qkv: Value, tokens: Int, heads: Int, keep: Numbers<UInt8>? = nil
    ) -> Value {
        precondition(
            qkv.rows % tokens == 0 && qkv.columns % (3 * heads) == 0,
            "\(qkv.rows) x \(qkv.columns) is not made of \(tokens) tokens and \(heads) heads")
        let y = result(rows: qkv.rows, columns: qkv.columns / 3)
        let sequences = qkv.rows / tokens
        let operation = AttentionOperation(
            qkv: qkv, y: y, tokens: tokens, heads: heads, width: y.columns / heads,
            keep: keep, probabilities: arena.floats(sequences * heads * tokens * tokens))
        operation.forward()
        attentionObserver?(
            AttentionWeights(
                operation.probabilities, heads: heads, tokens: tokens, pattern: nil))
        record(operation)
        return y
    }
}

private struct AttentionOperation: Operation {
    let qkv: Value
    let y: Value
    let tokens: Int
    let heads: Int
    let width: Int
    let keep: Numbers<UInt8>?
    /// Shape `[sequences, heads, tokens, tokens]`.
    let probabilities: UnsafeMutablePointer<Float>

    private var scale: Float { 1 / Float(width).squareRoot() }

    /// Where a head of a sequence has its queries; keys and values follow `y.columns` and twice that later.
    private func start(_ sequence: Int, _ head: Int) -> Int {
        sequence * tokens * qkv.columns + head * width
    }

    func forward() {
        let (stride, inner) = (qkv.columns, y.columns)
        for sequence in 0..<(qkv.rows / tokens) {
            for head in 0..<heads {
                let q = qkv.data + start(sequence, head)
                let p = probabilities + (sequence * heads + head) * tokens * tokens
                MatrixProduct.multiply(
                    .init(q, stride: stride), .init(q + inner, stride: stride, .transposed),
                    m: tokens, n: tokens, k: width, into: p)
                if let keep {
                    for i in 0..<(tokens * tokens) where keep[i] == 0 { p[i] = -.infinity }
                }
                softmaxRows(p, scale: scale, rows: tokens, columns: tokens)
                MatrixProduct.multiply(
                    .init(p, stride: tokens), .init(q + 2 * inner, stride: stride),
                    m: tokens, n: width, k: tokens,
                    into: y.data + sequence * tokens * inner + head * width, stride: inner)
            }
        }
    }

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        let (stride, inner) = (qkv.columns, y.columns)
        guard let (dqkv, accumulates) = tape.contribution(to: qkv) else {
            return tape.release(dy, count: y.count)
        }
        let beta: Float = accumulates ? 1 : 0
        let dp = tape.gradientBuffer(tokens * tokens)
        for sequence in 0..<(qkv.rows / tokens) {
            for head in 0..<heads {
                let q = qkv.data + start(sequence, head)
                let dq = dqkv + start(sequence, head)
                let p = probabilities + (sequence * heads + head) * tokens * tokens
                let upstream = dy + sequence * tokens * inner + head * width
                MatrixProduct.multiply(
                    .init(p, stride: tokens, .transposed), .init(upstream, stride: inner),
                    m: tokens, n: width, k: tokens, beta: beta, into: dq + 2 * inner,
                    stride: stride)
                MatrixProduct.multiply(
                    .init(upstream, stride: inner),
                    .init(q + 2 * inner, stride: stride, .transposed),
                    m: tokens, n: tokens, k: width, into: dp)
                softmaxRowsBackward(
                    dp, probabilities: p, scale: scale, rows: tokens, columns: tokens)
                MatrixProduct.multiply(
                    .init(dp, stride: tokens), .init(q + inner, stride: stride),
                    m: tokens, n: width, k: tokens, beta: beta, into: dq, stride: stride)
                MatrixProduct.multiply(
                    .init(dp, stride: tokens, .transposed), .init(q, stride: stride),
                    m: tokens, n: width, k: tokens, beta: beta, into: dq + inner, stride: stride)
            }
        }
        tape.release(dp, count: tokens * tokens)
        tape.release(dy, count: y.count)
    }
}
