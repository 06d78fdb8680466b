/// Mean and biased variance of each column, added up in double.
///
/// - Parameters:
///   - x: Shape `[rows, columns]`.
///   - rows: Number of rows.
///   - columns: Number of columns.
///   - mean: Gets the means, shape `[columns]`.
///   - variance: Gets the variances, shape `[columns]`.
public func columnMoments(
    _ x: Floats, rows: Int, columns: Int, mean: UnsafeMutablePointer<Double>,
    variance: UnsafeMutablePointer<Double>
) {
    checkCounts(rows, columns)
    mean.update(repeating: 0, count: columns)
    variance.update(repeating: 0, count: columns)
    let reciprocal = 1 / Double(rows)
    for r in 0..<rows {
        let row = x + r * columns
        for j in 0..<columns { mean[j] += Double(row[j]) }
    }
    for j in 0..<columns { mean[j] *= reciprocal }
    for r in 0..<rows {
        let row = x + r * columns
        for j in 0..<columns {
            let distance = Double(row[j]) - mean[j]
            variance[j].addProduct(distance, distance)
        }
    }
    for j in 0..<columns { variance[j] *= reciprocal }
}

/// Takes out a mean, divides by a deviation, scales and shifts, column by column.
///
/// - Parameters:
///   - x: Shape `[rows, columns]`.
///   - mean: Shape `[columns]`.
///   - inverse: One over the deviations, shape `[columns]`.
///   - gain: Shape `[columns]`.
///   - shift: Shape `[columns]`.
///   - rows: Number of rows.
///   - columns: Number of columns.
///   - y: Shape `[rows, columns]`.
public func normaliseColumns(
    _ x: Floats, mean: Floats, inverse: Floats, gain: Floats, shift: Floats, rows: Int,
    columns: Int, into y: MutableFloats
) {
    checkCounts(rows, columns)
    for r in 0..<rows {
        let (source, target) = (x + r * columns, y + r * columns)
        for j in 0..<columns {
            target[j] = shift[j].addingProduct((source[j] - mean[j]) * inverse[j], gain[j])
        }
    }
}

/// Adds `sum(dy)` and `sum(dy * normalised x)` of each column to two rows.
///
/// - Parameters:
///   - dy: Gradient of the output, shape `[rows, columns]`.
///   - x: The input.
///   - mean: As in the forward pass.
///   - inverse: As in the forward pass.
///   - rows: Number of rows.
///   - columns: Number of columns.
///   - sums: The first sums, which are the shift's gradient, added to.
///   - products: The second sums, which are the gain's gradient, added to.
public func addNormalisedColumnSums(
    _ dy: Floats, x: Floats, mean: Floats, inverse: Floats, rows: Int, columns: Int,
    sums: MutableFloats, products: MutableFloats
) {
    checkCounts(rows, columns)
    checkApart(x, rows * columns, sums, columns)
    for r in 0..<rows {
        let (upstream, source) = (dy + r * columns, x + r * columns)
        for j in 0..<columns {
            sums[j] += upstream[j]
            products[j].addProduct(upstream[j], (source[j] - mean[j]) * inverse[j])
        }
    }
}

/// The gradient of a batch normalisation's input, added: `gain * inverse * (dy - a - normalised x * b)`.
///
/// - Parameters:
///   - dy: Gradient of the output, shape `[rows, columns]`.
///   - x: The input.
///   - mean: As in the forward pass.
///   - inverse: As in the forward pass.
///   - gain: As in the forward pass.
///   - a: Mean of `dy` in each column; zeros where the statistics were given.
///   - b: Mean of `dy * normalised x` in each column; zeros where the statistics were given.
///   - rows: Number of rows.
///   - columns: Number of columns.
///   - dx: Added to.
public func addNormaliseColumnsBackward(
    _ dy: Floats, x: Floats, mean: Floats, inverse: Floats, gain: Floats, a: Floats, b: Floats,
    rows: Int, columns: Int, into dx: MutableFloats
) {
    checkCounts(rows, columns)
    checkApart(dy, rows * columns, dx, rows * columns)
    for r in 0..<rows {
        let (upstream, source, target) = (dy + r * columns, x + r * columns, dx + r * columns)
        for j in 0..<columns {
            let normalised = (source[j] - mean[j]) * inverse[j]
            let inner = (upstream[j] - a[j]).addingProduct(normalised, -b[j])
            target[j].addProduct(gain[j] * inverse[j], inner)
        }
    }
}
