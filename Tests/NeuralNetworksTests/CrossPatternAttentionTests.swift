import Kernels
import NeuralNetworks
import TestSupport
import Testing

struct CrossPatternAttentionTests {
    /// Rows, columns, heads, width of a head.
    static let sizes = [(1, 1, 1, 3), (3, 4, 2, 8), (2, 5, 1, 17), (8, 3, 2, 24), (1, 6, 2, 4)]

    @Test(arguments: sizes)
    func agreesWithDenseMaskedAttention(rows: Int, columns: Int, heads: Int, width: Int) {
        let tokens = rows * columns
        let keep = (0..<tokens * tokens).map { pair -> UInt8 in
            let (query, key) = (pair / tokens, pair % tokens)
            return query / columns == key / columns || query % columns == key % columns ? 1 : 0
        }
        var random = RandomStream(seed: 4, purpose: .test)
        let shape = [2 * tokens, 3 * heads * width]
        let input = GoldenTensor(
            shape: shape, doubles: (0..<shape[0] * shape[1]).map { _ in random.nextNormal() })
        let cotangent = (0..<shape[0] * heads * width).map { _ in Float(random.nextNormal()) }
        let (sparse, dense) = (TestGraph([("qkv", input)]), TestGraph([("qkv", input)]))
        let actual = sparse.run(cotangent: cotangent) { tape, v in
            tape.crossPatternAttention(v[0], rows: rows, columns: columns, heads: heads)
        }
        let expected = dense.run(cotangent: cotangent) { tape, v in
            tape.attention(v[0], tokens: tokens, heads: heads, keep: tape.numbers(keep))
        }
        #expect(relativeError(actual, golden(expected)) < 1e-5)
        #expect(relativeError(sparse.gradient("qkv"), golden(dense.gradient("qkv"))) < 1e-5)
    }

    private func golden(_ values: [Float]) -> GoldenTensor {
        GoldenTensor(shape: [values.count], doubles: values.map { Double($0) })
    }

    @Test(arguments: [(3, 4, 2, 8), (2, 3, 1, 5)])
    func gradientsAreRight(rows: Int, columns: Int, heads: Int, width: Int) {
        #expect(
            gradientError(shapes: [[2 * rows * columns, 3 * heads * width]]) { tape, v in
                tape.crossPatternAttention(v[0], rows: rows, columns: columns, heads: heads)
            } < 5e-3)
    }

    @Test func gradientsAddToThoseOfOtherUses() {
        #expect(
            gradientError(shapes: [[6, 12]]) { tape, v in
                let first = tape.crossPatternAttention(v[0], rows: 2, columns: 3, heads: 2)
                let second = tape.attention(v[0], tokens: 6, heads: 2)
                return tape.sum(first, second)
            } < 5e-3)
    }
}
