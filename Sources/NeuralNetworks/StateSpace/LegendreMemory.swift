/// The state matrix that keeps a signal's past as coefficients of Legendre polynomials (HiPPO-LegS), as the sum of a
/// normal matrix, which has orthonormal eigenvectors, and one of rank 1.
///
/// Source: Gu, Goel and Ré, "Efficiently modeling long sequences with structured state spaces", 2022, theorem 1.
/// `A[n, k]` is -sqrt(2n + 1) sqrt(2k + 1) for n > k, -(n + 1) for n = k, and 0 above; `A + p p'` with
/// `p[n] = sqrt(n + 1/2)` is -1/2 on the diagonal and otherwise skew, so its eigenvalues are -1/2 ± i w. Of each pair one
/// is written. The phase of an eigenvector is free: here it makes the input's part real and positive.
struct LegendreMemory {
    /// An eigenvector of length 1.
    struct Vector {
        let re: [Double]
        let im: [Double]
    }

    /// Imaginary parts of the eigenvalues that are written, the largest first; their real parts are -1/2.
    let frequencies: [Double]
    /// Their eigenvectors.
    let vectors: [Vector]
    /// The input's part of each written state, real by the choice of phases: the eigenvector's product with
    /// sqrt(2n + 1).
    let input: [Double]

    /// The matrix of an even order.
    init(order: Int) {
        precondition(order >= 2 && order.isMultiple(of: 2), "a state of \(order) numbers")
        // Symmetric: minus the square of the skew part, whose eigenvalues are w^2, each twice.
        let skew = SquareMatrix(order: order) { Self.skew($0, $1) }
        let squared = SquareMatrix(order: order) { row, column in
            (0..<order).reduce(0) { $0 - skew[row, $1] * skew[$1, column] }
        }
        let real = squared.symmetricEigenvectors()
        let pairs = (0..<order / 2).map { pair in
            // u and its turned image -S u / w are real and imaginary part of an eigenvector, times sqrt(2).
            let u = real[2 * pair]
            let turned = skew * u
            let w = turned.reduce(0) { $0 + $1 * $1 }.squareRoot()
            let image = turned.map { -$0 / w }
            // The vector's conjugate times the input is x - iy; turned by it, the product is real.
            let (x, y) = (Self.inputProduct(u), Self.inputProduct(image))
            let size = (x * x + y * y).squareRoot()
            let (c, s) = (x / size / 2.0.squareRoot(), y / size / 2.0.squareRoot())
            return (
                w, size / 2.0.squareRoot(),
                Vector(
                    re: zip(u, image).map { $0 * c + $1 * s },
                    im: zip(u, image).map { $1 * c - $0 * s })
            )
        }
        frequencies = pairs.map(\.0)
        input = pairs.map(\.1)
        vectors = pairs.map(\.2)
    }

    private static func skew(_ n: Int, _ k: Int) -> Double {
        let size = (Double(2 * n + 1) * Double(2 * k + 1)).squareRoot() / 2
        return n == k ? 0 : (n > k ? -size : size)
    }

    private static func inputProduct(_ vector: [Double]) -> Double {
        vector.enumerated().reduce(0) { $0 + $1.element * Double(2 * $1.offset + 1).squareRoot() }
    }
}
