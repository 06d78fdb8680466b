import Kernels
import LinearAlgebra

/// Weights of one layer of a recurrent network, in the order of PyTorch's gates.
public struct RecurrenceWeights: BitwiseCopyable {
    /// Shape `[gates * width, inputs]`.
    public let input: Value
    /// Shape `[gates * width, width]`.
    public let hidden: Value
    /// Shape `[gates * width]`.
    public let inputBias: Value
    /// Shape `[gates * width]`.
    public let hiddenBias: Value

    /// Weights of a layer.
    ///
    /// - Parameters:
    ///   - input: Shape `[gates * width, inputs]`.
    ///   - hidden: Shape `[gates * width, width]`.
    ///   - inputBias: Shape `[gates * width]`.
    ///   - hiddenBias: Shape `[gates * width]`.
    public init(input: Value, hidden: Value, inputBias: Value, hiddenBias: Value) {
        self.input = input
        self.hidden = hidden
        self.inputBias = inputBias
        self.hiddenBias = hiddenBias
    }
}

extension Tape {
    /// A layer of gated recurrent units, from a state of zeros; gates r, z, n.
    ///
    /// - Parameters:
    ///   - x: Shape `[samples * time, inputs]`.
    ///   - time: Time steps of a sample.
    ///   - weights: With three gates.
    /// - Returns: The states of all time steps, shape `[samples * time, width]`.
    public func gatedRecurrence(_ x: Value, time: Int, weights: RecurrenceWeights) -> Value {
        recurrence(x, time: time, weights: weights, gates: 3) { operation, step in
            for sample in 0..<operation.samples {
                let row = sample * time + step
                gruCell(
                    input: operation.inputs + row * operation.gateColumns,
                    hidden: operation.hidden + row * operation.gateColumns,
                    previous: operation.previous(operation.y.data, row, step),
                    width: operation.width, gates: operation.gates + row * operation.gateColumns,
                    into: operation.y.data + row * operation.width)
            }
        }
    }

    /// A layer of long short-term memory, from a cell and a state of zeros; gates i, f, g, o.
    ///
    /// - Parameters:
    ///   - x: Shape `[samples * time, inputs]`.
    ///   - time: Time steps of a sample.
    ///   - weights: With four gates.
    /// - Returns: The states of all time steps, shape `[samples * time, width]`.
    public func memoryRecurrence(_ x: Value, time: Int, weights: RecurrenceWeights) -> Value {
        recurrence(x, time: time, weights: weights, gates: 4) { operation, step in
            for sample in 0..<operation.samples {
                let row = sample * time + step
                lstmCell(
                    input: operation.inputs + row * operation.gateColumns,
                    hidden: operation.hidden + row * operation.gateColumns,
                    previous: operation.previous(operation.cells, row, step),
                    width: operation.width, gates: operation.gates + row * operation.gateColumns,
                    cell: operation.cells + row * operation.width,
                    into: operation.y.data + row * operation.width)
            }
        }
    }

    private func recurrence(
        _ x: Value, time: Int, weights: RecurrenceWeights, gates: Int,
        advance: (RecurrenceOperation, _ step: Int) -> Void
    ) -> Value {
        let width = weights.hidden.columns
        precondition(
            x.rows % time == 0 && weights.hidden.rows == gates * width
                && weights.input.columns == x.columns && weights.input.rows == gates * width,
            "\(weights.input.rows) x \(weights.input.columns) weights do not fit a width of \(width)"
        )
        let y = result(rows: x.rows, columns: width)
        let zeros = arena.floats(width)
        zeros.update(repeating: 0, count: width)
        let operation = RecurrenceOperation(
            x: x, y: y, weights: weights, time: time, gateCount: gates, zeros: zeros,
            inputs: arena.floats(x.rows * gates * width),
            hidden: arena.floats(x.rows * gates * width),
            gates: arena.floats(x.rows * gates * width),
            cells: arena.floats(gates == 4 ? x.rows * width : 0))
        operation.projectInputs()
        for step in 0..<time {
            operation.projectStates(step)
            advance(operation, step)
        }
        record(operation)
        return y
    }
}

private struct RecurrenceOperation: Operation {
    let x: Value
    let y: Value
    let weights: RecurrenceWeights
    let time: Int
    /// Three for gated units, four for long short-term memory.
    let gateCount: Int
    let zeros: UnsafeMutablePointer<Float>
    /// The inputs' part of the gates, shape `[samples * time, gateColumns]`.
    let inputs: UnsafeMutablePointer<Float>
    /// The states' part of the gates, likewise.
    let hidden: UnsafeMutablePointer<Float>
    /// The gates, likewise.
    let gates: UnsafeMutablePointer<Float>
    /// Cells of long short-term memory, shape `[samples * time, width]`.
    let cells: UnsafeMutablePointer<Float>

    var width: Int { y.columns }
    var gateColumns: Int { gateCount * y.columns }
    var samples: Int { x.rows / time }

    /// The state or cell before a row; zeros before the first time step.
    func previous(
        _ states: UnsafeMutablePointer<Float>, _ row: Int, _ step: Int
    ) -> UnsafePointer<Float> {
        UnsafePointer(step == 0 ? zeros : states + (row - 1) * width)
    }

