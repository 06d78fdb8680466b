/// Products of many short rows with one small matrix, and sums of such rows' outer products: what a channel of a state
/// space consists of. A library packs its operands first, which costs more than the product of a few dozen numbers.
///
/// Sums run over ascending places in every case, so neither the blocks of rows nor those of columns show in a result.

/// Which places of a matrix's leading square are not 0 throughout, so that whole blocks of it are passed over.
public enum SquareShape: Sendable {
    /// All.
    case full
    /// Those whose column is not below their row.
    case upper
    /// Those whose column is not above their row.
    case lower

    /// The rows that a block of columns needs: some of the square, and all behind it.
    @inline(__always)
    fileprivate func rows(forColumns columns: Range<Int>, order: Int, of count: Int) -> NeededRows {
        let (low, high) = (
            columns.lowerBound < order ? columns.lowerBound : order,
            columns.upperBound < order ? columns.upperBound : order
        )
        return switch self {
        case .full: NeededRows(square: 0..<order, rest: order..<count)
        case .upper: NeededRows(square: 0..<high, rest: order..<count)
        case .lower: NeededRows(square: low..<order, rest: order..<count)
        }
    }
}

private struct NeededRows {
    let square: Range<Int>
    let rest: Range<Int>

    /// The first of all.
    @inline(__always) var first: Int { square.isEmpty ? rest.lowerBound : square.lowerBound }

    /// The one that follows, in ascending order.
    @inline(__always)
    func following(_ row: Int) -> Int {
        row &+ 1 == square.upperBound ? rest.lowerBound : row &+ 1
    }
}

/// `c[r, j] = sum over i of a[r, i] * b[i, j]`.
///
/// - Parameters:
///   - a: Shape `[rows, inner]`, rows `stride` numbers apart.
///   - stride: From row to row of `a`.
///   - b: Shape `[inner, columns]`.
///   - shape: Of the first `order` rows of `b`; what it leaves out is not read.
///   - order: Rows of `b` that have the shape; those behind them are full.
///   - rows: Of `a` and `c`.
///   - inner: Length of the sums.
///   - columns: Of `b` and `c`.
///   - c: Shape `[rows, columns]`.
public func multiplyRows(
    _ a: Floats, stride: Int, by b: Floats, shape: SquareShape = .full, order: Int = 0, rows: Int,
    inner: Int, columns: Int, into c: MutableFloats
) {
    checkCounts(rows, columns)
    checkApart(a, rows == 0 ? 0 : (rows - 1) * stride + inner, c, rows * columns)
    forEachBlock(of: 0..<columns) { column, isWhole in
        let needed = shape.rows(
            forColumns: column..<column + (isWhole ? 8 : 1), order: order, of: inner)
        forEachBlock(of: 0..<rows) { row, hasEight in
            let (x, y) = (a + row &* stride, c + (row &* columns &+ column))
            if isWhole, hasEight {
                multiplyEightRows(x, stride: stride, b + column, columns: columns, needed, into: y)
            } else if isWhole {
                var (sum, i) = (SIMD8<Float>(), needed.first)
                while i < inner {
                    sum.addProduct(lanes(b, i &* columns &+ column), SIMD8(repeating: x[i]))
                    i = needed.following(i)
                }
                store(sum, y, 0)
            } else {
                for r in 0..<(hasEight ? 8 : 1) {
                    var (sum, i) = (Float(0), needed.first)
                    while i < inner {
                        sum.addProduct(x[r &* stride &+ i], b[i &* columns &+ column])
                        i = needed.following(i)
                    }
                    y[r &* columns] = sum
                }
            }
        }
    }
}

/// Goes through a range by eights, and through one of fewer one by one.
///
/// The last eight may begin within those before: what is computed twice is the same both times.
@inline(__always)
private func forEachBlock(of range: Range<Int>, _ body: (_ start: Int, _ hasEight: Bool) -> Void) {
    guard range.count >= 8 else {
        for i in range { body(i, false) }
        return
    }
    var i = range.lowerBound
    while i &+ 8 <= range.upperBound {
        body(i, true)
        i &+= 8
    }
    if i < range.upperBound { body(range.upperBound &- 8, true) }
}

/// Eight sums at a time hide the latency of one, and need each number of `b` once.
@inline(__always)
private func multiplyEightRows(
    _ a: Floats, stride: Int, _ b: Floats, columns: Int, _ needed: NeededRows,
    into c: MutableFloats
) {
    var (s0, s1, s2, s3) = (
        SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>()
    )
    var (s4, s5, s6, s7) = (s0, s0, s0, s0)
    let (a4, stride2, stride3) = (a + 4 &* stride, 2 &* stride, 3 &* stride)
    var i = needed.first
    while i < needed.rest.upperBound {
        let factors = lanes(b, i &* columns)
        s0.addProduct(factors, SIMD8(repeating: a[i]))
        s1.addProduct(factors, SIMD8(repeating: a[i &+ stride]))
        s2.addProduct(factors, SIMD8(repeating: a[i &+ stride2]))
        s3.addProduct(factors, SIMD8(repeating: a[i &+ stride3]))
        s4.addProduct(factors, SIMD8(repeating: a4[i]))
        s5.addProduct(factors, SIMD8(repeating: a4[i &+ stride]))
        s6.addProduct(factors, SIMD8(repeating: a4[i &+ stride2]))
        s7.addProduct(factors, SIMD8(repeating: a4[i &+ stride3]))
        i = needed.following(i)
    }
    store(s0, c, 0)
    store(s1, c, columns)
    store(s2, c, 2 &* columns)
    store(s3, c, 3 &* columns)
    store(s4, c, 4 &* columns)
    store(s5, c, 5 &* columns)
    store(s6, c, 6 &* columns)
    store(s7, c, 7 &* columns)
}

