/// Gates of recurrent networks, one row of one time step at a time.

/// 1 / (1 + e^-x).
@inline(__always)
private func logistic(_ x: Float) -> Float {
    let e = exponentialOfNonPositive(x < 0 ? x : -x)
    return (x < 0 ? e : 1) / (1 + e)
}

/// GRU cell (gated recurrent unit): the new state, `(1 - z) n + z h` with `n = tanh(input n + r * hidden n)`.
///
/// Source: Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014, in the form of cuDNN, where
/// the reset gate multiplies the hidden product.
///
/// - Parameters:
///   - input: The input's part of the gates r, z, n, shape `[3 * width]`.
///   - hidden: The state's part, likewise.
///   - previous: The state before, shape `[width]`.
///   - width: Numbers of the state.
///   - gates: Gets r, z and n, shape `[3 * width]`.
///   - y: Gets the new state, shape `[width]`.
public func gruCell(
    input: Floats, hidden: Floats, previous: Floats, width: Int, gates: MutableFloats,
    into y: MutableFloats
) {
    checkCounts(width)
    for j in 0..<width {
        let r = logistic(input[j] + hidden[j])
        let z = logistic(input[width + j] + hidden[width + j])
        let n = hyperbolicTangent(input[2 * width + j] + r * hidden[2 * width + j])
        gates[j] = r
        gates[width + j] = z
        gates[2 * width + j] = n
        y[j] = n + z * (previous[j] - n)
    }
}

/// The backward pass of `gruCell`.
///
/// - Parameters:
///   - dy: Gradient of the new state; becomes the part of the previous state's gradient that does not go
///     through the gates.
///   - gates: As the forward pass left them.
///   - hidden: As in the forward pass.
///   - previous: The state before.
///   - width: Numbers of the state.
///   - dInput: Gets the gradient of `input`.
///   - dHidden: Gets the gradient of `hidden`.
public func gruCellBackward(
    _ dy: MutableFloats, gates: Floats, hidden: Floats, previous: Floats, width: Int,
    dInput: MutableFloats, dHidden: MutableFloats
) {
    checkCounts(width)
    for j in 0..<width {
        let (r, z, n) = (gates[j], gates[width + j], gates[2 * width + j])
        let dn = dy[j] * (1 - z) * (1 - n * n)
        let dr = dn * hidden[2 * width + j] * r * (1 - r)
        let dz = dy[j] * (previous[j] - n) * z * (1 - z)
        dInput[j] = dr
        dInput[width + j] = dz
        dInput[2 * width + j] = dn
        dHidden[j] = dr
        dHidden[width + j] = dz
        dHidden[2 * width + j] = dn * r
        dy[j] *= z
    }
}

/// LSTM cell (long short-term memory): the new cell and state, `c = f c + i g`, `y = o tanh(c)`.
///
/// Source: Hochreiter and Schmidhuber, "Long short-term memory", 1997, with the forget gate of Gers et al., 2000.
///
/// - Parameters:
///   - input: The input's part of the gates i, f, g, o, shape `[4 * width]`.
///   - hidden: The state's part, likewise.
///   - previous: The cell before, shape `[width]`.
///   - width: Numbers of the cell.
///   - gates: Gets i, f, g and o, shape `[4 * width]`.
///   - cell: Gets the new cell.
///   - y: Gets the new state.
public func lstmCell(
    input: Floats, hidden: Floats, previous: Floats, width: Int, gates: MutableFloats,
    cell: MutableFloats, into y: MutableFloats
) {
    checkCounts(width)
    for j in 0..<width {
        let i = logistic(input[j] + hidden[j])
        let f = logistic(input[width + j] + hidden[width + j])
        let g = hyperbolicTangent(input[2 * width + j] + hidden[2 * width + j])
        let o = logistic(input[3 * width + j] + hidden[3 * width + j])
        gates[j] = i
        gates[width + j] = f
        gates[2 * width + j] = g
        gates[3 * width + j] = o
        let c = f * previous[j] + i * g
        cell[j] = c
        y[j] = o * hyperbolicTangent(c)
    }
}

/// The backward pass of `lstmCell`.
///
/// - Parameters:
///   - dy: Gradient of the new state.
///   - dCell: Gradient of the new cell from the step after; becomes that of the previous cell.
///   - gates: As the forward pass left them.
///   - cell: The new cell.
///   - previous: The cell before.
///   - width: Numbers of the cell.
///   - dGates: Gets the gradient of both parts of the gates, shape `[4 * width]`.
public func lstmCellBackward(
    _ dy: Floats, dCell: MutableFloats, gates: Floats, cell: Floats, previous: Floats,
    width: Int, dGates: MutableFloats
) {
    checkCounts(width)
    for j in 0..<width {
        let (i, f) = (gates[j], gates[width + j])
        let (g, o) = (gates[2 * width + j], gates[3 * width + j])
        let squashed = hyperbolicTangent(cell[j])
        let dc = dCell[j] + dy[j] * o * (1 - squashed * squashed)
        dGates[j] = dc * g * i * (1 - i)
        dGates[width + j] = dc * previous[j] * f * (1 - f)
        dGates[2 * width + j] = dc * i * (1 - g * g)
        dGates[3 * width + j] = dy[j] * squashed * o * (1 - o)
        dCell[j] = dc * f
    }
}
