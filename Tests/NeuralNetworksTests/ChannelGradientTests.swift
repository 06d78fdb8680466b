import Kernels
import TestSupport
import Testing

@testable import NeuralNetworks

/// Operations on values whose rows are channels, against central differences and plain loops.
struct ChannelGradientTests {
    private let bound = 5e-3

    @Test(arguments: [1, 2], [3, 5])
    func stateSpaces(directions: Int, chunk: Int) {
        let (width, pairs, samples, time) = (3, 2, 2, 8)
        let memory = LegendreMemory(order: 2 * pairs)
        func table(_ value: (Int) -> [Double]) -> [Float] {
            (0..<width).flatMap { _ in (0..<pairs).flatMap { value($0).map { Float($0) } } }
        }
        let half = table { [memory.input[$0] / 2.0.squareRoot(), 0] }
        let tables = StateSpaceTables(
            StateSpaceConstants(
                pairs: pairs, logSteps: [-2, -1.5, -3],
                w: table { [-0.5, memory.frequencies[$0]] },
                b: table { [memory.input[$0], 0] }, p: half, q: half),
            chunk: chunk, length: 20, directions: directions)
        defer { withExtendedLifetime(tables) {} }
        let error = gradientError(
            shapes: [[width, samples * time], [directions, width, pairs, 2], [1, width]]
        ) { tape, v in
            let factors = tape.input(rows: samples, columns: width)
            for i in 0..<factors.count { factors.data[i] = i % 4 == 1 ? 0 : 1.25 }
            return tape.stateSpace(
                v[0], samples: samples, output: v[1], skip: v[2], tables: tables, factors: factors)
        }
        #expect(error < bound)
    }

    @Test(arguments: [1, 5, 70])
    func gatesWithResiduals(time: Int) {
        let error = gradientError(shapes: [[6, 2 * time], [3, 2 * time], [3], [3]], step: 3e-3) {
            tape, v in
            let factors = tape.input(rows: 2, columns: 3)
            for i in 0..<6 { factors.data[i] = i == 2 ? 0 : 1.5 }
            // Used up, so each run gets a copy with a gradient of its own.
            let copy = tape.channelProduct(v[0], weight: identity(6, on: tape))
            return tape.gatedResidual(
                copy, residual: v[1], gain: v[2], shift: v[3], epsilon: 1e-2, samples: 2,
                factors: factors)
        }
        #expect(error < 2 * bound)
    }

    private func identity(_ order: Int, on tape: Tape) -> Value {
        let matrix = tape.input(rows: order, columns: order)
        for i in 0..<matrix.count { matrix.data[i] = i / order == i % order ? 1 : 0 }
        return matrix
    }

    @Test func rowsAsColumns() {
        let error = gradientError(shapes: [[3, 5]]) { tape, v in tape.transposed(v[0]) }
        #expect(error < bound)
        let tape = Tape(parameters: Parameters(ParameterList(), seed: 0))
        let x = tape.input(rows: 2, columns: 3)
        for i in 0..<6 { x.data[i] = Float(i) }
        #expect(tape.transposed(x).array == [0, 3, 1, 4, 2, 5])
    }

    @Test func products() {
        let error = gradientError(shapes: [[5, 7], [4, 5], [4, 1]]) { tape, v in
            tape.channelProduct(v[0], weight: v[1], bias: v[2])
        }
        #expect(error < bound)
    }

    @Test(arguments: [(1, 1, 0), (3, 2, 1)])
    func convolutionsWithABias(kernel: Int, stride: Int, padding: Int) {
        let shape = ConvolutionShape(kernel: kernel, stride: stride, padding: padding)
        let error = gradientError(shapes: [[4, 9], [3, 2, kernel], [3]]) { tape, v in
            tape.channelConvolution(v[0], inputs: 2, weight: v[1], bias: v[2], shape: shape)
        }
        #expect(error < bound)
    }

    @Test(arguments: [(3, 2, 1), (5, 1, 2), (4, 3, 0), (7, 2, 3)])
    func convolutions(kernel: Int, stride: Int, padding: Int) {
        let shape = ConvolutionShape(kernel: kernel, stride: stride, padding: padding)
        let error = gradientError(shapes: [[4, 9], [3, 2, kernel]]) { tape, v in
            tape.channelConvolution(v[0], inputs: 2, weight: v[1], shape: shape)
        }
        #expect(error < bound)
    }

