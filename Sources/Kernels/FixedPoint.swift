/// Gradients as integers with a power-of-two scale per block, so that their sums do not depend on any order.
///
/// A block's exponent is the 8-bit exponent field of its largest magnitude: 0 for zeros and subnormals, 255 for
/// infinity and NaN. With exponent `e`, every magnitude is below 2^(e - 126).
public enum FixedPoint {
    /// Numbers that share an exponent.
    ///
    /// Blocks never straddle two tensors.
    public static let blockSize = 4096

    /// The largest exponent field among numbers.
    public static func exponent(of x: Floats, count: Int) -> UInt8 {
        checkCounts(count)
        var (m0, m1) = (SIMD8<UInt32>(), SIMD8<UInt32>())
        let mask = SIMD8<UInt32>(repeating: 0x7FFF_FFFF)
        let raw = UnsafeRawPointer(x)
        var i = 0
        while i &+ 16 <= count {
            let a = raw.loadUnaligned(fromByteOffset: 4 &* i, as: SIMD8<UInt32>.self) & mask
            let b = raw.loadUnaligned(fromByteOffset: 4 &* i &+ 32, as: SIMD8<UInt32>.self) & mask
            m0.replace(with: a, where: a .> m0)
            m1.replace(with: b, where: b .> m1)
            i &+= 16
        }
        m0.replace(with: m1, where: m1 .> m0)
        var largest = m0.max()
        while i < count {
            let bits = x[i].bitPattern & 0x7FFF_FFFF
            largest = bits > largest ? bits : largest
            i &+= 1
        }
        return UInt8(truncatingIfNeeded: largest >> 23)
    }

    /// The power of two that numbers of a block are multiplied by to fill `bits` bits.
    ///
    /// - Parameters:
    ///   - exponent: The block's exponent; it may lie outside 0...255 after a margin was added.
    ///   - bits: Bits of the magnitude of one contribution.
    /// - Returns: A power of two.
    public static func scale(exponent: Int, bits: Int) -> Double {
        Double(sign: .plus, exponent: bits - (max(exponent, 1) - 126), significand: 1)
    }

    /// Rounds numbers to the nearest integer (ties to even) and adds them to sums.
    ///
    /// - Parameters:
    ///   - x: Numbers, shape `[count]`.
    ///   - scale: See `scale(exponent:bits:)`.
    ///   - bits: A contribution is clamped to ±(2^bits - 1).
    ///   - count: How many.
    ///   - sums: Lanes, updated in place.
    public static func accumulate(
        _ x: Floats, scale: Double, bits: Int, count: Int, into sums: UnsafeMutablePointer<Int32>
    ) {
        checkCounts(count)
        checkApart(x, count, sums, count)
        // Adding 1.5 * 2^52 leaves the rounded integer in the low bits of the sum.
        let limit = Double((1 << bits) - 1)
        for i in 0..<count {
            let scaled = Double(x[i]) * scale
            let upper = scaled > limit ? limit : scaled
            let clamped = upper < -limit ? -limit : upper
            let shifted = clamped + 6_755_399_441_055_744
            sums[i] = sums[i] &+ Int32(truncatingIfNeeded: shifted.bitPattern)
        }
    }

    /// Rounds numbers up or down at random, with the odds that make the mean exact, and adds them to sums.
    ///
    /// Inlined into its callers, since a generic function called across a module border is not specialised.
    ///
    /// - Parameters:
    ///   - x: Numbers, shape `[count]`.
    ///   - scale: See `scale(exponent:bits:)`.
    ///   - bits: A contribution is clamped to ±(2^bits - 1).
    ///   - count: How many.
    ///   - random: A stream of its own for this shard and block.
    ///   - sums: Lanes, updated in place.
    @inlinable
    public static func accumulateStochastically<Lane: FixedWidthInteger & SignedInteger>(
        _ x: Floats, scale: Double, bits: Int, count: Int, random: inout RandomStream,
        into sums: UnsafeMutablePointer<Lane>
    ) {
        checkCounts(count)
        let limit = Double((1 << bits) - 1)
        for i in 0..<count {
            let dithered = (Double(x[i]) * scale + Double(random.nextUniform())).rounded(.down)
            let upper = dithered > limit ? limit : dithered
            let clamped = upper < -limit ? -limit : upper
            sums[i] = sums[i] &+ Lane(truncatingIfNeeded: Int64(clamped))
        }
    }

    /// Turns sums back into numbers: `y[i] = sums[i] * factor`.
    ///
    /// Inlined for the same reason.
    @inlinable
    public static func restore<Lane: FixedWidthInteger & SignedInteger>(
        _ sums: UnsafePointer<Lane>, factor: Float, count: Int, into y: MutableFloats
    ) {
        checkCounts(count)
        checkApart(sums, count, y, count)
        for i in 0..<count { y[i] = Float(sums[i]) * factor }
    }
}
