import COpenBLAS

/// A row-major matrix of doubles, for statistics over records; networks have their own in floats.
public struct Matrix: Sendable, Equatable {
    /// Number of rows.
    public let rows: Int
    /// Numbers of a row.
    public let columns: Int
    /// All numbers, row by row.
    public var values: [Double]

    /// A matrix of zeros.
    public init(rows: Int, columns: Int) {
        self.init(rows: rows, columns: columns, values: Array(repeating: 0, count: rows * columns))
    }

    /// A matrix of given numbers.
    ///
    /// - Precondition: There are `rows * columns` of them.
    public init(rows: Int, columns: Int, values: [Double]) {
        precondition(
            values.count == rows * columns, "\(values.count) numbers for \(rows) x \(columns)")
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    /// One number.
    public subscript(row: Int, column: Int) -> Double {
        get { values[row * columns + column] }
        set { values[row * columns + column] = newValue }
    }

    /// The numbers of a row.
    public func row(_ row: Int) -> ArraySlice<Double> {
        values[row * columns..<(row + 1) * columns]
    }

    /// The numbers of a column.
    public func column(_ column: Int) -> [Double] {
        (0..<rows).map { values[$0 * columns + column] }
    }

    /// The mean of each column; zeros where there is no row.
    public var columnMeans: [Double] {
        var means = Array(repeating: 0.0, count: columns)
        // Row after row, as the numbers lie in memory.
        for row in 0..<rows {
            for column in 0..<columns { means[column] += values[row * columns + column] }
        }
        for column in 0..<columns { means[column] /= Double(max(rows, 1)) }
        return means
    }

    /// Chosen rows, in the order in which they are named.
    public func selecting(rows chosen: [Int]) -> Matrix {
        var result: [Double] = []
        result.reserveCapacity(chosen.count * columns)
        for index in chosen { result += row(index) }
        return Matrix(rows: chosen.count, columns: columns, values: result)
    }

    /// Each column with a shift and a factor of its own: `(x - shift) * scale`.
    public func shifted(by shift: [Double], scaledBy scale: [Double]) -> Matrix {
        precondition(shift.count == columns && scale.count == columns, "one number a column")
        var result = self
        result.values.withUnsafeMutableBufferPointer { values in
            for row in 0..<rows {
                for column in 0..<columns {
                    let i = row * columns + column
                    values[i] = (values[i] - shift[column]) * scale[column]
                }
            }
        }
        return result
    }

    /// Each column less its mean.
    public var centred: Matrix {
        shifted(by: columnMeans, scaledBy: Array(repeating: 1, count: columns))
    }

    /// The lower half of the columns' inner products, divided by the number of rows; zeros above the diagonal.
    public var gram: Matrix {
        var result = Matrix(rows: columns, columns: columns)
        guard rows > 0, columns > 0 else { return result }
        result.values.withUnsafeMutableBufferPointer { c in
            cblas_dsyrk(
                CblasRowMajor, CblasLower, CblasTrans, blasint(columns), blasint(rows),
                1 / Double(rows), values, blasint(columns), 0, c.baseAddress, blasint(columns))
        }
        return result
    }

    /// With another matrix' columns behind.
    public func joined(with other: Matrix) -> Matrix {
        precondition(rows == other.rows, "\(rows) and \(other.rows) rows")
        return Matrix(
            rows: rows, columns: columns + other.columns,
            values: (0..<rows).flatMap { row($0) + other.row($0) })
    }

    /// With columns of zeros behind, so that there are as many as asked for.
    public func widened(to count: Int) -> Matrix {
        guard count > columns else { return self }
        var result = Matrix(rows: rows, columns: count)
        for row in 0..<rows {
            for column in 0..<columns { result[row, column] = self[row, column] }
        }
        return result
    }

    /// `alpha * a b` with each of them plain or transposed.
    ///
    /// - Parameters:
    ///   - a: Left factor.
    ///   - b: Right factor.
    ///   - transposesLeft: Whether the left one is read with rows and columns exchanged.
    ///   - transposesRight: Whether the right one is.
    ///   - alpha: Factor of the product.
    /// - Returns: The product.
    public static func product(
        _ a: Matrix, _ b: Matrix, transposesLeft: Bool = false, transposesRight: Bool = false,
        alpha: Double = 1
    ) -> Matrix {
        let (m, k) = transposesLeft ? (a.columns, a.rows) : (a.rows, a.columns)
        let (inner, n) = transposesRight ? (b.columns, b.rows) : (b.rows, b.columns)
        precondition(k == inner, "a product over \(k) and \(inner) numbers")
        var result = Matrix(rows: m, columns: n)
        guard m > 0, n > 0, k > 0 else { return result }
        result.values.withUnsafeMutableBufferPointer { c in
            cblas_dgemm(
                CblasRowMajor, transposesLeft ? CblasTrans : CblasNoTrans,
                transposesRight ? CblasTrans : CblasNoTrans, blasint(m), blasint(n), blasint(k),
                alpha, a.values, blasint(a.columns), b.values, blasint(b.columns), 0,
                c.baseAddress, blasint(n))
        }
        return result
    }
}

/// The lower factor of a symmetric positive definite matrix, `A = L L'`.
public struct CholeskyFactor: Sendable {
    /// Rows and columns.
    public let order: Int
    private let lower: [Double]

