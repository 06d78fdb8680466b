import Kernels
import LinearAlgebra
import Tensors
import Testing

/// Views of rows and columns: products of them against products of copies.
@Suite struct MatrixViewTests {
    /// Whole numbers, whose products of these lengths are exact whatever the order of a sum.
    private func matrix(_ rows: Int, _ columns: Int, first: Int) -> [[Float]] {
        (0..<rows).map { r in (0..<columns).map { Float((first + 7 * r + 3 * $0) % 11 - 5) } }
    }

    private func product(_ a: [[Float]], _ b: [[Float]]) -> [Float] {
        a.flatMap { row in
            b[0].indices.map { j in row.indices.reduce(Float(0)) { $0 + row[$1] * b[$1][j] } }
        }
    }

    private func expectProduct(
        _ a: MatrixView, _ b: MatrixView, _ expected: [Float],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let result = Tensor(shape: [a.rows, b.columns])
        MatrixProduct.multiply(a, b, into: MatrixView(result.numbers, columns: b.columns))
        #expect(result.floatArray == expected, sourceLocation: sourceLocation)
    }

    @Test func rowsColumnsAndTransposesAreTheirCopies() {
        let (a, b) = (matrix(6, 4, first: 0), matrix(6, 5, first: 2))
        let memory = (
            Tensor(a.flatMap { $0 }, shape: [6, 4]), Tensor(b.flatMap { $0 }, shape: [6, 5])
        )
        let x = MatrixView(memory.0.numbers, columns: 4)
        let y = MatrixView(memory.1.numbers, columns: 5)
        func turned(_ rows: [[Float]]) -> [[Float]] {
            rows[0].indices.map { j in rows.map { $0[j] } }
        }
        expectProduct(x.transposed, y, product(turned(a), b))
        expectProduct(
            x.rows(1..<5).transposed, y.rows(2..<6),
            product(turned(Array(a[1..<5])), Array(b[2...])))
        let odd = [a[1], a[3], a[5]]
        expectProduct(
            x.everyRow(2, from: 1).transposed, y.rows(0..<3), product(turned(odd), Array(b[..<3])))
        let columns = a.map { Array($0[1..<3]) }
        expectProduct(x.columns(1..<3).transposed, y, product(turned(columns), b))
        expectProduct(x.transposed.transposed, x.transposed, product(a, turned(a)))
    }

    @Test func aResultMayBeEveryOtherRow() {
        let (a, b) = (matrix(2, 3, first: 1), matrix(3, 2, first: 4))
        let result = Tensor(shape: [4, 2])
        result.numbers.update(repeating: 9)
        let expected = product(a, b)
        let memory = (
            Tensor(a.flatMap { $0 }, shape: [2, 3]), Tensor(b.flatMap { $0 }, shape: [3, 2])
        )
        MatrixProduct.multiply(
            MatrixView(memory.0.numbers, columns: 3), MatrixView(memory.1.numbers, columns: 2),
            into: MatrixView(result.numbers, columns: 2).everyRow(2, from: 1))
        let (kept, written): ([Float], [Float]) = ([9, 9], expected)
        let rows: [[Float]] = [kept, Array(written[0..<2]), kept, Array(written[2..<4])]
        #expect(result.floatArray == rows.flatMap { $0 })
    }

    @Test func matricesThatDoNotFitStop() async {
        await #expect(processExitsWith: .failure) {
            let memory = Tensor(shape: [2, 3])
            let x = MatrixView(memory.numbers, columns: 3)
            MatrixProduct.multiply(x, x, into: x)
        }
    }

    @Test func rowsBeyondAMatrixStop() async {
        await #expect(processExitsWith: .failure) {
            let memory = Tensor(shape: [2, 3])
            _ = MatrixView(memory.numbers, columns: 3).rows(1..<3)
        }
    }

    @Test func aTrialProductCountsItsOperations() {
        let product = TrialProduct(rows: 3, columns: 4, terms: 5, .transposed)
        product.run()
        #expect(product.operations == 120)
    }
}