/// `c[i, j] = sum over r of a[r, i] * b[r, j]`.
///
/// - Parameters:
///   - a: Shape `[rows, inner]`, rows `stride` numbers apart.
///   - b: Shape `[rows, columns]`, rows `stride` numbers apart.
///   - stride: From row to row of both.
///   - shape: Of the first `order` rows of `c`; blocks that lie outside of it are not written.
///   - order: Rows of `c` that have the shape.
///   - rows: How many are added up.
///   - inner: Rows of `c`.
///   - columns: Columns of `c`.
///   - c: Shape `[inner, columns]`.
public func multiplyTransposed(
    _ a: Floats, _ b: Floats, stride: Int, shape: SquareShape = .full, order: Int = 0, rows: Int,
    inner: Int, columns: Int, into c: MutableFloats
) {
    checkCounts(rows, columns)
    forEachBlock(of: 0..<columns) { column, isWhole in
        let needed = shape.rows(
            forColumns: column..<column + (isWhole ? 8 : 1), order: order, of: inner)
        func fill(_ i: Int, _ hasEight: Bool) {
            let (x, y, z) = (a + i, b + column, c + (i &* columns &+ column))
            if isWhole, hasEight {
                multiplyEightColumns(x, y, stride: stride, rows: rows, into: z, columns: columns)
                return
            }
            for k in 0..<(hasEight ? 8 : 1) {
                for j in 0..<(isWhole ? 8 : 1) {
                    var sum: Float = 0
                    for r in 0..<rows { sum.addProduct(x[r &* stride &+ k], y[r &* stride &+ j]) }
                    z[k &* columns &+ j] = sum
                }
            }
        }
        forEachBlock(of: needed.square, fill)
        forEachBlock(of: needed.rest, fill)
    }
}

@inline(__always)
private func multiplyEightColumns(
    _ x: Floats, _ y: Floats, stride: Int, rows: Int, into c: MutableFloats, columns: Int
) {
    let zero = SIMD8<Float>()
    var (s0, s1, s2, s3) = (zero, zero, zero, zero)
    var (s4, s5, s6, s7) = (zero, zero, zero, zero)
    var place = 0
    for _ in 0..<rows {
        let factors = lanes(y, place)
        let row = x + place
        s0.addProduct(factors, SIMD8(repeating: row[0]))
        s1.addProduct(factors, SIMD8(repeating: row[1]))
        s2.addProduct(factors, SIMD8(repeating: row[2]))
        s3.addProduct(factors, SIMD8(repeating: row[3]))
        s4.addProduct(factors, SIMD8(repeating: row[4]))
        s5.addProduct(factors, SIMD8(repeating: row[5]))
        s6.addProduct(factors, SIMD8(repeating: row[6]))
        s7.addProduct(factors, SIMD8(repeating: row[7]))
        place &+= stride
    }
    store(s0, c, 0)
    store(s1, c, columns)
    store(s2, c, 2 &* columns)
    store(s3, c, 3 &* columns)
    store(s4, c, 4 &* columns)
    store(s5, c, 5 &* columns)
    store(s6, c, 6 &* columns)
    store(s7, c, 7 &* columns)
}

/// Cuts signals into rows of a chunk, with zeros behind the last number, each times a factor where there are some.
///
/// - Parameters:
///   - x: Signals of `time` numbers, one after another.
///   - factors: As many numbers; ones when left out.
///   - signals: How many.
///   - time: Numbers of a signal.
///   - chunk: Numbers of a row.
///   - rows: Gets the rows, all of a signal after those of the one before.
///   - stride: From row to row.
public func cutIntoChunks(
    _ x: Floats, factors: Floats?, signals: Int, time: Int, chunk: Int, into rows: MutableFloats,
    stride: Int
) {
    checkCounts(signals, time)
    var (row, place) = (rows, 0)
    for _ in 0..<signals {
        var left = time
        while left > 0 {
            let count = left < chunk ? left : chunk
            let source = x + place
            var i = 0
            if let factors {
                let scale = factors + place
                while i &+ 8 <= count {
                    store(lanes(source, i) * lanes(scale, i), row, i)
                    i &+= 8
                }
                while i < count {
                    row[i] = source[i] * scale[i]
                    i &+= 1
                }
            } else {
                while i &+ 8 <= count {
                    store(lanes(source, i), row, i)
                    i &+= 8
                }
                while i < count {
                    row[i] = source[i]
                    i &+= 1
                }
            }
            for i in count..<chunk { row[i] = 0 }
            row += stride
            place &+= count
            left &-= count
        }
    }
}
