import Kernels
import LinearAlgebra

extension Tape {
    /// Multi-head attention on a grid of tokens where each sees its own row and its own column: of 8 x 50 tokens a
    /// token looks at 57, and no more are computed.
    ///
    /// One softmax goes over the row and the column together; the token itself, which is in both, counts once. Where
    /// columns are cut out of the grid, so are they here.
    ///
    /// Source: Kim, "Learning general representation of 12-lead electrocardiogram with a joint-embedding predictive
    /// architecture", 2024 (there as dense attention with a mask).
    ///
    /// - Parameters:
    ///   - qkv: Shape `[grids * rows * columns, 3 * heads * width]`, row by row of each grid: queries, keys and values side by
    ///     side, heads side by side within each.
    ///   - rows: Rows of a grid.
    ///   - columns: Columns of a grid.
    ///   - heads: Number of heads.
    /// - Returns: Shape `[grids * rows * columns, heads * width]`, heads side by side.
    public func crossPatternAttention(
        _ qkv: Value, rows: Int, columns: Int, heads: Int
    ) -> Value {
        precondition(
            qkv.rows % (rows * columns) == 0 && qkv.columns % (3 * heads) == 0,
            "\(qkv.rows) x \(qkv.columns) is not made of \(rows) x \(columns) tokens and \(heads) heads"
        )
        let y = result(rows: qkv.rows, columns: qkv.columns / 3)
        let pattern = CrossPattern(rows: rows, columns: columns, width: y.columns / heads)
        let operation = CrossPatternAttentionOperation(
            qkv: qkv, y: y, pattern: pattern, heads: heads,
            probabilities: arena.floats(qkv.rows * heads * pattern.pairs))
        operation.forward()
        attentionObserver?(
            AttentionWeights(
                operation.probabilities, heads: heads, tokens: rows * columns, pattern: pattern))
        record(operation)
        return y
    }
}

private struct CrossPatternAttentionOperation: Operation {
    let qkv: Value
    let y: Value
    let pattern: CrossPattern
    let heads: Int
    /// Shape `[grids, heads, rows * columns, pairs]`.
    let probabilities: UnsafeMutablePointer<Float>

    private var tokens: Int { pattern.rows * pattern.columns }
    private var grids: Int { qkv.rows / tokens }
    private var scale: Float { 1 / Float(pattern.width).squareRoot() }

    /// Where a head of a grid has its queries; keys and values follow `y.columns` and twice that later.
    private func start(_ grid: Int, _ head: Int) -> Int {
        grid * tokens * qkv.columns + head * pattern.width
    }

    /// Where a head of a grid has its probabilities.
    private func weights(_ grid: Int, _ head: Int) -> UnsafeMutablePointer<Float> {
        probabilities + (grid * heads + head) * tokens * pattern.pairs
    }

    func forward() {
        let (stride, inner, pairs) = (qkv.columns, y.columns, pattern.pairs)
        let (columns, width) = (pattern.columns, pattern.width)
        for grid in 0..<grids {
            for head in 0..<heads {
                let q = qkv.data + start(grid, head)
                let p = weights(grid, head)
                let target = y.data + grid * tokens * inner + head * width
                for row in 0..<pattern.rows {
                    let first = row * columns
                    MatrixProduct.multiply(
                        .init(q + first * stride, stride: stride),
                        .init(q + inner + first * stride, stride: stride, .transposed),
                        m: columns, n: columns, k: width, into: p + first * pairs, stride: pairs)
                }
                pattern.columnProducts(q, stride: stride, with: q + inner, stride: stride, into: p)
                softmaxRows(p, scale: scale, rows: tokens, columns: pairs)
                for row in 0..<pattern.rows {
                    let first = row * columns
                    MatrixProduct.multiply(
                        .init(p + first * pairs, stride: pairs),
                        .init(q + 2 * inner + first * stride, stride: stride),
                        m: columns, n: width, k: columns, into: target + first * inner,
                        stride: inner)
                }
                pattern.addColumns(
                    p, of: q + 2 * inner, stride: stride, into: target, stride: inner)
            }
        }
    }

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        guard let (dqkv, accumulates) = tape.contribution(to: qkv) else {
            return tape.release(dy, count: y.count)
        }
        let dp = tape.gradientBuffer(tokens * pattern.pairs)
        for grid in 0..<grids {
            for head in 0..<heads {
                let upstream = dy + grid * tokens * y.columns + head * pattern.width
                addGradients(
                    grid, head, upstream: upstream, dp: dp, into: dqkv + start(grid, head),
                    beta: accumulates ? 1 : 0)
            }
        }
        tape.release(dp, count: tokens * pattern.pairs)
        tape.release(dy, count: y.count)
    }

    /// One head's gradients of queries, keys and values.
    private func addGradients(
        _ grid: Int, _ head: Int, upstream: UnsafeMutablePointer<Float>,
        dp: UnsafeMutablePointer<Float>, into dq: UnsafeMutablePointer<Float>, beta: Float
    ) {
        let (stride, inner, pairs) = (qkv.columns, y.columns, pattern.pairs)
        let (columns, width) = (pattern.columns, pattern.width)
        let q = qkv.data + start(grid, head)
        let (k, v) = (q + inner, q + 2 * inner)
        let (dk, dv) = (dq + inner, dq + 2 * inner)
        let p = weights(grid, head)
        for row in 0..<pattern.rows {
            let first = row * columns
            MatrixProduct.multiply(
                .init(p + first * pairs, stride: pairs, .transposed),
                .init(upstream + first * inner, stride: inner),
                m: columns, n: width, k: columns, beta: beta, into: dv + first * stride,
                stride: stride)
            MatrixProduct.multiply(
                .init(upstream + first * inner, stride: inner),
                .init(v + first * stride, stride: stride, .transposed),
                m: columns, n: columns, k: width, into: dp + first * pairs, stride: pairs)
        }
        pattern.addTransposedColumns(
            p, of: upstream, stride: inner, into: dv, stride: stride)
        pattern.columnProducts(upstream, stride: inner, with: v, stride: stride, into: dp)
        softmaxRowsBackward(dp, probabilities: p, scale: scale, rows: tokens, columns: pairs)
        for row in 0..<pattern.rows {
            let first = row * columns
            MatrixProduct.multiply(
                .init(dp + first * pairs, stride: pairs), .init(k + first * stride, stride: stride),
                m: columns, n: width, k: columns, beta: beta, into: dq + first * stride,
                stride: stride)
            MatrixProduct.multiply(
                .init(dp + first * pairs, stride: pairs, .transposed),
                .init(q + first * stride, stride: stride),
                m: columns, n: width, k: columns, beta: beta, into: dk + first * stride,
                stride: stride)
        }
        pattern.addColumns(dp, of: k, stride: stride, into: dq, stride: stride)
        pattern.addTransposedColumns(dp, of: q, stride: stride, into: dk, stride: stride)
    }
}
