import Kernels
import NeuralNetworks
import TestSupport
import Testing

/// Every operation against central differences.
///
/// The steps are 1e-2 in float32, so 5e-3 is what a right gradient
/// leaves; a wrong one is off by tenths.
struct GradientTests {
    private let bound = 5e-3

    @Test(arguments: [(1, 1, 1), (5, 3, 7), (9, 17, 4)])
    func linear(rows: Int, inputs: Int, outputs: Int) {
        let shapes = [[rows, inputs], [outputs, inputs], [outputs], [rows, outputs]]
        #expect(
            gradientError(shapes: shapes) { tape, v in
                tape.linear(v[0], weight: v[1], bias: v[2], residual: v[3])
            } < bound)
        #expect(
            gradientError(shapes: Array(shapes[..<2])) { tape, v in
                tape.linear(v[0], weight: v[1])
            } < bound)
    }

    @Test func linearWithItsOwnInputAsResidual() {
        #expect(
            gradientError(shapes: [[6, 5], [5, 5], [5]]) { tape, v in
                tape.linear(v[0], weight: v[1], bias: v[2], residual: v[0])
            } < bound)
    }

    @Test(arguments: [3, 16, 33])
    func layerNormalisation(columns: Int) {
        #expect(
            gradientError(shapes: [[4, columns], [columns], [columns]]) { tape, v in
                tape.layerNormalisation(v[0], gain: v[1], shift: v[2], epsilon: 1e-5)
            } < 4 * bound)
    }

    @Test func biasGELU() {
        #expect(
            gradientError(shapes: [[5, 7], [7], [7, 7]]) { tape, v in
                tape.biasGELU(tape.linear(v[0], weight: v[2]), bias: v[1])
            } < bound)
    }

    @Test(arguments: [(2, 3, 2, 4), (1, 9, 1, 5)])
    func attention(sequences: Int, tokens: Int, heads: Int, width: Int) {
        #expect(
            gradientError(shapes: [[sequences * tokens, 3 * heads * width]]) { tape, v in
                tape.attention(v[0], tokens: tokens, heads: heads)
            } < bound)
        let keep = (0..<tokens * tokens).map {
            UInt8($0 % 3 == 0 || $0 / tokens == $0 % tokens ? 1 : 0)
        }
        #expect(
            gradientError(shapes: [[sequences * tokens, 3 * heads * width]]) { tape, v in
                tape.attention(v[0], tokens: tokens, heads: heads, keep: tape.numbers(keep))
            } < bound)
    }

    @Test func rowsAndSums() {
        let indices: [Int32] = [3, 0, 3, 2]
        #expect(
            gradientError(shapes: [[5, 4]]) { tape, v in
                tape.gatherRows(v[0], indices: tape.numbers(indices))
            } < bound)
        #expect(
            gradientError(shapes: [[6, 4]]) { tape, v in tape.meanOfRows(v[0], length: 3) } < bound)
        #expect(
            gradientError(shapes: [[6, 4], [6, 4]]) { tape, v in
                tape.sum(tape.sum(v[0], v[1]), v[0])
            } < bound)
    }

    @Test func theCheckerFindsAWrongGradient() {
        let error = gradientError(shapes: [[3, 4]]) { tape, v in
            let doubled = tape.input(rows: 3, columns: 4)
            doubled.numbers.update(from: v[0].numbers)
            return tape.sum(doubled, v[0])
        }
        #expect(error > 0.3)
    }
}
