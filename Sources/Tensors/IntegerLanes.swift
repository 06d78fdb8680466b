import Kernels

/// Integers of 8, 16 or 32 bits side by side, which rounded numbers are added up in.
///
/// A reference to its storage, like a tensor.
public struct IntegerLanes: Sendable {
    /// Where the integers are.
    public let storage: TensorStorage
    /// Bits of an integer.
    public let bits: Int
    /// Number of integers.
    public let count: Int

    /// Zeroed integers.
    ///
    /// - Parameters:
    ///   - bits: Of an integer: 8, 16 or 32.
    ///   - count: How many.
    public init(bits: Int, count: Int) {
        precondition([8, 16, 32].contains(bits), "lanes of \(bits) bits")
        self.bits = bits
        self.count = count
        storage = TensorStorage(byteCount: count * bits / 8)
    }

    /// Makes all of them 0.
    public func clear() { storage.bytes.initializeMemory(as: UInt8.self, repeating: 0) }

    /// Takes over other lanes of the same kind.
    ///
    /// - Precondition: As many, of as many bits.
    public func copy(from other: IntegerLanes) {
        precondition(
            bits == other.bits && count == other.count,
            "\(other.count) lanes of \(other.bits) bits into \(count) of \(bits)")
        storage.bytes.copyMemory(from: UnsafeRawBufferPointer(other.storage.bytes))
    }

    /// Rounds numbers and adds them: to the nearest integer in lanes of 32 bits, at random in smaller ones.
    ///
    /// - Parameters:
    ///   - x: The numbers.
    ///   - offset: The first one's lane.
    ///   - scale: See `FixedPoint.scale(exponent:bits:)`.
    ///   - contributionBits: A contribution is clamped to ±(2^bits - 1).
    ///   - random: The stream for rounding at random.
    /// - Precondition: There are lanes for all of them.
    public func add(
        _ x: Numbers<Float>, at offset: Int, scale: Double, contributionBits: Int,
        random: () -> RandomStream
    ) {
        let range = offset..<offset + x.count
        switch bits {
        case 32:
            FixedPoint.accumulate(
                x.startAddress, scale: scale, bits: contributionBits, count: x.count,
                into: lanes(range, of: Int32.self).startAddress)
        case 16:
            var stream = random()
            FixedPoint.accumulateStochastically(
                x.startAddress, scale: scale, bits: contributionBits, count: x.count,
                random: &stream, into: lanes(range, of: Int16.self).startAddress)
        default:
            var stream = random()
            FixedPoint.accumulateStochastically(
                x.startAddress, scale: scale, bits: contributionBits, count: x.count,
                random: &stream, into: lanes(range, of: Int8.self).startAddress)
        }
    }

    /// Turns sums back into numbers: `y[i] = lanes[offset + i] * factor`.
    ///
    /// - Precondition: There are lanes for all of them.
    public func restore(from offset: Int, factor: Float, into y: Numbers<Float>) {
        let range = offset..<offset + y.count
        switch bits {
        case 32:
            FixedPoint.restore(
                UnsafePointer(lanes(range, of: Int32.self).startAddress), factor: factor,
                count: y.count, into: y.startAddress)
        case 16:
            FixedPoint.restore(
                UnsafePointer(lanes(range, of: Int16.self).startAddress), factor: factor,
                count: y.count, into: y.startAddress)
        default:
            FixedPoint.restore(
                UnsafePointer(lanes(range, of: Int8.self).startAddress), factor: factor,
                count: y.count, into: y.startAddress)
        }
    }

    private func lanes<Lane: BitwiseCopyable>(
        _ range: Range<Int>, of type: Lane.Type
    ) -> Numbers<Lane> {
        precondition(range.upperBound <= count, "lanes \(range) of \(count)")
        return storage.numbers(of: type).part(range)
    }
}
