import Kernels
import Testing

/// The columns of a grid of tokens against a loop over all pairs in double.
@Suite struct CrossPatternTests {
    private let buffer = FencedMemory()

    struct Grid: Sendable {
        let rows: Int
        let columns: Int
    }

    static let grids = [(1, 3), (2, 1), (3, 2), (8, 5)].map { Grid(rows: $0.0, columns: $0.1) }

    @Test(arguments: grids, [0, 1, 7, 8, 15, 16, 17, 31, 32, 33])
    func agreesWithAllPairs(grid: Grid, width: Int) {
        let pattern = CrossPattern(rows: grid.rows, columns: grid.columns, width: width)
        let tokens = grid.rows * grid.columns
        let (xStride, yStride) = (width + 3, width + 5)
        let (x, y) = (Sweep.numbers(tokens * xStride, 1), Sweep.numbers(tokens * yStride, 2))
        let weights = Sweep.numbers(tokens * pattern.pairs, 3)
        /// The place of a token's weight for another of its column: behind the row's, in ascending order.
        func place(_ token: Int, _ other: Int) -> Int {
            let (row, otherRow) = (token / grid.columns, other / grid.columns)
            let rank = (0..<grid.rows).filter { $0 != row && $0 < otherRow }.count
            return token * pattern.pairs + grid.columns + rank
        }
        let (tokensOfX, tokensOfY) = (buffer(x), buffer(y))
        let scores = buffer(weights)
        pattern.columnProducts(
            tokensOfX.pointer, stride: xStride, with: tokensOfY.pointer, stride: yStride,
            into: scores.pointer)
        var expected = weights.map(Double.init)
        var (added, transposed) = (y.map(Double.init), y.map(Double.init))
        for token in 0..<tokens {
            for other in 0..<tokens
            where other != token && other % grid.columns == token % grid.columns {
                expected[place(token, other)] = (0..<width).reduce(0) {
                    $0 + Double(x[token * xStride + $1]) * Double(y[other * yStride + $1])
                }
                for i in 0..<width {
                    let number = Double(x[other * xStride + i])
                    added[token * yStride + i] += Double(weights[place(token, other)]) * number
                    transposed[token * yStride + i] += Double(weights[place(other, token)]) * number
                }
            }
        }
        expectClose(scores.array, expected, within: 2e-5)
        let (sums, transposedSums) = (buffer(y), buffer(y))
        let given = buffer(weights)
        pattern.addColumns(
            given.pointer, of: tokensOfX.pointer, stride: xStride, into: sums.pointer,
            stride: yStride)
        expectClose(sums.array, added, within: 1e-5)
        pattern.addTransposedColumns(
            given.pointer, of: tokensOfX.pointer, stride: xStride, into: transposedSums.pointer,
            stride: yStride)
        expectClose(transposedSums.array, transposed, within: 1e-5)
    }
}