    @Test(arguments: [(3, 2, 1), (5, 1, 2), (4, 3, 0)])
    func convolutionsAreThoseOfRowsOfTimes(kernel: Int, stride: Int, padding: Int) {
        let shape = ConvolutionShape(kernel: kernel, stride: stride, padding: padding)
        let (time, inputs, outputs) = (11, 2, 3)
        var random = RandomStream(seed: 4, purpose: .test)
        func drawn(_ shape: [Int]) -> GoldenTensor {
            GoldenTensor(
                shape: shape,
                doubles: (0..<shape.reduce(1, *)).map { _ in random.nextNormal() })
        }
        let (x, w) = (drawn([inputs, time]), drawn([outputs, inputs, kernel]))
        let graph = TestGraph([("x", x), ("w", w)])
        let rows = graph.run(cotangent: nil) { tape, v in
            tape.channelConvolution(v[0], inputs: inputs, weight: v[1], shape: shape)
        }
        let columns = graph.run(cotangent: nil) { tape, v in
            let turned = tape.input(rows: time, columns: inputs)
            for i in 0..<turned.count {
                turned.data[i] = v[0].data[i % inputs * time + i / inputs]
            }
            return tape.convolution(turned, time: time, weight: v[1], shape: shape)
        }
        let steps = shape.outputTime(time)
        for output in 0..<outputs {
            for step in 0..<steps {
                #expect(
                    abs(rows[output * steps + step] - columns[step * outputs + output]) < 1e-5)
            }
        }
    }

    @Test(arguments: [2, 17, 40])
    func normalisations(columns: Int) {
        // The kink of a rectifier is no place for differences: shifts keep every number on one side.
        let error = gradientError(shapes: [[2, columns], [2], [2]], step: 2e-3) { tape, v in
            let up = tape.input(rows: 1, columns: 2)
            (up.data[0], up.data[1]) = (20, 20)
            return tape.rectifiedChannelNormalisation(
                v[0], gain: v[1], shift: tape.sum(v[2], up), epsilon: 1e-2
            ) { _, _ in }
        }
        #expect(error < 4 * bound)
        let given = gradientError(shapes: [[2, columns], [2], [2]]) { tape, v in
            let numbers = tape.input(rows: 3, columns: 2)
            for (i, value) in [0.5, -1, 2, 0.3, 20, 20].enumerated() {
                numbers.data[i] = Float(value)
            }
            let up = tape.input(rows: 1, columns: 2)
            (up.data[0], up.data[1]) = (20, 20)
            return tape.rectifiedChannelNormalisation(
                v[0], gain: v[1], shift: tape.sum(v[2], up), epsilon: 1e-5, mean: numbers.row(0),
                variance: numbers.row(1))
        }
        #expect(given < bound)
    }

    @Test func negativeNumbersAreRectifiedAndHaveNoGradient() {
        let graph = TestGraph([
            ("x", GoldenTensor(shape: [1, 4], doubles: [-2, -1, 1, 2])),
            ("gain", GoldenTensor(shape: [1], doubles: [1])),
            ("shift", GoldenTensor(shape: [1], doubles: [0])),
        ])
        let result = graph.run(cotangent: [1, 1, 1, 1]) { tape, v in
            tape.rectifiedChannelNormalisation(v[0], gain: v[1], shift: v[2], epsilon: 0) { _, _ in
            }
        }
        let deviation = Float(2.5.squareRoot())
        #expect(result[..<2] == [0, 0])
        #expect(abs(result[3] - 2 / deviation) < 1e-6)
        #expect(graph.gradient("shift") == [2])
    }

    @Test(arguments: [TimeMoments.mean, .all])
    func moments(of moments: TimeMoments) {
        let error = gradientError(shapes: [[3, 2 * 7]], step: 1e-3) { tape, v in
            tape.timeMoments(v[0], samples: 2, moments)
        }
        #expect(error < 2 * bound)
    }

    @Test func joinedColumns() {
        let error = gradientError(shapes: [[3, 2], [3, 4]]) { tape, v in
            tape.joinedColumns(v[0], v[1])
        }
        #expect(error < bound)
    }

    @Test(arguments: [LossReduction.mean, .sum], [false, true])
    func contrastsWithTheFuture(reduction: LossReduction, drawsAll: Bool) {
        let (samples, time, horizon) = (2, 9, 3)
        let negatives: FutureNegatives =
            drawsAll
            ? .allOthers
            : .drawn(count: 5) { sample, start, times in
                for i in times.indices {
                    let drawn = (7 * i + 3 * sample + start) % (time - 1)
                    times[i] = Int32(drawn < start + horizon ? drawn : drawn + 1)
                }
            }
        let error = gradientError(
            shapes: [[4, samples * time], [4, samples * time]], step: 3e-3
        ) { tape, v in
            tape.futureContrast(
                predictions: v[0], latents: v[1], samples: samples, horizon: horizon, scale: 0.5,
                reduction: reduction, negatives: negatives
            ).value
        }
        #expect(error < 4 * bound)
    }

    @Test func aDropoutIsOneForAllTimesOfAChannel() {
        let tape = Tape(parameters: Parameters(ParameterList(), seed: 0))
        tape.reset()
        func stream(_ sample: Int) -> RandomStream {
            RandomStream(seed: 1, purpose: .dropout, position: UInt32(sample))
        }
        let factors = tape.channelFactors(samples: 2, channels: 400, rate: 0.2, random: stream)
        let numbers = factors.array
        #expect(Set(numbers) == [0, 1.25])
        let dropped = numbers.count { $0 == 0 }
        #expect((110...210).contains(dropped))
        #expect(numbers[..<400] != numbers[400...])
        let later = tape.channelFactors(
            samples: 2, channels: 300, rate: 0.2, skipping: 100, random: stream
        ).array
        #expect(later[..<300] == numbers[100..<400])
    }
}
