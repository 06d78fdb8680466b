import Kernels
import TestSupport
import Testing

@testable import NeuralNetworks

@Suite struct AttentionWeightsTests {
    /// The weights that an attention over drawn queries, keys and values reports.
    private func propagated(
        _ weights: [Double], rows: Int, columns: Int, usesPattern: Bool
    ) throws -> [Double] {
        let (tokens, heads) = (rows * columns, 2)
        let tape = Tape(parameters: Parameters(ParameterList(), seed: 0))
        var found: [AttentionWeights] = []
        tape.attentionObserver = { found.append($0) }
        tape.reset(recordsGradients: false)
        let qkv = tape.input(rows: tokens, columns: 3 * heads * 4)
        var random = RandomStream(seed: 2, purpose: .test)
        for i in 0..<qkv.count { qkv.numbers[i] = Float(random.nextNormal()) }
        if usesPattern {
            _ = tape.crossPatternAttention(qkv, rows: rows, columns: columns, heads: heads)
        } else {
            // The same pattern as a mask over all pairs.
            let keep = tape.numbers(tokens * tokens, of: UInt8.self)
            for i in 0..<tokens {
                for j in 0..<tokens {
                    let isSeen = i / columns == j / columns || i % columns == j % columns
                    keep[i * tokens + j] = isSeen ? 1 : 0
                }
            }
            _ = tape.attention(qkv, tokens: tokens, heads: heads, keep: keep)
        }
        return try withExtendedLifetime(tape) {
            let only = try #require(found.first)
            #expect(found.count == 1 && only.tokens == tokens)
            return only.propagated(weights)
        }
    }

    @Test func theCrossPatternHandsOnWhatMaskedPairsDo() throws {
        let (rows, columns) = (3, 5)
        for token in [0, 7, 14] {
            var weights = Array(repeating: 0.0, count: rows * columns)
            weights[token] = 0.7
            weights[(token + 4) % weights.count] = 0.3
            let dense = try propagated(weights, rows: rows, columns: columns, usesPattern: false)
            let cross = try propagated(weights, rows: rows, columns: columns, usesPattern: true)
            #expect(zip(cross, dense).allSatisfy { abs($0 - $1) < 1e-6 })
            #expect(abs(cross.reduce(0, +) - 1) < 1e-6)
        }
    }
}
