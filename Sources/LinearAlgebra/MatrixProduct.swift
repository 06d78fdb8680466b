import COpenBLAS

/// Matrix products, single-threaded: parallelism is over shards, not within a product.
public enum MatrixProduct {
    /// Limits OpenBLAS to the calling thread.
    ///
    /// Call once, in `main`, before the first product.
    ///
    /// - Returns: The name of the kernel set that OpenBLAS chose for this processor.
    @discardableResult
    public static func useOneThread() -> String {
        openblas_set_num_threads(1)
        return kernelName
    }

    /// The kernel set in use, on which the last bits of a product depend.
    public static var kernelName: String { String(cString: openblas_get_corename()) }

    /// The library's version and options.
    public static var libraryDescription: String { String(cString: openblas_get_config()) }

    /// How an operand is read.
    public enum Form: BitwiseCopyable, Sendable {
        case plain
        case transposed

        fileprivate var code: CBLAS_TRANSPOSE { self == .plain ? CblasNoTrans : CblasTrans }
    }

    /// A matrix in row-major order that may be a part of a wider one.
    public struct Operand {
        let data: UnsafePointer<Float>
        let stride: Int
        let form: Form

        /// A matrix whose rows begin `stride` numbers apart.
        public init(_ data: UnsafePointer<Float>, stride: Int, _ form: Form = .plain) {
            self.data = data
            self.stride = stride
            self.form = form
        }
    }

    /// `c = alpha * a b + beta * c` with `a` as `[m, k]` and `b` as `[k, n]` after their forms are applied.
    ///
    /// - Parameters:
    ///   - a: Left operand.
    ///   - b: Right operand.
    ///   - m: Rows of the result.
    ///   - n: Columns of the result.
    ///   - k: Length of the sums.
    ///   - alpha: Factor of the product.
    ///   - beta: Factor of what `c` holds; with 0 it is not read.
    ///   - c: Result, rows `stride` numbers apart.
    ///   - stride: Of `c`; `n` when left out.
    public static func multiply(
        _ a: Operand, _ b: Operand, m: Int, n: Int, k: Int, alpha: Float = 1, beta: Float = 0,
        into c: UnsafeMutablePointer<Float>, stride: Int? = nil
    ) {
        // In debug builds; an `assert` would be gone, since this room is optimised in them too.
        #if DEBUG
            precondition(m >= 0 && n >= 0 && k >= 0, "a product of \(m) x \(k) and \(k) x \(n)")
            precondition(
                a.stride >= (a.form == .plain ? k : m) && b.stride >= (b.form == .plain ? n : k)
                    && stride ?? n >= n, "rows of \(m) x \(k) and \(k) x \(n) overlap")
        #endif
        cblas_sgemm(
            CblasRowMajor, a.form.code, b.form.code, blasint(m), blasint(n), blasint(k), alpha,
            a.data, blasint(a.stride), b.data, blasint(b.stride), beta, c, blasint(stride ?? n))
    }
}
