import Kernels
import TestSupport
import Testing

@testable import NeuralNetworks

/// Layers of state spaces: the systems they are made of, and what does not depend on how they are computed.
struct StateSpaceTests {
    @Test(arguments: [2, 4, 8, 16, 64])
    func eigenvectorsAreThoseOfTheLegendreMatrix(order: Int) {
        let memory = LegendreMemory(order: order)
        func root(_ n: Int) -> Double { Double(2 * n + 1).squareRoot() }
        // A + p p', as the paper writes A.
        let matrix = SquareMatrix(order: order) { n, k in
            let a = n > k ? -root(n) * root(k) : (n == k ? -Double(n + 1) : 0)
            return a + root(n) * root(k) / 2
        }
        #expect(memory.frequencies.count == order / 2)
        #expect(memory.frequencies.allSatisfy { $0 > 0 })
        let bound = 1e-11 * Double(order * order)
        for ((w, v), input) in zip(zip(memory.frequencies, memory.vectors), memory.input) {
            let (re, im) = (matrix * v.re, matrix * v.im)
            for n in 0..<order {
                #expect(abs(re[n] - (-0.5 * v.re[n] - w * v.im[n])) < bound)
                #expect(abs(im[n] - (-0.5 * v.im[n] + w * v.re[n])) < bound)
            }
            let squares = (0..<order).reduce(0) { $0 + v.re[$1] * v.re[$1] + v.im[$1] * v.im[$1] }
            #expect(abs(squares - 1) < 1e-12)
            #expect(abs((0..<order).reduce(0) { $0 + v.re[$1] * root($1) } - input) < bound)
            #expect(abs((0..<order).reduce(0) { $0 + v.im[$1] * root($1) }) < bound)
        }
    }

    @Test func theFirstMatrixIsTheOneThatEveryCodeHas() {
        let memory = LegendreMemory(order: 8)
        for (actual, expected) in zip(memory.frequencies, [19.857, 5.354, 1.958, 0.428]) {
            #expect(abs(actual - expected) < 1e-3)
        }
    }

    @Test func aSystemDecaysAsEightFixedMemories() {
        // The matrix is similar to one with eigenvalues -1, …, -8, so a token's transition has (1 - k dt/2)/(1 + k dt/2).
        let (parameters, _) = Self.layer(width: 1, state: 8, length: 50)
        let constants = Self.constants(parameters, pairs: 4)
        let dt = ElementaryFunctions.exponential(Double(constants.logSteps[0]))
        let transition = StateSpaceSystem(constants, channel: 0).transition
        let trace = (0..<8).reduce(0) { $0 + transition[$1, $1] }
        let expected = (1...8).reduce(0) {
            $0 + (1 - Double($1) * dt / 2) / (1 + Double($1) * dt / 2)
        }
        #expect(abs(trace - expected) < 1e-6)
    }

    @Test(arguments: [false, true], [1, 7, 24, 50])
    func chunksDoNotShow(isBidirectional: Bool, chunk: Int) {
        let input = Self.signal(width: 3, columns: 2 * 50)
        let whole = Self.run(input, samples: 2, isBidirectional, chunk: 50)
        let cut = Self.run(input, samples: 2, isBidirectional, chunk: chunk)
        let largest = whole.map(abs).max() ?? 0
        #expect(zip(whole, cut).allSatisfy { abs($0 - $1) < 1e-6 * max(1, largest) })
    }

    @Test(arguments: [1, 5, 23, 24, 25, 50, 64, 97])
    func signalsMayHaveAnyLength(time: Int) {
        // Longer ones begin as shorter ones do, and samples do not see each other.
        let long = Self.signal(width: 3, columns: 97)
        let short = Self.columns(long, 0..<time, of: 97)
        let expected = Self.columns(Self.run(long, samples: 1, false, chunk: 24), 0..<time, of: 97)
        let result = Self.run(short, samples: 1, false, chunk: 24)
        #expect(zip(result, expected).allSatisfy { abs($0 - $1) < 2e-6 })
        let doubled = (0..<3).flatMap { row in
            let part = short[row * time..<(row + 1) * time]
            return Array(repeating: Float(2), count: time) + part
        }
        let behind = Self.columns(
            Self.run(doubled, samples: 2, false, chunk: 24), time..<2 * time, of: 2 * time)
        #expect(zip(result, behind).allSatisfy { abs($0 - $1) < 2e-6 })
    }

