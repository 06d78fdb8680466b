import Kernels

/// Rows and columns of numbers that somebody else owns: all of a matrix, some of its rows or columns, or its transpose.
///
/// A handle like `Numbers`. What a product reads and writes is within its numbers, which is checked when a view is made.
public struct MatrixView: BitwiseCopyable {
    let numbers: Numbers<Float>
    /// Number of rows.
    public let rows: Int
    /// Number of columns.
    public let columns: Int
    /// How far apart the rows begin, or the columns of a transpose.
    let stride: Int
    let form: MatrixProduct.Form

    /// A whole matrix.
    ///
    /// - Parameters:
    ///   - numbers: `rows * columns` of them, row by row.
    ///   - columns: Numbers of a row, at least one.
    /// - Precondition: The numbers are whole rows.
    public init(_ numbers: Numbers<Float>, columns: Int) {
        precondition(
            columns > 0 && numbers.count % columns == 0,
            "\(numbers.count) numbers are no rows of \(columns)")
        self.init(
            numbers, rows: numbers.count / columns, columns: columns, stride: columns, .plain)
    }

    private init(
        _ numbers: Numbers<Float>, rows: Int, columns: Int, stride: Int,
        _ form: MatrixProduct.Form
    ) {
        (self.numbers, self.rows, self.columns) = (numbers, rows, columns)
        (self.stride, self.form) = (stride, form)
    }

    /// Rows as columns.
    public var transposed: MatrixView {
        MatrixView(
            numbers, rows: columns, columns: rows, stride: stride,
            form == .plain ? .transposed : .plain)
    }

    /// Some rows.
    ///
    /// - Precondition: They are rows of the matrix, which is no transpose.
    public func rows(_ range: Range<Int>) -> MatrixView {
        precondition(
            form == .plain && range.upperBound <= rows && !range.isEmpty,
            "rows \(range) of \(rows)")
        let start = range.lowerBound * stride
        return MatrixView(
            numbers.part(start..<start + (range.count - 1) * stride + columns),
            rows: range.count, columns: columns, stride: stride, .plain)
    }

    /// Every so many rows one.
    ///
    /// - Parameters:
    ///   - period: How far apart the rows are.
    ///   - first: The first one, below `period`.
    /// - Returns: The rows `first`, `first + period` and so on.
    /// - Precondition: The rows are made of whole periods; the matrix is no transpose.
    public func everyRow(_ period: Int, from first: Int) -> MatrixView {
        precondition(
            form == .plain && rows > 0 && rows % period == 0 && 0..<period ~= first,
            "row \(first) of every \(period) of \(rows)")
        let start = first * stride
        return MatrixView(
            numbers.part(start..<start + (rows - period) * stride + columns),
            rows: rows / period, columns: columns, stride: period * stride, .plain)
    }

    /// Some columns.
    ///
    /// - Precondition: They are columns of the matrix, which is no transpose and not empty.
    public func columns(_ range: Range<Int>) -> MatrixView {
        precondition(
            form == .plain && rows > 0 && range.upperBound <= columns && !range.isEmpty,
            "columns \(range) of \(columns)")
        let end = (rows - 1) * stride + range.upperBound
        return MatrixView(
            numbers.part(range.lowerBound..<end), rows: rows, columns: range.count,
            stride: stride, .plain)
    }

    fileprivate var operand: MatrixProduct.Operand {
        MatrixProduct.Operand(numbers.startAddress, stride: stride, form)
    }
}

extension MatrixProduct {
    /// `c = alpha * a b + beta * c`.
    ///
    /// - Parameters:
    ///   - a: Left operand.
    ///   - b: Right operand.
    ///   - alpha: Factor of the product.
    ///   - beta: Factor of what `c` holds; with 0 it is not read.
    ///   - c: Result.
    /// - Precondition: Rows and columns fit; `c` is no transpose.
    public static func multiply(
        _ a: MatrixView, _ b: MatrixView, alpha: Float = 1, beta: Float = 0, into c: MatrixView
    ) {
        precondition(
            a.columns == b.rows && c.rows == a.rows && c.columns == b.columns && c.form == .plain,
            "\(a.rows) x \(a.columns) times \(b.rows) x \(b.columns) is no \(c.rows) x \(c.columns)"
        )
        multiply(
            a.operand, b.operand, m: a.rows, n: b.columns, k: a.columns, alpha: alpha, beta: beta,
            into: c.numbers.startAddress, stride: c.stride)
    }
}
