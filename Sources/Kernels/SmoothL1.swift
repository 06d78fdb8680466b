/// The sum of losses that are quadratic up to a distance of 1 and linear beyond, and their slopes.
///
/// With the slope s of a difference d, cut to ±1, the loss is `s (d - s/2)` in both ranges.
///
/// - Parameters:
///   - x: Predictions.
///   - target: As many numbers.
///   - count: How many.
///   - slopes: Receives the derivative of each loss by its prediction.
/// - Returns: The sum.
public func smoothL1(
    _ x: Floats, target: Floats, count: Int, slopes: MutableFloats
) -> Float {
    checkCounts(count)
    checkApart(x, count, slopes, count)
    let one = SIMD8<Float>(repeating: 1)
    var sums = SIMD8<Float>()
    var i = 0
    while i &+ 8 <= count {
        let difference = lanes(x, i) - lanes(target, i)
        var slope = difference
        slope.replace(with: one, where: difference .> one)
        slope.replace(with: -one, where: difference .< -one)
        sums.addProduct(slope, difference.addingProduct(slope, SIMD8(repeating: -0.5)))
        UnsafeMutableRawPointer(slopes + i).storeBytes(of: slope, as: SIMD8<Float>.self)
        i &+= 8
    }
    var total = sums.sum()
    while i < count {
        let difference = x[i] - target[i]
        let slope: Float = difference < -1 ? -1 : (difference > 1 ? 1 : difference)
        total.addProduct(slope, difference - 0.5 * slope)
        slopes[i] = slope
        i &+= 1
    }
    return total
}
