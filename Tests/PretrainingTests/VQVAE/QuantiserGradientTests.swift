import Kernels
import NeuralNetworks
import TestSupport
import Testing

@testable import Pretraining

/// The quantiser's and the head's operations against central differences.
struct QuantiserGradientTests {
    private let bound = 5e-3
    private let chosen: [Int32] = [2, 0, 2, 1, 3]

    /// Each side sees the other as fixed, so each is differentiated alone.
    @Test func codeLossOnEitherSide() {
        func fixed(_ rows: Int, on tape: Tape) -> Value {
            let value = tape.input(rows: rows, columns: 3)
            for i in 0..<value.count { value.numbers[i] = Float((i * 5) % 7) / 3 - 1 }
            return value
        }
        #expect(
            gradientError(shapes: [[5, 3]]) { tape, v in
                tape.codeLoss(
                    v[0], codebook: fixed(4, on: tape), chosen: tape.numbers(chosen),
                    commitment: 0.25, codes: 0
                ).value
            } < bound)
        #expect(
            gradientError(shapes: [[4, 3]]) { tape, v in
                tape.codeLoss(
                    fixed(5, on: tape), codebook: v[0], chosen: tape.numbers(chosen),
                    commitment: 0, codes: 0.7
                ).value
            } < bound)
    }

    /// Straight through, the gradient of a code is that of the vector.
    @Test func straightThroughPassesTheGradientAsItIs() {
        var random = RandomStream(seed: 4, purpose: .test)
        let graph = TestGraph([
            ("z", numbers([5, 3], &random)), ("codes", numbers([4, 3], &random)),
        ])
        let cotangent = (0..<15).map { Float($0) - 7 }
        _ = graph.run(cotangent: cotangent) { tape, v in
            tape.quantised(v[0], codebook: v[1], chosen: tape.numbers(chosen), rotates: false)
        }
        #expect(graph.gradient("z") == cotangent)
        #expect(graph.gradient("codes").allSatisfy { $0 == 0 })
    }

    /// The rotation is fixed in the backward pass, so differences are taken of the turned and scaled vector.
    @Test func rotationIsTheGradientOfTheTurnedVector() {
        var random = RandomStream(seed: 5, purpose: .test)
        let (z, codes) = (numbers([5, 4], &random), numbers([4, 4], &random))
        let graph = TestGraph([("z", z), ("codes", codes)])
        let cotangent = (0..<20).map { _ in Float(random.nextNormal()) }
        _ = graph.run(cotangent: cotangent) { tape, v in
            tape.quantised(v[0], codebook: v[1], chosen: tape.numbers(chosen), rotates: true)
        }
        var expected: [Double] = []
        for row in 0..<5 {
            let vector = Array(z.doubles[row * 4..<row * 4 + 4])
            let code = Array(
                codes.doubles[Int(chosen[row]) * 4..<Int(chosen[row]) * 4 + 4])
            let turn = rotation(from: vector, to: code)
            for j in 0..<4 {
                expected.append(
                    (0..<4).reduce(0) { $0 + turn[$1][j] * Double(cotangent[row * 4 + $1]) })
            }
            for i in 0..<4 {
                let turned = (0..<4).reduce(0) { $0 + turn[i][$1] * vector[$1] }
                #expect(abs(turned - code[i]) < 1e-6)
            }
        }
        #expect(
            relativeError(
                graph.gradient("z"), GoldenTensor(shape: [5, 4], doubles: expected)) < 1e-5)
    }

    /// The scaled rotation that takes one vector to another, as a matrix: a reflection at the sum of the two directions,
    /// then one at the second.
    private func rotation(from vector: [Double], to code: [Double]) -> [[Double]] {
        func length(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        let u = vector.map { $0 / length(vector) }
        let v = code.map { $0 / length(code) }
        let sum = zip(u, v).map { $0 + $1 }
        let r = sum.map { $0 / length(sum) }
        let ratio = length(code) / length(vector)
        return u.indices.map { i in
            u.indices.map { j in
                ratio * ((i == j ? 1 : 0) - 2 * r[i] * r[j] + 2 * v[i] * u[j])
            }
        }
    }

    @Test(arguments: [0.3, 1, 4] as [Float])
    func assignmentEntropy(temperature: Float) {
        #expect(
            gradientError(shapes: [[5, 3]]) { tape, v in
                let codebook = tape.input(rows: 4, columns: 3)
                for i in 0..<12 { codebook.numbers[i] = Float((i * 5) % 7) / 3 - 1 }
                return tape.assignmentEntropy(
                    v[0], codebook: codebook, temperature: temperature
                ).value
            } < 2 * bound)
    }

    @Test func hyperbolicTangentAndStandardisation() {
        #expect(
            gradientError(shapes: [[5, 4]]) { tape, v in tape.hyperbolicTangent(v[0]) } < bound)
        let (means, scales): ([Float], [Float]) = ([1, -2, 0.5, 3], [2, 0.5, 1, 3])
        #expect(
            gradientError(shapes: [[5, 4]]) { tape, v in
                tape.standardised(
                    v[0], means: tape.numbers(means), scales: tape.numbers(scales))
            } < bound)
    }

    @Test func lossesAndTheirTotal() {
        let target = (0..<20).map { Float($0 % 6) / 3 - 1 }
        #expect(
            gradientError(shapes: [[5, 4]]) { tape, v in
                let (loss, _) = tape.meanSquaredError(
                    v[0], target: tape.matrix(target, columns: 4), over: 1.7)
                return tape.total(loss, loss, weight: 0.3)
            } < bound)
    }

    /// Rounding apart, the levels are a smooth function; its derivative is what passes.
    @Test func levelsPassTheGradientOfTheirBound() {
        let quantisation = FiniteScalarQuantisation(levels: [8, 5, 3])
        var random = RandomStream(seed: 6, purpose: .test)
        let z = numbers([7, 3], &random)
        let graph = TestGraph([("z", z)])
        _ = graph.run(cotangent: Array(repeating: 1, count: 21)) { tape, v in
            tape.roundedToLevels(v[0], quantisation).value
        }
        func bounded(_ x: Double, _ column: Int) -> Double {
            let (half, offset, shift) = quantisation.bounds(column)
            let tangent = ElementaryFunctions.hyperbolicTangent(x + shift)
            return (tangent * half - offset) / Double(quantisation.levels[column] / 2)
        }
        let expected = z.doubles.enumerated().map { i, x in
            (bounded(x + 1e-5, i % 3) - bounded(x - 1e-5, i % 3)) / 2e-5
        }
        #expect(
            relativeError(graph.gradient("z"), GoldenTensor(shape: [7, 3], doubles: expected))
                < 1e-5)
        #expect(quantisation.codes == 120)
    }

    private func numbers(_ shape: [Int], _ random: inout RandomStream) -> GoldenTensor {
        GoldenTensor(
            shape: shape,
            doubles: (0..<shape.reduce(1, *)).map { _ in Double(Float(random.nextNormal())) })
    }
}
