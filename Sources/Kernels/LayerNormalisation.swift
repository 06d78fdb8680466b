/// Normalises each row to mean 0 and variance 1, then scales and shifts.
///
/// Source: Ba, Kiros and Hinton, "Layer normalization", 2016.
///
/// - Parameters:
///   - x: Shape `[rows, columns]`.
///   - gain: Shape `[columns]`.
///   - shift: Shape `[columns]`.
///   - epsilon: Added to the variance.
///   - rows: Number of rows.
///   - columns: Numbers in a row.
///   - y: Shape `[rows, columns]`.
///   - statistics: Shape `[rows, 2]`: mean and reciprocal deviation, for the backward pass.
public func layerNormalisation(
    _ x: Floats, gain: Floats, shift: Floats, epsilon: Float, rows: Int, columns: Int,
    into y: MutableFloats, statistics: MutableFloats
) {
    checkCounts(rows, columns)
    checkApart(x, rows * columns, statistics, 2 * rows)
    let reciprocal = 1 / Float(columns)
    for r in 0..<rows {
        let (source, target) = (x + r * columns, y + r * columns)
        let mean = sum(source, count: columns) * reciprocal
        let variance =
            sumOfSquaredDeviations(source, from: mean, count: columns) * reciprocal
        let scale = 1 / (variance + epsilon).squareRoot()
        statistics[2 * r] = mean
        statistics[2 * r + 1] = scale
        for j in 0..<columns {
            target[j] = shift[j].addingProduct((source[j] - mean) * scale, gain[j])
        }
    }
}

/// The backward pass of `layerNormalisation`.
///
/// - Parameters:
///   - dy: Gradient of the output.
///   - x: The input of the forward pass.
///   - gain: As in the forward pass.
///   - statistics: As the forward pass left them.
///   - rows: Number of rows.
///   - columns: Numbers in a row.
///   - dx: Gradient of the input; written, or added to where `accumulates`.
///   - accumulates: Whether `dx` holds other contributions already.
///   - dGain: Gradient of the gain, added to.
///   - dShift: Gradient of the shift, added to.
public func layerNormalisationBackward(
    _ dy: Floats, x: Floats, gain: Floats, statistics: Floats, rows: Int, columns: Int,
    into dx: MutableFloats, accumulates: Bool, dGain: MutableFloats, dShift: MutableFloats
) {
    checkCounts(rows, columns)
    let reciprocal = 1 / Float(columns)
    for r in 0..<rows {
        let (source, upstream, target) = (x + r * columns, dy + r * columns, dx + r * columns)
        let (mean, scale) = (statistics[2 * r], statistics[2 * r + 1])
        for j in 0..<columns {
            dShift[j] += upstream[j]
            dGain[j].addProduct(upstream[j], (source[j] - mean) * scale)
        }
        let (first, second) = projections(
            upstream, source, gain: gain, mean: mean, scale: scale, count: columns)
        let (a, b) = (first * reciprocal, second * reciprocal)
        if accumulates {
            for j in 0..<columns {
                let normalised = (source[j] - mean) * scale
                target[j].addProduct(
                    scale, (upstream[j] * gain[j] - a).addingProduct(normalised, -b))
            }
        } else {
            for j in 0..<columns {
                let normalised = (source[j] - mean) * scale
                target[j] = scale * (upstream[j] * gain[j] - a).addingProduct(normalised, -b)
            }
        }
    }
}

/// Sums of `dy * gain` and of `dy * gain * normalised x` over a row.
@inline(__always)
private func projections(
    _ dy: Floats, _ x: Floats, gain: Floats, mean: Float, scale: Float, count: Int
) -> (Float, Float) {
    var (s0, s1, t0, t1) = (
        SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>()
    )
    let (means, scales) = (SIMD8<Float>(repeating: mean), SIMD8<Float>(repeating: scale))
    var i = 0
    while i &+ 16 <= count {
        let (d0, d1) = (lanes(dy, i) * lanes(gain, i), lanes(dy, i &+ 8) * lanes(gain, i &+ 8))
        s0 += d0
        s1 += d1
        t0.addProduct(d0, (lanes(x, i) - means) * scales)
        t1.addProduct(d1, (lanes(x, i &+ 8) - means) * scales)
        i &+= 16
    }
    var (s, t) = ((s0 + s1).sum(), (t0 + t1).sum())
    while i < count {
        let d = dy[i] * gain[i]
        s += d
        t.addProduct(d, (x[i] - mean) * scale)
        i &+= 1
    }
    return (s, t)
}
