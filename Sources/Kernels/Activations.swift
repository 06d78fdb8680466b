/// GELU in its erf form of `x + bias`, and its derivative for the backward pass.
///
/// Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016.
///
/// - Parameters:
///   - x: Shape `[rows, columns]`; its numbers are replaced by the derivative at `x + bias`.
///   - bias: Shape `[columns]`.
///   - rows: Number of rows.
///   - columns: Number of columns.
///   - y: Shape `[rows, columns]`.
public func biasGELU(
    _ x: MutableFloats, bias: Floats, rows: Int, columns: Int, into y: MutableFloats
) {
    checkCounts(rows, columns)
    for r in 0..<rows {
        let (source, target) = (x + r * columns, y + r * columns)
        for j in 0..<columns {
            let value = source[j] + bias[j]
            let (cumulative, density) = normalDistribution(value)
            target[j] = value * cumulative
            source[j] = cumulative.addingProduct(value, density)
        }
    }
}

/// Multiplies a gradient by an activation's derivative in place and adds its column sums to the bias gradient.
public func multiplyByDerivative(
    _ dy: MutableFloats, derivative: Floats, rows: Int, columns: Int, dBias: MutableFloats
) {
    checkCounts(rows, columns)
    for r in 0..<rows {
        let (gradient, slope) = (dy + r * columns, derivative + r * columns)
        for j in 0..<columns {
            let product = gradient[j] * slope[j]
            gradient[j] = product
            dBias[j] += product
        }
    }
}

/// Softmax of `scale * x` over each row, in place.
public func softmaxRows(_ x: MutableFloats, scale: Float, rows: Int, columns: Int) {
    checkCounts(rows, columns)
    for r in 0..<rows {
        let row = x + r * columns
        let largest = maximum(row, count: columns)
        for j in 0..<columns { row[j] = exponentialOfNonPositive((row[j] - largest) * scale) }
        let reciprocal = 1 / sum(row, count: columns)
        for j in 0..<columns { row[j] *= reciprocal }
    }
}

/// The gradient of `x` where `p = softmax(scale * x)`, in place over the gradient of `p`.
public func softmaxRowsBackward(
    _ dp: MutableFloats, probabilities p: Floats, scale: Float, rows: Int, columns: Int
) {
    checkCounts(rows, columns)
    checkApart(p, rows * columns, dp, rows * columns)
    for r in 0..<rows {
        let (gradient, row) = (dp + r * columns, p + r * columns)
        let mean = dot(gradient, row, count: columns)
        for j in 0..<columns { gradient[j] = row[j] * (gradient[j] - mean) * scale }
    }
}

/// Softmax of `scale * x` over each row, in place, and the logarithm of each row's sum of exponentials.
///
/// - Parameters:
///   - x: Shape `[rows, columns]`; -infinity takes no part. Every row has a finite number.
///   - scale: Positive.
///   - rows: Number of rows.
///   - columns: Number of columns.
///   - logarithms: Gets `log(sum(exp(scale * x)))` of each row.
public func softmaxRows(
    _ x: MutableFloats, scale: Float, rows: Int, columns: Int,
    logarithms: UnsafeMutablePointer<Double>
) {
    checkCounts(rows, columns)
    for r in 0..<rows {
        let row = x + r * columns
        let largest = maximum(row, count: columns)
        for j in 0..<columns {
            let e = exponentialOfNonPositive((row[j] - largest) * scale)
            row[j] = row[j] == -.infinity ? 0 : e
        }
        let total = sum(row, count: columns)
        let reciprocal = 1 / total
        for j in 0..<columns { row[j] *= reciprocal }
        logarithms[r] =
            Double(largest) * Double(scale) + ElementaryFunctions.logarithm(Double(total))
    }
}

/// The larger of each number and 0.
public func relu(_ x: Floats, count: Int, into y: MutableFloats) {
    checkCounts(count)
    for i in 0..<count { y[i] = x[i] > 0 ? x[i] : 0 }
}

/// Sets a gradient to 0, in place, where the rectified result is 0.
public func reluBackward(_ dy: MutableFloats, result y: Floats, count: Int) {
    checkCounts(count)
    for i in 0..<count { dy[i] = y[i] > 0 ? dy[i] : 0 }
}
