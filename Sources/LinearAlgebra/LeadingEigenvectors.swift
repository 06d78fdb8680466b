import COpenBLAS

/// The largest eigenvalues of a symmetric matrix with their vectors, by LAPACK's `dsyevr`.
public struct LeadingEigenvectors: Sendable {
    /// Eigenvalues, the largest first.
    public let values: [Double]
    /// A vector of length 1 a row, in the order of the values; its sign is chance.
    public let vectors: Matrix

    /// Finds the largest eigenvalues; `nil` where LAPACK does not converge, as with numbers that are not finite.
    ///
    /// - Parameters:
    ///   - matrix: Of which the lower half is read.
    ///   - count: How many, at most all.
    public init?(of matrix: Matrix, count: Int) {
        precondition(matrix.rows == matrix.columns, "\(matrix.rows) x \(matrix.columns)")
        precondition((0...matrix.rows).contains(count), "\(count) of \(matrix.rows)")
        guard count > 0 else {
            (values, vectors) = ([], Matrix(rows: 0, columns: matrix.rows))
            return
        }
        let n = matrix.rows
        var order = blasint(n)
        var (first, last) = (blasint(n - count + 1), blasint(n))
        var a = matrix.values
        var values = Array(repeating: 0.0, count: n)
        var vectors = Array(repeating: 0.0, count: n * count)
        var support = Array(repeating: blasint(0), count: 2 * count)
        var (zero, found, info) = (0.0, blasint(0), blasint(0))
        // Row by row, the lower half is what LAPACK calls the upper one; 26 and 10 numbers a row are the least it takes.
        var (workCount, integerCount) = (blasint(max(26, 26 * n)), blasint(max(10, 10 * n)))
        var work = Array(repeating: 0.0, count: Int(workCount))
        var integers = Array(repeating: blasint(0), count: Int(integerCount))
        dsyevr_(
            "V", "I", "U", &order, &a, &order, &zero, &zero, &first, &last, &zero, &found, &values,
            &vectors, &order, &support, &work, &workCount, &integers, &integerCount, &info, 1, 1, 1)
        guard info == 0, found == count else { return nil }
        // LAPACK counts from the smallest.
        self.values = values[..<count].reversed()
        self.vectors = Matrix(rows: count, columns: n, values: vectors).selecting(
            rows: (0..<count).reversed())
    }
}
