import Kernels
import LinearAlgebra
import Testing

struct MatrixProductTests {
    @Test(arguments: [(1, 1, 1), (3, 5, 7), (16, 33, 64), (1, 64, 9)])
    func agreesWithADoubleLoop(m: Int, n: Int, k: Int) {
        MatrixProduct.useOneThread()
        var random = RandomStream(seed: 1, purpose: .test)
        let a = (0..<m * k).map { _ in random.nextUniform() - 0.5 }
        let b = (0..<n * k).map { _ in random.nextUniform() - 0.5 }
        let start = (0..<m * n).map { _ in random.nextUniform() }
        for (aForm, bForm) in [
            (MatrixProduct.Form.plain, MatrixProduct.Form.plain), (.plain, .transposed),
            (.transposed, .plain),
        ] {
            var c = start
            c.withUnsafeMutableBufferPointer { c in
                a.withUnsafeBufferPointer { a in
                    b.withUnsafeBufferPointer { b in
                        guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress
                        else { return }
                        MatrixProduct.multiply(
                            .init(a, stride: aForm == .plain ? k : m, aForm),
                            .init(b, stride: bForm == .plain ? n : k, bForm),
                            m: m, n: n, k: k, alpha: 2, beta: 0.5, into: c)
                    }
                }
            }
            for i in 0..<m {
                for j in 0..<n {
                    var sum = 0.5 * Double(start[i * n + j])
                    for l in 0..<k {
                        let left = aForm == .plain ? a[i * k + l] : a[l * m + i]
                        let right = bForm == .plain ? b[l * n + j] : b[j * k + l]
                        sum += 2 * Double(left) * Double(right)
                    }
                    #expect(abs(Double(c[i * n + j]) - sum) < 1e-5)
                }
            }
        }
    }

    @Test func theGramMatrixIsTheLowerHalfOfTheProductWithItself() {
        var random = RandomStream(seed: 2, purpose: .test)
        let matrix = Matrix(
            rows: 31, columns: 7, values: (0..<31 * 7).map { _ in Double(random.nextUniform()) })
        let centred = matrix.centred
        #expect(centred.columnMeans.allSatisfy { abs($0) < 1e-15 })
        let whole = Matrix.product(centred, centred, transposesLeft: true, alpha: 1.0 / 31)
        let half = centred.gram
        for i in 0..<7 {
            for j in 0..<7 {
                #expect(abs(half[i, j] - (j > i ? 0 : whole[i, j])) < 1e-14)
            }
        }
    }
}
