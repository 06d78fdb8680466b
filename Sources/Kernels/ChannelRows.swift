/// Loops over rows that are channels, each with all its times one after another.

/// Mean and biased variance of a row, added up in double, eight lanes at a time.
public func rowMoments(_ x: Floats, count: Int) -> (mean: Double, variance: Double) {
    checkCounts(count)
    var sums = SIMD8<Double>()
    var i = 0
    while i &+ 8 <= count {
        sums += SIMD8<Double>(lanes(x, i))
        i &+= 8
    }
    var total = sums.sum()
    while i < count {
        total += Double(x[i])
        i &+= 1
    }
    let mean = total / Double(count)
    var squares = SIMD8<Double>()
    i = 0
    while i &+ 8 <= count {
        let distance = SIMD8<Double>(lanes(x, i)) - mean
        squares.addProduct(distance, distance)
        i &+= 8
    }
    var spread = squares.sum()
    while i < count {
        let distance = Double(x[i]) - mean
        spread.addProduct(distance, distance)
        i &+= 1
    }
    return (mean, spread / Double(count))
}

/// Takes out a mean, scales, shifts and rectifies a row: `max(0, (x - mean) * inverse * gain + shift)`.
public func rectifiedNormalisation(
    _ x: Floats, mean: Float, inverse: Float, gain: Float, shift: Float, count: Int,
    into y: MutableFloats
) {
    checkCounts(count)
    for i in 0..<count {
        let value = shift.addingProduct((x[i] - mean) * inverse, gain)
        y[i] = value > 0 ? value : 0
    }
}

/// The backward pass of `rectifiedNormalisation`, in place over the gradient of its result.
///
/// - Parameters:
///   - dy: Gradient of the result; replaced by that of `x`.
///   - y: The result.
///   - x: The input.
///   - mean: As in the forward pass.
///   - inverse: As in the forward pass.
///   - gain: As in the forward pass.
///   - isOfRow: Whether mean and deviation are those of the row, and so take part in the gradient.
///   - count: How many.
/// - Returns: The gradients of gain and shift.
public func rectifiedNormalisationBackward(
    _ dy: MutableFloats, result y: Floats, x: Floats, mean: Float, inverse: Float, gain: Float,
    isOfRow: Bool, count: Int
) -> (gain: Float, shift: Float) {
    checkCounts(count)
    reluBackward(dy, result: y, count: count)
    var (s0, s1, p0, p1) = (SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>())
    var i = 0
    while i &+ 16 <= count {
        let (d0, d1) = (lanes(dy, i), lanes(dy, i &+ 8))
        s0 += d0
        s1 += d1
        p0.addProduct(d0, (lanes(x, i) - mean) * inverse)
        p1.addProduct(d1, (lanes(x, i &+ 8) - mean) * inverse)
        i &+= 16
    }
    var (total, product) = ((s0 + s1).sum(), (p0 + p1).sum())
    while i < count {
        total += dy[i]
        product.addProduct(dy[i], (x[i] - mean) * inverse)
        i &+= 1
    }
    let factor = gain * inverse
    let (a, b) = isOfRow ? (total / Float(count), product / Float(count)) : (0, 0)
    for i in 0..<count {
        let normalised = (x[i] - mean) * inverse
        dy[i] = factor * (dy[i] - a).addingProduct(normalised, -b)
    }
    return (product, total)
}

/// Adds a number to a row.
public func add(_ value: Float, into y: MutableFloats, count: Int) {
    checkCounts(count)
    for i in 0..<count { y[i] += value }
}

/// Cross entropy of one positive score against weighted others, and its gradient in place of the scores.
///
/// - Parameters:
///   - scores: `count` scores; replaced by the gradient of the result with respect to each.
///   - weights: How often each score counts among the others; 0 for the positive one.
///   - count: How many.
///   - positive: The number of the positive score.
/// - Returns: The cross entropy, and whether the positive score is larger than all others that count.
public func contrast(
    _ scores: MutableFloats, weights: Floats, count: Int, positive: Int
) -> (loss: Double, isFound: Bool) {
    checkCounts(count)
    checkApart(weights, count, scores, count)
    let truth = scores[positive]
    let largest = largestWeighted(scores, weights: weights, count: count)
    let top = largest > truth ? largest : truth
    for j in 0..<count {
        let x = scores[j] - top
        scores[j] = weights[j] * exponentialOfNonPositive(x < 0 ? x : 0)
    }
    let own = truth - top
    let e = exponentialOfNonPositive(own)
    scores[positive] = e
    let total = sum(scores, count: count)
    scale(scores, by: 1 / total, into: scores, count: count)
    scores[positive] -= 1
    return (ElementaryFunctions.logarithm(Double(total)) - Double(own), largest < truth)
}

/// The largest score that counts; -infinity where none does.
private func largestWeighted(_ scores: Floats, weights: Floats, count: Int) -> Float {
    var best = SIMD8<Float>(repeating: -.infinity)
    var i = 0
    while i &+ 8 <= count {
        let next = lanes(scores, i)
        best.replace(with: next, where: (next .> best) .& (lanes(weights, i) .> 0))
        i &+= 8
    }
    var largest = best.max()
    while i < count {
        largest = weights[i] > 0 && scores[i] > largest ? scores[i] : largest
        i &+= 1
    }
    return largest
}
