/// Hyperbolic tangent of each number, absolute error about 1e-7; in place where both are the same.
public func hyperbolicTangents(_ x: Floats, into y: MutableFloats, count: Int) {
    checkCounts(count)
    for i in 0..<count { y[i] = hyperbolicTangent(x[i]) }
}

/// The hyperbolic tangent, absolute error about 1e-7.
@inline(__always)
func hyperbolicTangent(_ x: Float) -> Float {
    let e = exponentialOfNonPositive(x < 0 ? 2 * x : -2 * x)
    let magnitude = (1 - e) / (1 + e)
    return x < 0 ? -magnitude : magnitude
}

extension ElementaryFunctions {
    /// Hyperbolic tangent.
    public static func hyperbolicTangent(_ x: Double) -> Double {
        let decay = exponential(-2 * x.magnitude)
        let value = (1 - decay) / (1 + decay)
        return x < 0 ? -value : value
    }

    /// The number whose hyperbolic tangent is x, for magnitudes below 1.
    public static func inverseHyperbolicTangent(_ x: Double) -> Double {
        logarithm((1 + x) / (1 - x)) / 2
    }
}
