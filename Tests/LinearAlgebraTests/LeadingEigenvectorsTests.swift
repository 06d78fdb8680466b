import LinearAlgebra
import TestSupport
import Testing

@Suite struct LeadingEigenvectorsTests {
    @Test(arguments: [1, 2, 5, 40], [1, 3])
    func vectorsAreTurnedIntoThemselves(order: Int, count: Int) throws {
        var random = SeededRandom(seed: UInt64(order))
        let root = Matrix(
            rows: order, columns: order,
            values: (0..<order * order).map { _ in Double.random(in: -1...1, using: &random) })
        let matrix = Matrix.product(root, root, transposesRight: true)
        let wanted = min(count, order)
        let found = try #require(LeadingEigenvectors(of: matrix, count: wanted))
        #expect(found.values.count == wanted && found.values == found.values.sorted(by: >))
        let turned = Matrix.product(found.vectors, matrix)
        for row in 0..<wanted {
            for column in 0..<order {
                #expect(
                    abs(turned[row, column] - found.values[row] * found.vectors[row, column])
                        < 1e-12 * Double(order))
            }
        }
        let products = Matrix.product(found.vectors, found.vectors, transposesRight: true)
        for a in 0..<wanted {
            for b in 0..<wanted { #expect(abs(products[a, b] - (a == b ? 1 : 0)) < 1e-12) }
        }
        guard wanted == order else { return }
        let trace = (0..<order).reduce(0) { $0 + matrix[$1, $1] }
        #expect(abs(found.values.reduce(0, +) - trace) < 1e-10)
    }

    @Test func noneAskedForIsNoneFound() {
        #expect(LeadingEigenvectors(of: Matrix(rows: 2, columns: 2), count: 0)?.values == [])
    }
}
