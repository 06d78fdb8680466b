import Kernels
import Testing

/// Loops and sums over flat buffers against plain loops in double.
///
/// A product or sum of two floats is rounded once, and a sum of n in any order is off by at most n roundings of the sum of magnitudes.
@Suite struct ElementwiseTests {
    private let buffer = FencedMemory()

    private func doubles(_ x: [Float]) -> [Double] { x.map(Double.init) }

    /// The bound of a sum: see the suite.
    private func bound(_ magnitudes: [Double]) -> Double {
        Double(magnitudes.count + 1) * Sweep.rounding * magnitudes.reduce(0, +)
    }

    @Test(arguments: Sweep.lengths) func sums(count: Int) {
        let (x, y) = (Sweep.numbers(count, 1, around: 0.5), Sweep.numbers(count, 2))
        let (a, b) = (buffer(x), buffer(y))
        let (dx, dy) = (doubles(x), doubles(y))
        let total = Double(sum(a.pointer, count: count))
        #expect(abs(total - dx.reduce(0, +)) <= bound(dx.map(abs)))
        let products = zip(dx, dy).map { $0 * $1 }
        let found = Double(dot(a.pointer, b.pointer, count: count))
        #expect(abs(found - products.reduce(0, +)) <= bound(products.map(abs)))
        let squares = dx.map { $0 * $0 }.reduce(0, +)
        #expect(abs(sumOfSquares(a.pointer, count: count) - squares) <= 1e-14 * squares)
        // Three roundings more a term: of the difference, twice in its square, and of the square.
        let mean = Float(0.3)
        let deviations = dx.map { ($0 - Double(mean)) * ($0 - Double(mean)) }
        let spread = Double(sumOfSquaredDeviations(a.pointer, from: mean, count: count))
        #expect(
            abs(spread - deviations.reduce(0, +))
                <= bound(deviations) + 3 * Sweep.rounding * deviations.reduce(0, +))
        let distances = zip(dx, dy).map { ($0 - $1) * ($0 - $1) }
        let distance = Double(squaredDistance(a.pointer, b.pointer, count: count))
        #expect(
            abs(distance - distances.reduce(0, +))
                <= bound(distances) + 3 * Sweep.rounding * distances.reduce(0, +))
    }

    @Test(arguments: Sweep.columns) func maximumIsFoundAtEveryPlace(count: Int) {
        for place in 0..<count {
            var x = Sweep.numbers(count, 3).map { -abs($0) - 1 }
            x[place] = -0.5
            #expect(maximum(buffer(x).pointer, count: count) == -0.5, "place \(place)")
        }
    }

    @Test func aMaximumOfNothingStops() async {
        await #expect(processExitsWith: .failure) {
            _ = maximum([], count: 0)
        }
    }

    @Test(arguments: Sweep.lengths) func additionsAndProducts(count: Int) {
        let (x, y) = (Sweep.numbers(count, 4), Sweep.numbers(count, 5))
        let source = buffer(x)
        let exact = { (numbers: [Double]) in numbers.map { Double(Float($0)) } }
        let sums = buffer(y)
        add(source.pointer, into: sums.pointer, count: count)
        expectClose(sums.array, exact(zip(x, y).map { Double($0) + Double($1) }), within: 0)
        let products = buffer(y)
        addProduct(source.pointer, -1.7, into: products.pointer, count: count)
        let factor = Double(Float(-1.7))
        expectClose(
            products.array, zip(x, y).map { Double($1) + factor * Double($0) },
            within: 8 * Sweep.rounding)
        let scaled = buffer(zeros: count)
        scale(source.pointer, by: -1.7, into: scaled.pointer, count: count)
        expectClose(scaled.array, exact(x.map { factor * Double($0) }), within: 0)
        scale(source.pointer, by: -1.7, into: source.pointer, count: count)
        #expect(source.array == scaled.array)
    }

    @Test(arguments: Sweep.rows, Sweep.lengths) func rowsAndColumns(rows: Int, columns: Int) {
        let (x, row) = (Sweep.numbers(rows * columns, 6), Sweep.numbers(columns, 7))
        let (matrix, one) = (buffer(x), buffer(row))
        let filled = buffer(zeros: rows * columns)
        fillRows(filled.pointer, with: one.pointer, rows: rows, columns: columns)
        #expect(filled.array == (0..<rows).flatMap { _ in row })
        let shifted = buffer(zeros: rows * columns)
        addRow(
            one.pointer, to: matrix.pointer, into: shifted.pointer, rows: rows, columns: columns)
        #expect(shifted.array == x.indices.map { x[$0] + row[$0 % columns] })
        let sums = buffer(row)
        addColumnSums(matrix.pointer, rows: rows, columns: columns, into: sums.pointer)
        for (column, found) in sums.array.enumerated() {
            let terms = [Double(row[column])] + (0..<rows).map { Double(x[$0 * columns + column]) }
            #expect(abs(Double(found) - terms.reduce(0, +)) <= bound(terms.map(abs)))
        }
    }
}
