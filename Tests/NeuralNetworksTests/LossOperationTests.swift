import Kernels
import NeuralNetworks
import TestSupport
import Testing

/// Losses, and the small operations of branches and groups.
struct LossOperationTests {
    private let bound = 5e-3

    @Test(arguments: GoldenCase.all("loss_supervised"))
    func lossesAndGradientsAgree(golden: GoldenCase) {
        let target = golden("sl1.target").floats
        check(golden, "sl1", input: "sl1.pred", gradients: "grad.sl1") { tape, x in
            tape.smoothL1(x, target: tape.numbers(target))
        }
        let hot = golden("multi_hot").floats
        check(golden, "bce", input: "logits", gradients: "grad.bce") { tape, x in
            tape.binaryCrossEntropy(logits: x, target: tape.numbers(hot))
        }
    }

    private func check(
        _ golden: GoldenCase, _ name: String, input: String, gradients: String,
        _ loss: (Tape, Value) -> (value: Value, loss: Double)
    ) {
        let graph = TestGraph([("x", golden(input))])
        var double = 0.0
        let y = graph.run(cotangent: [1]) { tape, v in
            let (value, loss) = loss(tape, v[0])
            double = loss
            return value
        }
        #expect(relativeError(y, golden(name)) < 1e-5)
        #expect(abs(double - golden(name).doubles[0]) < 1e-6)
        #expect(relativeError(graph.gradient("x"), golden(gradients)) < 1e-4)
    }

    @Test func gradientsOfLossesAreRight() {
        let target: [Float] = (0..<24).map { 0.4 * Float($0 % 7) - 1 }
        let counted: [UInt8] = (0..<24).map { $0 % 3 == 0 ? 0 : 1 }
        #expect(
            gradientError(shapes: [[3, 8]]) { tape, v in
                tape.smoothL1(v[0], target: tape.numbers(target)).value
            } < bound)
        #expect(
            gradientError(shapes: [[3, 8]]) { tape, v in
                tape.smoothL1(
                    v[0], target: tape.numbers(target), counted: tape.numbers(counted)
                ).value
            } < bound)
        #expect(
            gradientError(shapes: [[3, 8]]) { tape, v in
                tape.binaryCrossEntropy(logits: v[0], target: tape.numbers(target)).value
            } < bound)
    }

    @Test func whatDoesNotCountIsLeftOutOfTheMean() {
        let target: [Float] = [0, 0, .nan, 0]
        let (some, none): ([UInt8], [UInt8]) = ([1, 1, 0, 0], [0, 0, 0, 0])
        let input = GoldenTensor(shape: [2, 2], doubles: [0.5, 3, 1, .infinity])
        let graph = TestGraph([("x", input)])
        for (counted, expected) in [(some, (0.125 + 2.5) / 2), (none, 0)] {
            let y = graph.run(cotangent: [1]) { tape, v in
                tape.smoothL1(
                    v[0], target: tape.numbers(target), counted: tape.numbers(counted)
                ).value
            }
            #expect(abs(Double(y[0]) - expected) < 1e-7)
            let finite = graph.gradient("x").filter(\.isFinite)
            #expect(finite.count == 4)
        }
    }

    @Test func gradientsOfSmallOperationsAreRight() {
        let indices: [Int32] = [2, 0, 2]
        let factors: [Float] = [0, 1.25]
        #expect(
            gradientError(shapes: [[6, 5], [3, 5]]) { tape, v in
                tape.addRows(of: v[1], indices: tape.numbers(indices), to: v[0])
            } < bound)
        #expect(
            gradientError(shapes: [[4, 5], [4, 5]]) { tape, v in
                tape.addBranch(v[0], factors: tape.numbers(factors), to: v[1])
            } < bound)
        #expect(
            gradientError(shapes: [[4, 3], [6, 3]]) { tape, v in
                tape.joinGroups(v[0], v[1], groups: 2)
            } < bound)
        #expect(
            gradientError(shapes: [[3, 16]]) { tape, v in
                tape.layerNormalisation(v[0], epsilon: 1e-5)
            } < 4 * bound)
    }

    @Test func detachedResultsHaveNoGradientAndGiveTheirMemoryBack() {
        let graph = TestGraph([("x", GoldenTensor(shape: [2, 3], doubles: [1, 2, 3, 4, 5, 6]))])
        let y = graph.run(cotangent: [1, 1, 1, 1, 1, 1]) { tape, v in
            let before = tape.detached(rows: 2, columns: 3) { tape.sum(v[0], v[0]) }
            let next = tape.detached(rows: 2, columns: 3) { tape.sum(before, before) }
            // Had the first part kept its result's memory, the next would lie further on.
            #expect(next.numbers.startAddress - before.numbers.startAddress == 16)
            #expect(!next.wantsGradient)
            return tape.sum(next, v[0])
        }
        #expect(y == [5, 10, 15, 20, 25, 30])
        #expect(graph.gradient("x") == [1, 1, 1, 1, 1, 1])
    }
}