    func projectInputs() {
        fillRows(inputs, with: weights.inputBias.data, rows: x.rows, columns: gateColumns)
        MatrixProduct.multiply(
            .init(x.data, stride: x.columns),
            .init(weights.input.data, stride: x.columns, .transposed),
            m: x.rows, n: gateColumns, k: x.columns, beta: 1, into: inputs)
    }

    /// The part of a time step's gates that comes from the states before it.
    func projectStates(_ step: Int) {
        for sample in 0..<samples {
            (hidden + (sample * time + step) * gateColumns)
                .update(from: weights.hiddenBias.data, count: gateColumns)
        }
        guard step > 0 else { return }
        MatrixProduct.multiply(
            .init(y.data + (step - 1) * width, stride: time * width),
            .init(weights.hidden.data, stride: width, .transposed),
            m: samples, n: gateColumns, k: width, beta: 1,
            into: hidden + step * gateColumns, stride: time * gateColumns)
    }

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        let count = x.rows * gateColumns
        let dHidden = tape.gradientBuffer(count)
        // Both parts of an LSTM's gates have the same gradient.
        let dInputs = gateCount == 3 ? tape.gradientBuffer(count) : dHidden
        let dCells = tape.gradientBuffer(samples * width)
        dCells.update(repeating: 0, count: samples * width)
        for step in stride(from: time - 1, through: 0, by: -1) {
            for sample in 0..<samples {
                stepBack(
                    row: sample * time + step, step: step, dy: dy, dInputs: dInputs,
                    dHidden: dHidden, dCell: dCells + sample * width)
            }
            guard step > 0 else { continue }
            MatrixProduct.multiply(
                .init(dHidden + step * gateColumns, stride: time * gateColumns),
                .init(weights.hidden.data, stride: width),
                m: samples, n: width, k: gateColumns, beta: 1,
                into: dy + (step - 1) * width, stride: time * width)
        }
        addGradients(dInputs: dInputs, dHidden: dHidden, on: tape)
        tape.release(dCells, count: samples * width)
        if gateCount == 3 { tape.release(dInputs, count: count) }
        tape.release(dHidden, count: count)
        tape.release(dy, count: y.count)
    }

    /// Gradients of a row's gates; what reaches the state before without passing through them is added to its own.
    private func stepBack(
        row: Int, step: Int, dy: UnsafeMutablePointer<Float>,
        dInputs: UnsafeMutablePointer<Float>, dHidden: UnsafeMutablePointer<Float>,
        dCell: UnsafeMutablePointer<Float>
    ) {
        let (rowGates, place) = (gates + row * gateColumns, row * gateColumns)
        if gateCount == 3 {
            gruCellBackward(
                dy + row * width, gates: rowGates, hidden: hidden + place,
                previous: previous(y.data, row, step), width: width, dInput: dInputs + place,
                dHidden: dHidden + place)
            if step > 0 { add(dy + row * width, into: dy + (row - 1) * width, count: width) }
        } else {
            lstmCellBackward(
                dy + row * width, dCell: dCell, gates: rowGates, cell: cells + row * width,
                previous: previous(cells, row, step), width: width, dGates: dHidden + place)
        }
    }

    private func addGradients(
        dInputs: UnsafeMutablePointer<Float>, dHidden: UnsafeMutablePointer<Float>, on tape: Tape
    ) {
        if let dBias = tape.addedContribution(to: weights.inputBias) {
            addColumnSums(dInputs, rows: x.rows, columns: gateColumns, into: dBias)
            tape.finishUse(of: weights.inputBias)
        }
        if let dBias = tape.addedContribution(to: weights.hiddenBias) {
            addColumnSums(dHidden, rows: x.rows, columns: gateColumns, into: dBias)
            tape.finishUse(of: weights.hiddenBias)
        }
        if let (dWeight, accumulates) = tape.contribution(to: weights.input) {
            MatrixProduct.multiply(
                .init(dInputs, stride: gateColumns, .transposed),
                .init(x.data, stride: x.columns),
                m: gateColumns, n: x.columns, k: x.rows, beta: accumulates ? 1 : 0,
                into: dWeight)
            tape.finishUse(of: weights.input)
        }
        if let dWeight = tape.addedContribution(to: weights.hidden) {
            for sample in 0..<samples where time > 1 {
                let first = sample * time
                MatrixProduct.multiply(
                    .init(
                        dHidden + (first + 1) * gateColumns, stride: gateColumns, .transposed),
                    .init(y.data + first * width, stride: width),
                    m: gateColumns, n: width, k: time - 1, beta: 1, into: dWeight)
            }
            tape.finishUse(of: weights.hidden)
        }
        if let (dx, accumulates) = tape.contribution(to: x) {
            MatrixProduct.multiply(
                .init(dInputs, stride: gateColumns),
                .init(weights.input.data, stride: x.columns),
                m: x.rows, n: x.columns, k: gateColumns, beta: accumulates ? 1 : 0, into: dx)
        }
    }
}
