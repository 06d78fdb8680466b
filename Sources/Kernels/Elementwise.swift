/// Loops over flat buffers. Buffers of one call do not overlap unless said otherwise.

/// Fills each of `rows` rows with the same `columns` numbers.
public func fillRows(_ y: MutableFloats, with row: Floats, rows: Int, columns: Int) {
    checkCounts(rows, columns)
    checkApart(row, columns, y, rows * columns)
    for r in 0..<rows { (y + r * columns).update(from: row, count: columns) }
}

/// Adds one row to every row of another matrix: `y[r] = x[r] + row`.
public func addRow(_ row: Floats, to x: Floats, into y: MutableFloats, rows: Int, columns: Int) {
    checkCounts(rows, columns)
    for r in 0..<rows {
        let (source, target) = (x + r * columns, y + r * columns)
        for j in 0..<columns { target[j] = source[j] + row[j] }
    }
}

/// `y[i] += x[i]`.
public func add(_ x: Floats, into y: MutableFloats, count: Int) {
    checkCounts(count)
    checkApart(x, count, y, count)
    for i in 0..<count { y[i] += x[i] }
}

/// `y[i] += x[i] * factor`.
public func addProduct(_ x: Floats, _ factor: Float, into y: MutableFloats, count: Int) {
    checkCounts(count)
    checkApart(x, count, y, count)
    for i in 0..<count { y[i].addProduct(x[i], factor) }
}

/// `y[i] = x[i] * factor`; in place where both are the same.
public func scale(_ x: Floats, by factor: Float, into y: MutableFloats, count: Int) {
    checkCounts(count)
    for i in 0..<count { y[i] = x[i] * factor }
}

/// Adds the sum of each column to `sums`, rows in ascending order, four at a time.
///
/// - Parameters:
///   - x: Shape `[rows, columns]`.
///   - rows: Number of rows.
///   - columns: Number of columns.
///   - sums: Shape `[columns]`, updated in place.
public func addColumnSums(_ x: Floats, rows: Int, columns: Int, into sums: MutableFloats) {
    checkCounts(rows, columns)
    checkApart(x, rows * columns, sums, columns)
    var r = 0
    while r + 4 <= rows {
        let (a, b) = (x + r * columns, x + (r + 1) * columns)
        let (c, d) = (x + (r + 2) * columns, x + (r + 3) * columns)
        for j in 0..<columns { sums[j] += (a[j] + b[j]) + (c[j] + d[j]) }
        r += 4
    }
    while r < rows {
        add(x + r * columns, into: sums, count: columns)
        r += 1
    }
}

/// The sum of all numbers, in eight lanes of four chains.
public func sum(_ x: Floats, count: Int) -> Float {
    checkCounts(count)
    var (s0, s1, s2, s3) = (
        SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>()
    )
    var i = 0
    while i &+ 32 <= count {
        s0 += lanes(x, i)
        s1 += lanes(x, i &+ 8)
        s2 += lanes(x, i &+ 16)
        s3 += lanes(x, i &+ 24)
        i &+= 32
    }
    var total = ((s0 + s1) + (s2 + s3)).sum()
    while i < count {
        total += x[i]
        i &+= 1
    }
    return total
}

/// The sum of squared distances from a number.
public func sumOfSquaredDeviations(_ x: Floats, from mean: Float, count: Int) -> Float {
    checkCounts(count)
    var (s0, s1) = (SIMD8<Float>(), SIMD8<Float>())
    let means = SIMD8<Float>(repeating: mean)
    var i = 0
    while i &+ 16 <= count {
        let (d0, d1) = (lanes(x, i) - means, lanes(x, i &+ 8) - means)
        s0.addProduct(d0, d0)
        s1.addProduct(d1, d1)
        i &+= 16
    }
    var total = (s0 + s1).sum()
    while i < count {
        let d = x[i] - mean
        total.addProduct(d, d)
        i &+= 1
    }
    return total
}

/// The sum of products.
public func dot(_ x: Floats, _ y: Floats, count: Int) -> Float {
    checkCounts(count)
    var (s0, s1, s2, s3) = (
        SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>()
    )
    var i = 0
    while i &+ 32 <= count {
        s0.addProduct(lanes(x, i), lanes(y, i))
        s1.addProduct(lanes(x, i &+ 8), lanes(y, i &+ 8))
        s2.addProduct(lanes(x, i &+ 16), lanes(y, i &+ 16))
        s3.addProduct(lanes(x, i &+ 24), lanes(y, i &+ 24))
        i &+= 32
    }
    var total = ((s0 + s1) + (s2 + s3)).sum()
    while i < count {
        total.addProduct(x[i], y[i])
        i &+= 1
    }
    return total
}

/// The largest number.
///
/// - Precondition: `count` is at least 1.
public func maximum(_ x: Floats, count: Int) -> Float {
    checkCounts(count)
    precondition(count > 0, "the maximum of \(count) numbers")
    var i = 0
    var largest = x[0]
    if count >= 8 {
        var best = lanes(x, 0)
        i = 8
        while i &+ 8 <= count {
            let next = lanes(x, i)
            best.replace(with: next, where: next .> best)
            i &+= 8
        }
        largest = best.max()
    }
    while i < count {
        largest = x[i] > largest ? x[i] : largest
        i &+= 1
    }
    return largest
}
