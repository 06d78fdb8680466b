/// What a random number is for.
///
/// Streams of different purposes never share a number.
public enum RandomPurpose: UInt8, Sendable {
    case initialisation = 1
    case order
    case crop
    case mask
    case augmentation
    case dropout
    case dropPath
    case rounding
    case codebook
    case negatives
    case sampling
    case synthesis
    case headDropout
    case labels
    case test = 255
}

/// The counter-based generator philox4x32-10: a keyed function of a counter, with no state to save.
///
/// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011.
public enum Philox {
    /// Ten rounds over one counter.
    ///
    /// - Returns: Four independent 32-bit words.
    @inlinable
    public static func block(
        counter: SIMD4<UInt32>, key: (UInt32, UInt32)
    ) -> SIMD4<UInt32> {
        var (x, y, z, w) = (counter.x, counter.y, counter.z, counter.w)
        var (k0, k1) = key
        for _ in 0..<10 {
            let first = UInt64(0xD251_1F53) &* UInt64(x)
            let second = UInt64(0xCD9E_8D57) &* UInt64(z)
            x = UInt32(truncatingIfNeeded: second >> 32) ^ y ^ k0
            y = UInt32(truncatingIfNeeded: second)
            z = UInt32(truncatingIfNeeded: first >> 32) ^ w ^ k1
            w = UInt32(truncatingIfNeeded: first)
            k0 = k0 &+ 0x9E37_79B9
            k1 = k1 &+ 0xBB67_AE85
        }
        return SIMD4(x, y, z, w)
    }
}

/// A stream of random numbers that depends on (seed, purpose, step, position) alone.
///
/// The position is that of a sample in the global batch, a shard's number, or 0 for what the whole batch shares.
public struct RandomStream: RandomNumberGenerator, Sendable {
    @usableFromInline let key: (UInt32, UInt32)
    @usableFromInline var counter: SIMD4<UInt32>
    @usableFromInline var words = SIMD4<UInt32>()
    @usableFromInline var used = 4

    /// The stream of one purpose, step and position.
    ///
    /// - Parameters:
    ///   - seed: The run's seed.
    ///   - purpose: What the numbers are for.
    ///   - step: The training step, below 2^56; 0 where there is none.
    ///   - position: See the type.
    public init(seed: UInt64, purpose: RandomPurpose, step: UInt64 = 0, position: UInt32 = 0) {
        key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        let high = UInt32(truncatingIfNeeded: step >> 32) & 0xFF_FFFF
        counter = SIMD4(
            0, position, UInt32(truncatingIfNeeded: step), UInt32(purpose.rawValue) << 24 | high)
    }

    /// The next 32 bits.
    @inlinable
    public mutating func nextWord() -> UInt32 {
        if used == 4 {
            words = Philox.block(counter: counter, key: key)
            counter.x = counter.x &+ 1
            used = 0
        }
        defer { used &+= 1 }
        return words[used]
    }

    /// The next 64 bits.
    @inlinable
    public mutating func next() -> UInt64 {
        let low = nextWord()
        return UInt64(nextWord()) << 32 | UInt64(low)
    }

    /// A number drawn evenly from [0, 1), a multiple of 2^-24.
    @inlinable
    public mutating func nextUniform() -> Float {
        Float(nextWord() >> 8) * 0x1p-24
    }

    /// A number drawn evenly from [0, 1), a multiple of 2^-53.
    @inlinable
    public mutating func nextDouble() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// A whole number drawn evenly from 0..<bound (bias below 2^-32 of the bound).
    ///
    /// - Precondition: 0 < bound <= 2^31.
    @inlinable
    public mutating func nextInteger(below bound: Int) -> Int {
        precondition(bound > 0 && bound <= 1 << 31, "cannot draw from 0..<\(bound)")
        return Int((next() >> 32).multipliedFullWidth(by: UInt64(bound) << 32).high)
    }

    /// A number from the standard normal distribution (Box and Muller's cosine branch).
    public mutating func nextNormal() -> Double {
        let radius = 1 - nextDouble()
        let angle = nextDouble()
        return (-2 * ElementaryFunctions.logarithm(radius)).squareRoot()
            * ElementaryFunctions.cosine(2 * .pi * angle)
    }
}
