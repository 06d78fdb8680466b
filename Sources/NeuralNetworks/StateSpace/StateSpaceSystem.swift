import Kernels

/// The state space of one channel as it steps from token to token, in double.
///
/// Continuous: `x' = A x + B u`, `y = C x` with `A = diag(w) - P Q'`, of whose conjugate pairs one is written. Here the
/// state is real, (Re x, Im x), which is as well conditioned as the complex one; the discretisation is bilinear.
struct StateSpaceSystem {
    /// Numbers of a state: real, then imaginary parts.
    let order: Int
    /// What a state becomes in a token.
    let transition: SquareMatrix
    /// What a token adds to the state.
    let input: [Double]

    /// A channel's system.
    ///
    /// - Parameters:
    ///   - constants: What the layer keeps beside its weights.
    ///   - channel: Which one.
    init(_ constants: StateSpaceConstants, channel: Int) {
        let half = constants.pairs
        let order = 2 * half
        self.order = order
        func number(_ table: [Float], _ index: Int) -> (re: Double, im: Double) {
            let place = 2 * (channel * half + index)
            return (Double(table[place]), Double(table[place + 1]))
        }
        // A acts on x by `own` and on its conjugate by `other`.
        func blocks(_ row: Int, _ column: Int) -> (own: (Double, Double), other: (Double, Double)) {
            let (p, q) = (number(constants.p, row), number(constants.q, column))
            let w = row == column ? number(constants.w, row) : (0, 0)
            return (
                (w.0 - (p.re * q.re - p.im * q.im), w.1 - (p.re * q.im + p.im * q.re)),
                (-(p.re * q.re + p.im * q.im), p.re * q.im - p.im * q.re)
            )
        }
        let continuous = SquareMatrix(order: order) { row, column in
            let (own, other) = blocks(row % half, column % half)
            switch (row < half, column < half) {
            case (true, true): return own.0 + other.0
            case (true, false): return other.1 - own.1
            case (false, true): return own.1 + other.1
            case (false, false): return own.0 - other.0
            }
        }
        let rate = 2 / ElementaryFunctions.exponential(Double(constants.logSteps[channel]))
        let left = SquareMatrix(order: order) { ($0 == $1 ? rate : 0) - continuous[$0, $1] }
        let right = SquareMatrix(order: order) { ($0 == $1 ? rate : 0) + continuous[$0, $1] }
        transition = left.solving(right)
        let b = (0..<order).map { index in
            let part = number(constants.b, index % half)
            return 2 * (index < half ? part.re : part.im)
        }
        input = left.solving([b])[0]
    }

    /// What a stored pair (Re C~, Im C~) counts in the output of a real state: C~ x and its conjugate.
    static func outputFactor(_ storedIndex: Int) -> Double {
        storedIndex.isMultiple(of: 2) ? 2 : -2
    }

    /// Where a stored number of C~ stands in a real state.
    func place(ofStored index: Int) -> Int { index / 2 + (index.isMultiple(of: 2) ? 0 : order / 2) }

    /// `I - transition^length`, which is what C was multiplied by before it was stored.
    func truncation(length: Int) -> SquareMatrix {
        let power = transition.power(length)
        return SquareMatrix(order: order) { ($0 == $1 ? 1 : 0) - power[$0, $1] }
    }

    /// C as it is stored: `C (I - transition^length)`.
    ///
    /// - Parameters:
    ///   - output: C, pairs of real and imaginary parts.
    ///   - length: The length that the layer was made for, in tokens.
    /// - Returns: C~, likewise.
    func stored(_ output: [Double], length: Int) -> [Double] {
        let truncation = truncation(length: length)
        return (0..<order).map { column in
            (0..<order).reduce(0) { sum, row in
                sum + output[row] * Self.outputFactor(row)
                    * truncation[place(ofStored: row), place(ofStored: column)]
            } / Self.outputFactor(column)
        }
    }
}
