import Kernels
import Tensors

/// A matrix product that is computed to see how long it takes.
public struct TrialProduct: Sendable {
    private let left: Tensor
    private let right: Tensor
    private let result: Tensor
    private let form: MatrixProduct.Form

    /// A product of two matrices of its own.
    ///
    /// - Parameters:
    ///   - rows: Of the result.
    ///   - columns: Of the result.
    ///   - terms: Length of the sums.
    ///   - form: How the right matrix lies: plain, or transposed as a layer's weights do.
    public init(rows: Int, columns: Int, terms: Int, _ form: MatrixProduct.Form = .plain) {
        left = Tensor(shape: [rows, terms])
        right = Tensor(shape: form == .plain ? [terms, columns] : [columns, terms])
        result = Tensor(shape: [rows, columns])
        self.form = form
        left.numbers.update(repeating: 0.5)
        right.numbers.update(repeating: 0.25)
    }

    /// Multiplications and additions of one product.
    public var operations: Double {
        2 * Double(left.shape[0]) * Double(left.shape[1]) * Double(result.shape[1])
    }

    /// Computes the product.
    public func run() {
        let right = MatrixView(self.right.numbers, columns: self.right.shape[1])
        MatrixProduct.multiply(
            MatrixView(left.numbers, columns: left.shape[1]),
            form == .plain ? right : right.transposed,
            into: MatrixView(result.numbers, columns: result.shape[1]))
    }
}