    /// Factors a matrix, of which the lower half is read; `nil` where it is not positive definite.
    public init?(_ matrix: Matrix) {
        precondition(matrix.rows == matrix.columns, "\(matrix.rows) x \(matrix.columns)")
        order = matrix.rows
        let n = order
        var lower = matrix.values
        let isDefinite = lower.withUnsafeMutableBufferPointer { a in
            guard let start = a.baseAddress else { return true }
            for first in stride(from: 0, to: n, by: Self.blockSize) {
                let end = min(first + Self.blockSize, n)
                guard Self.factorBlock(a, first..<end, n) else { return false }
                let (rest, width) = (n - end, end - first)
                guard rest > 0 else { break }
                cblas_dtrsm(
                    CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit,
                    blasint(rest), blasint(width), 1, start + first * n + first, blasint(n),
                    start + end * n + first, blasint(n))
                cblas_dsyrk(
                    CblasRowMajor, CblasLower, CblasNoTrans, blasint(rest), blasint(width), -1,
                    start + end * n + first, blasint(n), 1, start + end * n + end, blasint(n))
            }
            return true
        }
        guard isDefinite else { return nil }
        self.lower = lower
    }

    private static let blockSize = 64

    private static func factorBlock(
        _ a: UnsafeMutableBufferPointer<Double>, _ range: Range<Int>, _ n: Int
    ) -> Bool {
        for i in range {
            for j in range.lowerBound...i {
                var sum = a[i * n + j]
                for k in range.lowerBound..<j { sum -= a[i * n + k] * a[j * n + k] }
                if i > j {
                    a[i * n + j] = sum / a[j * n + j]
                } else {
                    guard sum > 0, sum.isFinite else { return false }
                    a[i * n + i] = sum.squareRoot()
                }
            }
        }
        return true
    }

    /// Solves `A x = b` for each row of a matrix of right-hand sides.
    ///
    /// - Parameter rightHandSides: One a row.
    /// - Returns: One solution a row.
    public func solve(_ rightHandSides: Matrix) -> Matrix {
        precondition(rightHandSides.columns == order, "\(rightHandSides.columns) of \(order)")
        var x = rightHandSides
        guard order > 0, x.rows > 0 else { return x }
        x.values.withUnsafeMutableBufferPointer { x in
            // Rows are solutions, so the systems are read from the right: x A = b.
            for form in [CblasTrans, CblasNoTrans] {
                cblas_dtrsm(
                    CblasRowMajor, CblasRight, CblasLower, form, CblasNonUnit,
                    blasint(rightHandSides.rows), blasint(order), 1, lower, blasint(order),
                    x.baseAddress, blasint(order))
            }
        }
        return x
    }
}
