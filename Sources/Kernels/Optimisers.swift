/// The constants of one AdamW step, the same for all parameters that share a rate and a decay.
///
/// Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2.
public struct AdamWStep: Sendable {
    /// Learning rate of this step.
    public let learningRate: Float
    /// What parameters are multiplied by first: 1 - rate * decay.
    public let shrinkage: Float
    /// Decay of the first moment.
    public let beta1: Float
    /// Decay of the second moment.
    public let beta2: Float
    /// The first moment's bias correction: 1 / (1 - beta1^t).
    public let correction1: Float
    /// The second moment's bias correction: 1 / (1 - beta2^t).
    public let correction2: Float
    /// Added to the root of the second moment.
    public let epsilon: Float

    /// The constants of update number `number`, counted from 1.
    public init(
        number: UInt64, learningRate: Double, weightDecay: Double, beta1: Double, beta2: Double,
        epsilon: Double
    ) {
        self.learningRate = Float(learningRate)
        shrinkage = Float(1 - learningRate * weightDecay)
        self.beta1 = Float(beta1)
        self.beta2 = Float(beta2)
        correction1 = Float(1 / (1 - ElementaryFunctions.power(beta1, number)))
        correction2 = Float(1 / (1 - ElementaryFunctions.power(beta2, number)))
        self.epsilon = Float(epsilon)
    }

    /// Moves parameters along a gradient: `p = p * shrinkage - rate * m^ / (sqrt(v^) + eps)`.
    ///
    /// - Parameters:
    ///   - parameters: Shape `[count]`, updated in place.
    ///   - gradient: Shape `[count]`.
    ///   - moment1: Mean of gradients, updated in place.
    ///   - moment2: Mean of squared gradients, updated in place.
    ///   - count: How many.
    public func apply(
        to parameters: MutableFloats, gradient: Floats, moment1: MutableFloats,
        moment2: MutableFloats, count: Int
    ) {
        checkCounts(count)
        let (rest1, rest2) = (1 - beta1, 1 - beta2)
        for i in 0..<count {
            let g = gradient[i]
            let m = (beta1 * moment1[i]).addingProduct(rest1, g)
            let v = (beta2 * moment2[i]).addingProduct(rest2 * g, g)
            moment1[i] = m
            moment2[i] = v
            let denominator = (v * correction2).squareRoot() + epsilon
            parameters[i] =
                parameters[i] * shrinkage - learningRate * (m * correction1) / denominator
        }
    }
}

/// The sum of squares of a block, in double and ascending order of eight lanes.
public func sumOfSquares(_ x: Floats, count: Int) -> Double {
    checkCounts(count)
    var sums = SIMD8<Double>()
    var i = 0
    while i &+ 8 <= count {
        let values = SIMD8<Double>(lanes(x, i))
        sums.addProduct(values, values)
        i &+= 8
    }
    var total = sums.sum()
    while i < count {
        total.addProduct(Double(x[i]), Double(x[i]))
        i &+= 1
    }
    return total
}
