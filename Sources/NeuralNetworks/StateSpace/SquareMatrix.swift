/// A small square matrix of doubles in plain arithmetic, products and elimination in one fixed order: the same bits on
/// every processor, which a library that chooses its code by processor does not promise.
struct SquareMatrix {
    let order: Int
    /// Row by row.
    private(set) var values: [Double]

    /// A matrix by its numbers.
    init(order: Int, _ value: (_ row: Int, _ column: Int) -> Double) {
        self.order = order
        values = (0..<order * order).map { value($0 / order, $0 % order) }
    }

    /// Ones on the diagonal.
    static func identity(_ order: Int) -> SquareMatrix {
        SquareMatrix(order: order) { $0 == $1 ? 1 : 0 }
    }

    subscript(row: Int, column: Int) -> Double {
        get { values[row * order + column] }
        set { values[row * order + column] = newValue }
    }

    static func * (a: SquareMatrix, b: SquareMatrix) -> SquareMatrix {
        SquareMatrix(order: a.order) { row, column in
            (0..<a.order).reduce(0) { $0 + a[row, $1] * b[$1, column] }
        }
    }

    static func * (a: SquareMatrix, x: [Double]) -> [Double] {
        (0..<a.order).map { row in (0..<a.order).reduce(0) { $0 + a[row, $1] * x[$1] } }
    }

    /// A whole power, by repeated squaring.
    func power(_ exponent: Int) -> SquareMatrix {
        var (result, square, rest) = (Self.identity(order), self, exponent)
        while rest > 0 {
            if rest & 1 == 1 { result = result * square }
            square = square * square
            rest >>= 1
        }
        return result
    }

    /// Solves `self * x = columns` by elimination with row exchanges.
    ///
    /// - Precondition: The matrix has an inverse.
    func solving(_ columns: [[Double]]) -> [[Double]] {
        var (a, x) = (self, columns)
        for pivot in 0..<order {
            var best = pivot
            for row in pivot..<order where a[row, pivot].magnitude > a[best, pivot].magnitude {
                best = row
            }
            precondition(a[best, pivot] != 0, "a matrix without an inverse")
            if best != pivot {
                for column in 0..<order {
                    a.values.swapAt(pivot * order + column, best * order + column)
                }
                for index in x.indices { x[index].swapAt(pivot, best) }
            }
            for row in pivot + 1..<max(order, pivot + 1) {
                let factor = a[row, pivot] / a[pivot, pivot]
                for column in pivot..<order { a[row, column] -= factor * a[pivot, column] }
                for index in x.indices { x[index][row] -= factor * x[index][pivot] }
            }
        }
        for index in x.indices {
            for row in (0..<order).reversed() {
                for column in row + 1..<max(order, row + 1) {
                    x[index][row] -= a[row, column] * x[index][column]
                }
                x[index][row] /= a[row, row]
            }
        }
        return x
    }

    /// Solves `self * x = other`.
    func solving(_ other: SquareMatrix) -> SquareMatrix {
        let columns = solving(
            (0..<order).map { column in (0..<order).map { other[$0, column] } })
        return SquareMatrix(order: order) { columns[$1][$0] }
    }

    /// Orthonormal eigenvectors of a symmetric matrix, a row each, the largest eigenvalue first, by Jacobi's rotations
    /// in cyclic order.
    func symmetricEigenvectors() -> [[Double]] {
        var a = self
        var vectors = Self.identity(order)
        for _ in 0..<60 {
            for p in 0..<order {
                for q in p + 1..<max(order, p + 1) where a[p, q] != 0 {
                    let theta = (a[q, q] - a[p, p]) / (2 * a[p, q])
                    let t =
                        (theta < 0 ? -1 : 1)
                        / (theta.magnitude + (theta * theta + 1).squareRoot())
                    let c = 1 / (t * t + 1).squareRoot()
                    a.rotate(p, q, cosine: c, sine: t * c)
                    for row in 0..<order {
                        let (x, y) = (vectors[row, p], vectors[row, q])
                        vectors[row, p] = c * x - t * c * y
                        vectors[row, q] = t * c * x + c * y
                    }
                }
            }
        }
        let sorted = (0..<order).sorted { (a[$0, $0], $1) > (a[$1, $1], $0) }
        return sorted.map { column in (0..<order).map { vectors[$0, column] } }
    }

    private mutating func rotate(_ p: Int, _ q: Int, cosine c: Double, sine s: Double) {
        for k in 0..<order {
            let (x, y) = (self[k, p], self[k, q])
            self[k, p] = c * x - s * y
            self[k, q] = s * x + c * y
        }
        for k in 0..<order {
            let (x, y) = (self[p, k], self[q, k])
            self[p, k] = c * x - s * y
            self[q, k] = s * x + c * y
        }
        // What the rotation makes 0 is 0, so that rounding does not keep it alive.
        (self[p, q], self[q, p]) = (0, 0)
    }
}
