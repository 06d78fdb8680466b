/// A grid of tokens of which each looks at its own row and its own column: the arithmetic of the columns.
///
/// Row by row the tokens are matrices and their products are `LinearAlgebra`'s. A column's tokens are a whole row apart in memory
/// and few, so they are gone through here, eight numbers at a time. A token's weights are `[columns]` for its row and then
/// `[rows - 1]` for the others of its column in ascending order; itself it finds in its row.
public struct CrossPattern: BitwiseCopyable, Sendable {
    /// Rows of the grid: leads.
    public let rows: Int
    /// Columns of the grid: times.
    public let columns: Int
    /// Numbers of a token.
    public let width: Int

    /// A grid.
    public init(rows: Int, columns: Int, width: Int) {
        self.rows = rows
        self.columns = columns
        self.width = width
    }

    /// Tokens that a token looks at.
    public var pairs: Int { columns + rows - 1 }

    /// Weights that a token of `row` has for `other`, another row's token of the same column.
    @inline(__always)
    private func place(_ row: Int, _ column: Int, _ other: Int) -> Int {
        (row &* columns &+ column) &* pairs &+ columns &+ (other < row ? other : other &- 1)
    }

    /// Products of each token with the others of its column.
    ///
    /// - Parameters:
    ///   - x: Tokens, `xStride` numbers apart.
    ///   - xStride: See `x`.
    ///   - y: The tokens that they look at, `yStride` numbers apart.
    ///   - yStride: See `y`.
    ///   - scores: Shape `[tokens, pairs]`; the last `rows - 1` of each token are written.
    public func columnProducts(
        _ x: Floats, stride xStride: Int, with y: Floats, stride yStride: Int,
        into scores: MutableFloats
    ) {
        for column in 0..<columns {
            for row in 0..<rows {
                let token = x + (row &* columns &+ column) &* xStride
                for other in 0..<rows where other != row {
                    scores[place(row, column, other)] = product(
                        token, y + (other &* columns &+ column) &* yStride)
                }
            }
        }
    }

    @inline(__always)
    private func product(_ x: Floats, _ y: Floats) -> Float {
        var (s0, s1) = (SIMD8<Float>(), SIMD8<Float>())
        var i = 0
        while i &+ 16 <= width {
            s0.addProduct(lanes(x, i), lanes(y, i))
            s1.addProduct(lanes(x, i &+ 8), lanes(y, i &+ 8))
            i &+= 16
        }
        if i &+ 8 <= width {
            s0.addProduct(lanes(x, i), lanes(y, i))
            i &+= 8
        }
        let halves = s0 + s1
        let quarters = halves.lowHalf + halves.highHalf
        let eighths = quarters.lowHalf + quarters.highHalf
        var total = eighths.x + eighths.y
        while i < width {
            total.addProduct(x[i], y[i])
            i &+= 1
        }
        return total
    }

    /// Adds to each token the others of its column, times its weights for them.
    ///
    /// - Parameters:
    ///   - weights: Shape `[tokens, pairs]`.
    ///   - x: Tokens to add up, `xStride` numbers apart.
    ///   - xStride: See `x`.
    ///   - y: Tokens to add to, `yStride` numbers apart.
    ///   - yStride: See `y`.
    public func addColumns(
        _ weights: Floats, of x: Floats, stride xStride: Int, into y: MutableFloats,
        stride yStride: Int
    ) {
        for column in 0..<columns {
            for row in 0..<rows {
                let target = y + (row &* columns &+ column) &* yStride
                addOthers(of: x + column &* xStride, stride: xStride, than: row, into: target) {
                    weights[place(row, column, $0)]
                }
            }
        }
    }

    /// Adds to each token the others of its column, times their weights for it.
    ///
    /// The same as `addColumns` with the weights transposed, as a backward pass needs it.
    ///
    /// - Parameters:
    ///   - weights: Shape `[tokens, pairs]`.
    ///   - x: Tokens to add up, `xStride` numbers apart.
    ///   - xStride: See `x`.
    ///   - y: Tokens to add to, `yStride` numbers apart.
    ///   - yStride: See `y`.
    public func addTransposedColumns(
        _ weights: Floats, of x: Floats, stride xStride: Int, into y: MutableFloats,
        stride yStride: Int
    ) {
        for column in 0..<columns {
            for row in 0..<rows {
                let target = y + (row &* columns &+ column) &* yStride
                addOthers(of: x + column &* xStride, stride: xStride, than: row, into: target) {
                    weights[place($0, column, row)]
                }
            }
        }
    }

    /// Adds a column's tokens but one, each times its weight; `x` is the column's first token.
    @inline(__always)
    private func addOthers(
        of x: Floats, stride: Int, than row: Int, into target: MutableFloats,
        weight: (Int) -> Float
    ) {
        let step = columns &* stride
        var i = 0
        while i &+ 8 <= width {
            var sum = lanes(target, i)
            for other in 0..<rows where other != row {
                sum.addProduct(
                    SIMD8(repeating: weight(other)), lanes(x + other &* step, i))
            }
            UnsafeMutableRawPointer(target + i).storeBytes(of: sum, as: SIMD8<Float>.self)
            i &+= 8
        }
        while i < width {
            for other in 0..<rows where other != row {
                target[i].addProduct(weight(other), x[other &* step &+ i])
            }
            i &+= 1
        }
    }
}
