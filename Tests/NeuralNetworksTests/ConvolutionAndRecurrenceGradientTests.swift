import Kernels
import NeuralNetworks
import TestSupport
import Testing

/// Convolutional and recurrent operations against central differences.
struct ConvolutionAndRecurrenceGradientTests {
    private let bound = 5e-3

    @Test(arguments: [
        ConvolutionShape(kernel: 3), ConvolutionShape(kernel: 4, stride: 2, padding: 1),
        ConvolutionShape(kernel: 2, stride: 3), ConvolutionShape(kernel: 5, stride: 1, padding: 4),
    ])
    func convolution(shape: ConvolutionShape) {
        #expect(
            gradientError(shapes: [[2 * 9, 3], [4, 3, shape.kernel], [4]]) { tape, v in
                tape.convolution(v[0], time: 9, weight: v[1], bias: v[2], shape: shape)
            } < bound)
    }

    @Test func convolutionAgreesWithItsDefinition() {
        let (time, inputs, outputs) = (11, 2, 3)
        let shape = ConvolutionShape(kernel: 4, stride: 3, padding: 2)
        var random = RandomStream(seed: 5, purpose: .test)
        func tensor(_ sizes: [Int]) -> GoldenTensor {
            GoldenTensor(
                shape: sizes, doubles: (0..<sizes.reduce(1, *)).map { _ in random.nextNormal() })
        }
        let (x, w) = (tensor([2 * time, inputs]), tensor([outputs, inputs, shape.kernel]))
        let graph = TestGraph([("x", x), ("w", w)])
        let y = graph.run(cotangent: nil) { tape, v in
            tape.convolution(v[0], time: time, weight: v[1], shape: shape)
        }
        var expected: [Double] = []
        for sample in 0..<2 {
            for step in 0..<shape.outputTime(time) {
                for output in 0..<outputs {
                    var total = 0.0
                    for channel in 0..<inputs {
                        for tap in 0..<shape.kernel {
                            let t = step * shape.stride + tap - shape.padding
                            guard (0..<time).contains(t) else { continue }
                            total +=
                                x.doubles[(sample * time + t) * inputs + channel]
                                * w.doubles[(output * inputs + channel) * shape.kernel + tap]
                        }
                    }
                    expected.append(total)
                }
            }
        }
        #expect(relativeError(y, GoldenTensor(shape: [], doubles: expected)) < 1e-5)
    }

    @Test func batchNormalisation() {
        #expect(
            gradientError(shapes: [[9, 5], [5], [5]]) { tape, v in
                tape.batchNormalisation(v[0], gain: v[1], shift: v[2], epsilon: 1e-5) { _, _ in }
            } < 4 * bound)
        let moments: [Float] = [0.1, -0.2, 0.3, 0, 1, 0.5, 2, 1, 0.8, 1.5]
        #expect(
            gradientError(shapes: [[9, 5], [5], [5]]) { tape, v in
                let moments = tape.numbers(moments)
                return tape.batchNormalisation(
                    v[0], gain: v[1], shift: v[2], epsilon: 1e-5, mean: moments.part(0..<5),
                    variance: moments.part(5..<10))
            } < bound)
    }

    @Test func reluPoolL2NormalisationAndDropout() {
        // Numbers far enough from the kinks that a step does not cross one.
        #expect(
            gradientError(shapes: [[6, 5]], seed: 3, step: 1e-3) { tape, v in
                tape.relu(v[0])
            } < bound)
        #expect(
            gradientError(shapes: [[2 * 7, 3]], seed: 2, step: 1e-3) { tape, v in
                tape.maximumPool(v[0], time: 7, window: 3)
            } < bound)
        #expect(gradientError(shapes: [[6, 5]]) { tape, v in tape.l2Normalised(v[0]) } < bound)
        #expect(
            gradientError(shapes: [[6, 5]]) { tape, v in
                tape.dropout(v[0], rate: 0.3, runs: 2) {
                    RandomStream(seed: 1, purpose: .dropout, position: UInt32($0))
                }
            } < bound)
    }

    @Test func dropoutKeepsTheMeanAndDependsOnTheRunAlone() {
        let ones = GoldenTensor(shape: [40, 100], doubles: Array(repeating: 1, count: 4000))
        let graph = TestGraph([("x", ones)])
        func dropped(runs: Int, first: Int) -> [Float] {
            graph.run(cotangent: nil) { tape, v in
                tape.dropout(v[0], rate: 0.25, runs: runs) {
                    RandomStream(seed: 1, purpose: .dropout, position: UInt32(first + $0))
                }
            }
        }
        let all = dropped(runs: 4, first: 0)
        #expect(Set(all) == [0, 1 / 0.75])
        #expect(abs(all.reduce(0, +) / 4000 - 1) < 0.03)
        #expect(dropped(runs: 4, first: 1).prefix(3000) == all.suffix(3000))
    }

    @Test(arguments: [1, 4])
    func gatedRecurrence(time: Int) {
        #expect(
            gradientError(shapes: [[2 * time, 3], [15, 3], [15, 5], [15], [15]]) { tape, v in
                tape.gatedRecurrence(
                    v[0], time: time,
                    weights: RecurrenceWeights(
                        input: v[1], hidden: v[2], inputBias: v[3], hiddenBias: v[4]))
            } < bound)
    }

    @Test(arguments: [1, 4])
    func memoryRecurrence(time: Int) {
        #expect(
            gradientError(shapes: [[2 * time, 3], [20, 3], [20, 5], [20], [20]]) { tape, v in
                tape.memoryRecurrence(
                    v[0], time: time,
                    weights: RecurrenceWeights(
                        input: v[1], hidden: v[2], inputBias: v[3], hiddenBias: v[4]))
            } < bound)
    }

    @Test func aLossPassesItsGradientsOn() {
        let graph = TestGraph([
            ("a", GoldenTensor(shape: [1, 2], doubles: [3, 4])),
            ("b", GoldenTensor(shape: [1, 1], doubles: [5])),
        ])
        let y = graph.run(cotangent: [2]) { tape, v in
            tape.loss(
                7, (v[0], tape.matrix([1, -1], columns: 2)), (v[1], tape.matrix([0.5], columns: 1)))
        }
        #expect(y == [7])
        #expect(graph.gradient("a") == [2, -2])
        #expect(graph.gradient("b") == [1])
    }
}
