import Foundation
import Kernels
import Testing

/// Cells of recurrent networks against their published equations in double, and their backward passes against differences of these.
@Suite struct RecurrentGatesTests {
    private let buffer = FencedMemory()

    private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

    /// Cho et al., 2014, equations 5 to 8, with the reset gate on the hidden product.
    private func gru(_ input: [Double], _ hidden: [Double], _ previous: [Double]) -> [Double] {
        let width = previous.count
        return (0..<width).map { j in
            let reset = sigmoid(input[j] + hidden[j])
            let update = sigmoid(input[width + j] + hidden[width + j])
            let candidate = tanh(input[2 * width + j] + reset * hidden[2 * width + j])
            return (1 - update) * candidate + update * previous[j]
        }
    }

    /// Gers et al., 2000, without peepholes: the state, then the cell.
    private func lstm(_ input: [Double], _ hidden: [Double], _ previous: [Double]) -> [Double] {
        let width = previous.count
        let gates = zip(input, hidden).map { $0 + $1 }
        let cell = (0..<width).map { j in
            sigmoid(gates[width + j]) * previous[j] + sigmoid(gates[j]) * tanh(gates[2 * width + j])
        }
        return (0..<width).map { sigmoid(gates[3 * width + $0]) * tanh(cell[$0]) } + cell
    }

    private func product(_ x: [Double], _ y: [Double]) -> Double {
        zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }
    }

    @Test(arguments: Sweep.lengths) func gatedRecurrentUnit(width: Int) {
        let input = Sweep.numbers(3 * width, 1).map { 2 * $0 }
        let (hidden, previous) = (Sweep.numbers(3 * width, 2), Sweep.numbers(width, 3))
        let upstream = Sweep.numbers(width, 4)
        let (parts, states) = (buffer(hidden), buffer(previous))
        let (gates, y) = (buffer(zeros: 3 * width), buffer(zeros: width))
        gruCell(
            input: buffer(input).pointer, hidden: parts.pointer, previous: states.pointer,
            width: width, gates: gates.pointer, into: y.pointer)
        let (dy, dInput, dHidden) = (
            buffer(upstream), buffer(zeros: 3 * width), buffer(zeros: 3 * width)
        )
        gruCellBackward(
            dy.pointer, gates: gates.pointer, hidden: parts.pointer, previous: states.pointer,
            width: width, dInput: dInput.pointer, dHidden: dHidden.pointer)
        let (i, h, p, d) = (
            input.map(Double.init), hidden.map(Double.init), previous.map(Double.init),
            upstream.map(Double.init)
        )
        expectClose(y.array, gru(i, h, p), within: 2e-6)
        expectClose(dInput.array, slopes(of: { product(gru($0, h, p), d) }, at: i), within: 5e-6)
        expectClose(dHidden.array, slopes(of: { product(gru(i, $0, p), d) }, at: h), within: 5e-6)
        expectClose(dy.array, slopes(of: { product(gru(i, h, $0), d) }, at: p), within: 5e-6)
    }

    @Test(arguments: Sweep.lengths) func longShortTermMemory(width: Int) {
        let input = Sweep.numbers(4 * width, 5).map { 2 * $0 }
        let (hidden, previous) = (Sweep.numbers(4 * width, 6), Sweep.numbers(width, 7))
        let upstream = Sweep.numbers(2 * width, 8)
        let states = buffer(previous)
        let (gates, cell, y) = (
            buffer(zeros: 4 * width), buffer(zeros: width), buffer(zeros: width)
        )
        lstmCell(
            input: buffer(input).pointer, hidden: buffer(hidden).pointer,
            previous: states.pointer, width: width, gates: gates.pointer, cell: cell.pointer,
            into: y.pointer)
        let dCell = buffer(Array(upstream[width...]))
        let dGates = buffer(zeros: 4 * width)
        lstmCellBackward(
            buffer(Array(upstream[..<width])).pointer, dCell: dCell.pointer,
            gates: gates.pointer, cell: cell.pointer, previous: states.pointer, width: width,
            dGates: dGates.pointer)
        let (i, h, p, d) = (
            input.map(Double.init), hidden.map(Double.init), previous.map(Double.init),
            upstream.map(Double.init)
        )
        expectClose(y.array + cell.array, lstm(i, h, p), within: 2e-6)
        expectClose(dGates.array, slopes(of: { product(lstm($0, h, p), d) }, at: i), within: 5e-6)
        expectClose(dCell.array, slopes(of: { product(lstm(i, h, $0), d) }, at: p), within: 5e-6)
    }
}
