import Foundation
import Kernels
import TestSupport
import Testing

@testable import NeuralNetworks

/// Attention of one query over tokens, against plain loops that map every token, PyTorch, and central differences.
struct AttentionPoolTests {
    private static let samples = 3

    struct Sizes: Sendable {
        let width: Int
        let heads: Int
        let time: Int
    }

    private static let small = [
        Sizes(width: 4, heads: 1, time: 5), Sizes(width: 6, heads: 3, time: 4),
        Sizes(width: 5, heads: 5, time: 1),
    ]
    private static let several = [
        Sizes(width: 8, heads: 2, time: 7), Sizes(width: 12, heads: 12, time: 3),
        Sizes(width: 64, heads: 2, time: 40),
    ]

    private func pool(
        _ tape: Tape, _ v: [Value], heads: Int, areChannels: Bool
    ) -> Value {
        tape.attentionPool(
            v[0], samples: Self.samples, areChannels: areChannels, heads: heads,
            AttentionPoolWeights(query: v[1], queries: v[2], keys: v[3], values: v[4]))
    }

    private func shapes(width: Int, time: Int, areChannels: Bool) -> [[Int]] {
        let tokens = areChannels ? [width, Self.samples * time] : [Self.samples * time, width]
        return [tokens, [1, 1, width]] + Array(repeating: [width, width], count: 3)
    }

    @Test(arguments: small, [false, true])
    func gradientsAgreeWithDifferences(
        sizes: Sizes, areChannels: Bool
    ) {
        let error = gradientError(
            shapes: shapes(width: sizes.width, time: sizes.time, areChannels: areChannels),
            step: 3e-3
        ) { pool($0, $1, heads: sizes.heads, areChannels: areChannels) }
        #expect(error < 1e-2)
    }

    /// Queries, keys and values of all tokens, in double.
    private func reference(
        _ tokens: [[Double]], query: [Double], q: [Double], k: [Double], v: [Double], heads: Int
    ) -> [Double] {
        let width = query.count
        func map(_ x: [Double], _ weights: [Double]) -> [Double] {
            (0..<width).map { row in
                (0..<width).reduce(0) { $0 + weights[row * width + $1] * x[$1] }
            }
        }
        let asked = map(query, q)
        let (keys, values) = (tokens.map { map($0, k) }, tokens.map { map($0, v) })
        let size = width / heads
        return (0..<heads).flatMap { head -> [Double] in
            let part = head * size..<(head + 1) * size
            let scores = keys.map { key in
                part.reduce(0) { $0 + asked[$1] * key[$1] } / Double(size).squareRoot()
            }
            let weights = scores.map { exp($0) }
            let total = weights.reduce(0, +)
            return part.map { place in
                zip(weights, values).reduce(0) { $0 + $1.0 * $1.1[place] } / total
            }
        }
    }

    @Test(arguments: several, [false, true])
    func equalsQueriesKeysAndValues(
        sizes: Sizes, areChannels: Bool
    ) {
        let (width, time) = (sizes.width, sizes.time)
        var random = SeededRandom(seed: 5)
        func drawn(_ count: Int) -> [Float] {
            (0..<count).map { _ in Float.random(in: -1...1, using: &random) }
        }
        let tokens = drawn(Self.samples * time * width)
        let others = [drawn(width)] + (0..<3).map { _ in drawn(width * width) }
        let tape = Tape(parameters: Parameters(ParameterList(), seed: 0))
        defer { withExtendedLifetime(tape) {} }
        tape.reset()
        let rows = tape.matrix(tokens, columns: width)
        let values =
            [areChannels ? tape.transposed(rows) : rows, tape.matrix(others[0], columns: width)]
            + others[1...].map { tape.matrix($0, columns: width) }
        let y = pool(tape, values, heads: sizes.heads, areChannels: areChannels)
        #expect(y.rows == Self.samples && y.columns == width)
        for sample in 0..<Self.samples {
            let own = (0..<time).map { t in
                (0..<width).map { Double(tokens[(sample * time + t) * width + $0]) }
            }
            let doubles = others.map { $0.map { Double($0) } }
            let expected = reference(
                own, query: doubles[0], q: doubles[1], k: doubles[2], v: doubles[3],
                heads: sizes.heads)
            for (value, expected) in zip(y.row(sample), expected) {
                #expect(abs(Double(value) - expected) < 2e-5)
            }
        }
    }

    @Test(arguments: [
        (512, 32), (128, 32), (192, 32), (24, 24), (40, 20), (48, 24), (37, 1), (1, 1),
    ])
    func headsHaveThirtyTwoNumbersOrADivisor(width: Int, expected: Int) {
        #expect(AttentionPool.headWidth(of: width) == expected)
    }

    /// Numbers of scripts/pytorch/attention_pool.py.
    @Test(arguments: [false, true]) func outputAndGradientsAreThoseOfPyTorch(areChannels: Bool) {
        let (width, time) = (64, 9)
        var list = ParameterList()
        let tokens = list.add(
            "tokens",
            shape: areChannels ? [width, Self.samples * time] : [Self.samples * time, width],
            .zeros)
        let layer = AttentionPool("pool", width: width, in: &list)
        let parameters = Parameters(list, seed: 0)
        for (number, name) in [
            "tokens", "pool.query", "pool.q.weight", "pool.k.weight",
            "pool.v.weight",
        ].enumerated() {
            guard let index = parameters.index(of: name) else { fatalError("no \(name)") }
            let values = parameters.tensor(index).floats
            for i in values.indices {
                // Tokens are written down row by row, whichever way they lie in memory.
                let place =
                    number == 0 && areChannels
                    ? i % (Self.samples * time) * width + i / (Self.samples * time) : i
                values[i] = Float(0.4 * sin(0.37 * Double(place) + 1.3 * Double(number)))
            }
        }
        let tape = Tape(parameters: parameters)
        tape.reset()
        let y = layer(
            tape.parameter(tokens), samples: Self.samples, areChannels: areChannels, on: tape)
        let sink = GradientNorms()
        let output = y.numbers.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        #expect(abs(output - Self.expected[0]) < 1e-5 * Self.expected[0])
        tape.backward(
            from: y,
            gradient: { for i in $0.indices { $0[i] = Float(cos(0.21 * Double(i))) } },
            into: sink)
        for (index, expected) in Self.expected.dropFirst().enumerated() {
            let norm = sink.found[index] ?? 0
            #expect(abs(norm - expected) < 1e-4 * expected, "\(parameters[index].name)")
        }
        withExtendedLifetime(tape) {}
    }

    /// Of the output, and of the gradients of tokens, query, and the maps q, k and v.
    private static let expected: [Double] = [
        47.829205, 2.8596121, 0.32068105, 1.4158227, 1.3951266, 27.298183,
    ]

    private final class GradientNorms: GradientSink {
        var found: [Int: Double] = [:]
        func receive(gradient: Numbers<Float>, of parameter: Int) {
            found[parameter] = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        }
    }
}
