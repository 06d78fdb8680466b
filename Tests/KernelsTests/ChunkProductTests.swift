import Kernels
import TestSupport
import Testing

/// Products of chunks with small matrices against plain loops in double.
@Suite struct ChunkProductTests {
    private let buffer = FencedMemory()

    private func isNeeded(_ shape: SquareShape, row: Int, column: Int, order: Int) -> Bool {
        switch shape {
        case .full: true
        case .upper: row >= order || column >= row
        case .lower: row >= order || column <= row
        }
    }

    /// A matrix whose leading square has a shape.
    private func shaped(_ shape: SquareShape, rows: Int, columns: Int, order: Int) -> [Float] {
        Sweep.numbers(rows * columns, 2).enumerated().map {
            isNeeded(shape, row: $0 / columns, column: $0 % columns, order: order) ? $1 : 0
        }
    }

    @Test(
        arguments: [SquareShape.full, .upper, .lower],
        [(0, 8), (4, 0), (5, 4), (8, 8), (9, 2), (20, 8), (24, 16)])
    func rowsTimesAMatrix(shape: SquareShape, sizes: (order: Int, rest: Int)) {
        let (order, inner) = (sizes.order, sizes.order + sizes.rest)
        for (rows, columns) in [(1, 8), (7, 9), (8, 3), (9, 8), (19, 20), (16, 24)] {
            let stride = inner + 2
            let a = Sweep.numbers(rows * stride, 1)
            let b = shaped(shape, rows: inner, columns: columns, order: order)
            let c = buffer(zeros: rows * columns)
            multiplyRows(
                buffer(a).pointer, stride: stride, by: buffer(b).pointer, shape: shape,
                order: order, rows: rows, inner: inner, columns: columns, into: c.pointer)
            let expected = (0..<rows * columns).map { place in
                (0..<inner).reduce(0.0) {
                    $0 + Double(a[place / columns * stride + $1])
                        * Double(b[$1 * columns + place % columns])
                }
            }
            expectClose(c.array, expected, within: 1e-5)
        }
    }

    @Test func theNumberOfRowsDoesNotShow() {
        let (a, b) = (Sweep.numbers(21 * 12, 3), Sweep.numbers(12 * 17, 4))
        func product(_ rows: Range<Int>) -> [Float] {
            let c = buffer(zeros: rows.count * 17)
            multiplyRows(
                buffer(Array(a[rows.lowerBound * 12..<rows.upperBound * 12])).pointer, stride: 12,
                by: buffer(b).pointer, rows: rows.count, inner: 12, columns: 17, into: c.pointer)
            return c.array
        }
        let whole = product(0..<21)
        for rows in [0..<1, 3..<11, 13..<21, 2..<19] {
            #expect(product(rows) == Array(whole[rows.lowerBound * 17..<rows.upperBound * 17]))
        }
    }

    @Test(
        arguments: [SquareShape.full, .upper, .lower],
        [(0, 8), (4, 0), (5, 4), (8, 8), (9, 2), (20, 8), (24, 16)])
    func sumsOfOuterProducts(shape: SquareShape, sizes: (order: Int, rest: Int)) {
        let (order, inner) = (sizes.order, sizes.order + sizes.rest)
        let columns = max(order, 3)
        let stride = max(inner, columns) + 1
        for rows in [0, 1, 9, 70] {
            let (a, b) = (Sweep.numbers(rows * stride, 5), Sweep.numbers(rows * stride, 6))
            let c = buffer(zeros: inner * columns)
            multiplyTransposed(
                buffer(a).pointer, buffer(b).pointer, stride: stride, shape: shape, order: order,
                rows: rows, inner: inner, columns: columns, into: c.pointer)
            let actual = c.array
            for i in 0..<inner {
                for j in 0..<columns where isNeeded(shape, row: i, column: j, order: order) {
                    let expected = (0..<rows).reduce(0.0) {
                        $0 + Double(a[$1 * stride + i]) * Double(b[$1 * stride + j])
                    }
                    #expect(abs(Double(actual[i * columns + j]) - expected) < 1e-5)
                }
            }
        }
    }

    @Test(arguments: [1, 5, 8, 20], [1, 7, 8, 16, 23])
    func signalsAreCut(chunk: Int, time: Int) {
        let (signals, stride) = (2, chunk + 2)
        let (x, factors) = (Sweep.numbers(signals * time, 7), Sweep.numbers(signals * time, 8))
        let chunks = (time + chunk - 1) / chunk
        for hasFactors in [false, true] {
            let rows = buffer(Array(repeating: -9, count: signals * chunks * stride))
            cutIntoChunks(
                buffer(x).pointer,
                factors: hasFactors ? UnsafePointer(buffer(factors).pointer) : nil,
                signals: signals, time: time, chunk: chunk, into: rows.pointer, stride: stride)
            for (place, value) in rows.array.enumerated() {
                let (row, column) = (place / stride, place % stride)
                let t = row % chunks * chunk + column
                let source = row / chunks * time + t
                guard column < chunk else {
                    #expect(value == -9)
                    continue
                }
                #expect(
                    value == (t >= time ? 0 : x[source] * (hasFactors ? factors[source] : 1)))
            }
        }
    }
}
