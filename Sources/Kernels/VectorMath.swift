/// Numbers to read.
public typealias Floats = UnsafePointer<Float>
/// Numbers to read and write.
public typealias MutableFloats = UnsafeMutablePointer<Float>

/// Eight neighbouring numbers.
@inline(__always)
func lanes(_ x: Floats, _ i: Int) -> SIMD8<Float> {
    UnsafeRawPointer(x + i).loadUnaligned(as: SIMD8<Float>.self)
}

/// Writes eight neighbouring numbers.
@inline(__always)
func store(_ x: SIMD8<Float>, _ y: MutableFloats, _ i: Int) {
    UnsafeMutableRawPointer(y + i).storeBytes(of: x, as: SIMD8<Float>.self)
}

/// e to the power x for x <= 0, relative error about 1e-7; 0 is never reached (e^-87 is the least).
///
/// Plain arithmetic without calls or branches, so that loops around it vectorise.
/// Source of the polynomial: Cephes, `expf`.
@inline(__always)
func exponentialOfNonPositive(_ x: Float) -> Float {
    let clamped = x < -87 ? -87 : x
    let shifted = Float(12_582_912).addingProduct(clamped, 1.442_695_04)
    let n = shifted - 12_582_912
    let r = clamped.addingProduct(n, -0.693_359_375).addingProduct(n, 2.121_944_4e-4)
    var p = Float(1.398_199_950_7e-3).addingProduct(r, 1.987_569_15e-4)
    p = Float(8.333_451_907_3e-3).addingProduct(r, p)
    p = Float(4.166_579_589_4e-2).addingProduct(r, p)
    p = Float(1.666_666_545_9e-1).addingProduct(r, p)
    p = Float(5.000_000_120_1e-1).addingProduct(r, p)
    let series = (r + 1).addingProduct(r * r, p)
    return series * Float(bitPattern: (shifted.bitPattern &+ 127) &<< 23)
}

/// The standard normal distribution function and its density, absolute error about 1e-7.
///
/// Source: Abramowitz and Stegun, 7.1.26, for the error function.
@inline(__always)
func normalDistribution(_ x: Float) -> (cumulative: Float, density: Float) {
    let magnitude = x < 0 ? -x : x
    let t = 1 / Float(1).addingProduct(magnitude, 0.231_641_88)
    let e = exponentialOfNonPositive(-0.5 * x * x)
    var p = Float(-1.453_152_027).addingProduct(t, 1.061_405_429)
    p = Float(1.421_413_741).addingProduct(t, p)
    p = Float(-0.284_496_736).addingProduct(t, p)
    p = Float(0.254_829_592).addingProduct(t, p)
    let tail = 0.5 * t * p * e
    return (x > 0 ? 1 - tail : tail, 0.398_942_28 * e)
}