    @Test func onlyWhatCameBeforeIsSeen() {
        let time = 40
        let input = Self.signal(width: 3, columns: time)
        for changed in [0, 6, 7, 20, 39] {
            var other = input
            for row in 0..<3 { other[row * time + changed] += 1 }
            for isBidirectional in [false, true] {
                let (first, second) = (
                    Self.run(input, samples: 1, isBidirectional, chunk: 7),
                    Self.run(other, samples: 1, isBidirectional, chunk: 7)
                )
                for row in 0..<3 {
                    for t in 0..<time {
                        let isSame = first[row * time + t] == second[row * time + t]
                        #expect(
                            isSame == (t < changed && !isBidirectional),
                            "time \(t) after a change at \(changed)")
                    }
                }
            }
        }
    }

    @Test func threadsGetTheSameBitsFromOneLayer() async {
        let input = Self.signal(width: 16, columns: 4 * 50)
        let (parameters, layer) = Self.layer(width: 16, state: 8, length: 50)
        let results = await withTaskGroup(of: [Float].self) { group in
            for _ in 0..<4 {
                group.addTask { Self.run(input, samples: 4, layer: layer, parameters) }
            }
            return await group.reduce(into: [[Float]]()) { $0.append($1) }
        }
        #expect(results.allSatisfy { $0 == results[0] })
        #expect(results[0] == Self.run(input, samples: 4, layer: layer, parameters))
    }

    @Test func otherConstantsGetOtherTables() {
        let input = Self.signal(width: 3, columns: 50)
        let (parameters, layer) = Self.layer(width: 3, state: 8, length: 50)
        let first = Self.run(input, samples: 1, layer: layer, parameters)
        guard let steps = parameters.index(of: "s4.kernel.kernel.log_dt") else {
            Issue.record("no time steps")
            return
        }
        for channel in 0..<3 { parameters.values(of: steps)[channel] += 0.5 }
        #expect(Self.run(input, samples: 1, layer: layer, parameters) != first)
        for channel in 0..<3 { parameters.values(of: steps)[channel] -= 0.5 }
        let again = Self.run(input, samples: 1, layer: layer, parameters)
        #expect(zip(first, again).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    // MARK: A small layer

    private static func layer(
        width: Int, state: Int, length: Int, chunk: Int = 24, isBidirectional: Bool = false
    ) -> (Parameters, StateSpaceLayer) {
        var list = ParameterList()
        let layer = StateSpaceLayer(
            "s4",
            StateSpaceLayer.Sizes(
                width: width, state: state, length: length, chunk: chunk,
                isBidirectional: isBidirectional), in: &list)
        return (Parameters(list, seed: 5), layer)
    }

    private static func constants(_ parameters: Parameters, pairs: Int) -> StateSpaceConstants {
        func table(_ name: String) -> [Float] {
            parameters.index(of: "s4.kernel.kernel.\(name)").map {
                parameters.tensor($0).floatArray
            } ?? []
        }
        return StateSpaceConstants(
            pairs: pairs, logSteps: table("log_dt"), w: table("w"), b: table("B"), p: table("P"),
            q: table("Q"))
    }

    private static func signal(width: Int, columns: Int) -> [Float] {
        var random = RandomStream(seed: 3, purpose: .test)
        return (0..<width * columns).map { _ in Float(random.nextNormal()) }
    }

    private static func columns(_ values: [Float], _ range: Range<Int>, of count: Int) -> [Float] {
        (0..<values.count / count).flatMap { row in range.map { values[row * count + $0] } }
    }

    private static func run(
        _ input: [Float], samples: Int, _ isBidirectional: Bool, chunk: Int
    ) -> [Float] {
        let (parameters, layer) = layer(
            width: 3, state: 8, length: 50, chunk: chunk, isBidirectional: isBidirectional)
        return run(input, samples: samples, layer: layer, parameters)
    }

    private static func run(
        _ input: [Float], samples: Int, layer: StateSpaceLayer, _ parameters: Parameters
    ) -> [Float] {
        let width = parameters[parameters.index(of: "s4.D") ?? 0].count
        let tape = Tape(parameters: parameters)
        defer { withExtendedLifetime(tape) {} }
        tape.reset()
        let x = tape.input(rows: width, columns: input.count / width)
        x.numbers.update(from: input.span)
        return layer(x, samples: samples, on: tape).array
    }
}
