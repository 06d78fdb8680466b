import Kernels
import NeuralNetworks
import TestSupport
import Testing

/// Rows and columns of values, and operations that are made of them.
@Suite struct ValueRowsTests {
    private func withTape(_ body: (Tape) -> Void) {
        let tape = Tape(parameters: Parameters(ParameterList(), seed: 0))
        withExtendedLifetime(tape) { body(tape) }
    }

    @Test func rowsAndPlacesAreTheSameNumbers() {
        withTape { tape in
            let x = tape.matrix((0..<12).map { Float($0) }, columns: 3)
            x[2, 1] = -1
            #expect(x[3, 2] == 11 && Array(x.row(2)) == [6, -1, 8])
            let middle = x.rows(1..<3)
            #expect(middle.rows == 2 && middle.columns == 3 && !middle.wantsGradient)
            middle.row(0).update(repeating: 4)
            #expect(x.array == [0, 1, 2, 4, 4, 4, 6, -1, 8, 9, 10, 11])
            #expect(tape.zeros(rows: 2, columns: 2).array == [0, 0, 0, 0])
            #expect(Array(tape.numbers(repeating: UInt8(7), count: 3)) == [7, 7, 7])
        }
    }

    @Test func numbersOfATapeDoNotOverlap() {
        withTape { tape in
            let parts = (1...20).map { tape.numbers(repeating: Int32($0), count: $0) }
            for (place, part) in parts.enumerated() {
                #expect(part.allSatisfy { $0 == Int32(place + 1) })
            }
        }
    }

    @Test func softmaxOfRowsHasTheirLogarithms() {
        withTape { tape in
            let x = tape.matrix([0, 0, 1, -.infinity], columns: 2)
            let logarithms = tape.numbers(2, of: Double.self)
            softmaxRows(x, scale: 1, logarithms: logarithms)
            #expect(abs(logarithms[0] - 0.693_147) < 1e-5 && abs(logarithms[1] - 1) < 1e-6)
            #expect(x[0, 0] == 0.5 && x[1, 0] == 1 && x[1, 1] == 0)
        }
    }

    /// An operation of a method, with gradients as matrices.
    private struct Doubling: NeuralNetworks.Operation {
        let x: Value
        let y: Value

        func backward(on tape: Tape) {
            guard let dy = tape.takenGradient(of: y) else { return }
            if let dx = tape.addedGradient(to: x) {
                for row in 0..<dy.rows { addProduct(dy.row(row), 2, into: dx.row(row)) }
            }
            tape.release(dy)
        }
    }

    @Test func anOperationCanBeMadeOfRows() {
        #expect(
            gradientError(shapes: [[3, 4]]) { tape, v in
                let y = tape.result(rows: 3, columns: 4)
                scale(v[0].numbers, by: 2, into: y.numbers)
                tape.record(Doubling(x: v[0], y: y))
                // Used twice, so that its gradient is added to one that is there.
                return tape.sum(y, v[0])
            } < 5e-3)
    }

    @Test func interleavedRowsPassTheirGradients() {
        #expect(
            gradientError(shapes: [[3, 4], [3, 4]]) { tape, v in
                tape.interleavedRows(v[0], v[1])
            } < 5e-3)
    }

    @Test func leadsBecomeColumns() {
        withTape { tape in
            let signals = tape.matrix((0..<12).map { Float($0) }, columns: 3)
            #expect(
                tape.channelsLast(signals, leads: 2).array == [
                    0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11,
                ])
        }
    }
}

/// What stops the process rather than read or write beside a value.
@Suite struct ValueMisuseTests {
    private static func onTape(_ body: (Tape, Value) -> Void) {
        let tape = Tape(parameters: Parameters(ParameterList(), seed: 0))
        withExtendedLifetime(tape) { body(tape, tape.zeros(rows: 2, columns: 3)) }
    }

    @Test func aColumnBeyondTheValueStops() async {
        await #expect(processExitsWith: .failure) { Self.onTape { _, x in x[0, 3] = 1 } }
    }

    @Test func aRowBeyondTheValueStops() async {
        await #expect(processExitsWith: .failure) { Self.onTape { _, x in _ = x.row(2) } }
    }

    @Test func anIndexBeyondTheRowsStops() async {
        await #expect(processExitsWith: .failure) {
            Self.onTape { tape, x in
                _ = tape.gatherRows(x, indices: tape.numbers(repeating: 2, count: 1))
            }
        }
    }

    @Test func aCodeBeyondTheCodebookStops() async {
        await #expect(processExitsWith: .failure) {
            Self.onTape { tape, x in
                _ = tape.quantised(
                    x, codebook: x, chosen: tape.numbers(repeating: -1, count: 2), rotates: false)
            }
        }
    }

    @Test func tooFewTargetsStop() async {
        await #expect(processExitsWith: .failure) {
            Self.onTape { tape, x in _ = tape.smoothL1(x, target: x.row(0)) }
        }
    }

    @Test func theGradientOfWhatHasNoneStops() async {
        await #expect(processExitsWith: .failure) {
            Self.onTape { tape, x in
                tape.backward(from: x, gradient: { _ in }, into: TestGraph([]))
            }
        }
    }
}
