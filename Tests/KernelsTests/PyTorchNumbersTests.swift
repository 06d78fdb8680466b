import Kernels
import Testing

/// A few numbers that PyTorch 2.15 computed in float64: `scripts/pytorch/kernel_numbers.py` prints them.
@Suite struct PyTorchNumbersTests {
    private let buffer = FencedMemory()

    @Test func threeStepsOfAdamW() {
        let parameters = buffer([0.5, -1.25, 2])
        let (moment1, moment2) = (buffer(zeros: 3), buffer(zeros: 3))
        let steps: [(gradient: [Float], after: [Double])] = [
            ([0.1, -0.2, 0], [0.489500001, -1.238750001, 1.998]),
            ([0.3, 0.4, -1e-4], [0.47992358, -1.24114499, 2.003350574]),
            ([-0.5, 0.25, 2], [0.4810257036, -1.245481235, 1.995115273]),
        ]
        for (index, step) in steps.enumerated() {
            AdamWStep(
                number: UInt64(index + 1), learningRate: 0.01, weightDecay: 0.1, beta1: 0.9,
                beta2: 0.95, epsilon: 1e-8
            ).apply(
                to: parameters.pointer, gradient: buffer(step.gradient).pointer,
                moment1: moment1.pointer, moment2: moment2.pointer, count: 3)
            expectClose(parameters.array, step.after, within: 5e-7, "step \(index + 1)")
        }
    }

    @Test func threeMovesOfATeacher() {
        let average = buffer([1, -2, 0.25])
        let x = buffer([0.5, 2, 0.25])
        for expected in [
            [0.998, -1.984, 0.25], [0.996008, -1.968064, 0.25], [0.994023968, -1.952191744, 0.25],
        ] {
            moveAverage(towards: x.pointer, average: average.pointer, momentum: 0.996, count: 3)
            expectClose(average.array, expected, within: 3e-7)
        }
    }

    @Test func aGatedRecurrentUnit() {
        let hidden = buffer([-0.2, 0.5, 0.3, -0.8, 1.2, 0.1])
        let previous = buffer([0.35, -0.65])
        let (gates, y) = (buffer(zeros: 6), buffer(zeros: 2))
        gruCell(
            input: buffer([0.4, -1.1, 0.7, 0.2, -0.9, 1.3]).pointer, hidden: hidden.pointer,
            previous: previous.pointer, width: 2, gates: gates.pointer, into: y.pointer)
        expectClose(y.array, [0.1924853404, 0.3317664269], within: 5e-7)
        let (dy, dInput, dHidden) = (
            buffer([1, -0.5]), buffer(zeros: 6), buffer(zeros: 6)
        )
        gruCellBackward(
            dy.pointer, gates: gates.pointer, hidden: hidden.pointer, previous: previous.pointer,
            width: 2, dInput: dInput.pointer, dHidden: dHidden.pointer)
        let shared = [0.07544381155, -0.001788143915, 0.1151524432, 0.1739413711]
        expectClose(dInput.array, shared + [0.2540025594, -0.07815852665], within: 5e-7)
        expectClose(dHidden.array, shared + [0.1396592426, -0.02769498103], within: 5e-7)
        expectClose(dy.array, [0.7310585786, -0.1771718469], within: 5e-7)
    }

    @Test func aLongShortTermMemory() {
        let previous = buffer([0.35, -0.65])
        let (gates, cell, y) = (
            buffer(zeros: 8), buffer(zeros: 2), buffer(zeros: 2)
        )
        lstmCell(
            input: buffer([0.4, -1.1, 0.7, 0.2, -0.9, 1.3, 0.6, -0.3]).pointer,
            hidden: buffer([-0.2, 0.5, 0.3, -0.8, 1.2, 0.1, -0.6, 0.9]).pointer,
            previous: previous.pointer, width: 2, gates: gates.pointer, cell: cell.pointer,
            into: y.pointer)
        expectClose(
            y.array + cell.array, [0.1967962794, 0.05372026808, 0.4160440807, 0.08339537236],
            within: 5e-7)
        let (dCell, dGates) = (buffer([0.25, 2]), buffer(zeros: 8))
        lstmCellBackward(
            buffer([1, -0.5]).pointer, dCell: dCell.pointer, gates: gates.pointer,
            cell: cell.pointer, previous: previous.pointer, width: 2, dGates: dGates.pointer)
        expectClose(dCell.array, [0.4916679267, 0.5950871661], within: 5e-7)
        expectClose(
            dGates.array,
            [
                0.04849347112, 0.3401713876, 0.04628045487, -0.249744158, 0.3384054799,
                0.1286295543, 0.09839813972, -0.009517719112,
            ], within: 5e-7)
    }
}
