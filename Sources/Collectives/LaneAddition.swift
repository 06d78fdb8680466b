/// Sums of integer lanes that wrap, so that their order cannot show.
enum LaneAddition {
    /// Adds two runs of lanes: `sum[i] = first[i] + second[i]`; the sum may lie where an addend does.
    ///
    /// - Precondition: All three have room for `laneCount` lanes.
    static func add(
        _ first: UnsafeRawPointer, _ second: UnsafeRawPointer, into sum: UnsafeMutableRawPointer,
        laneCount: Int, laneBits: Int
    ) {
        switch laneBits {
        case 32: add(first, second, sum, laneCount, SIMD16<UInt32>.self)
        case 16: add(first, second, sum, laneCount, SIMD32<UInt16>.self)
        default: add(first, second, sum, laneCount, SIMD64<UInt8>.self)
        }
    }

    @inline(__always)
    private static func add<Lanes: SIMD>(
        _ first: UnsafeRawPointer, _ second: UnsafeRawPointer, _ sum: UnsafeMutableRawPointer,
        _ laneCount: Int, _: Lanes.Type
    ) where Lanes.Scalar: FixedWidthInteger & BitwiseCopyable, Lanes: BitwiseCopyable {
        let laneBytes = MemoryLayout<Lanes.Scalar>.size
        let byteCount = laneCount &* laneBytes
        var offset = 0
        while offset &+ 64 <= byteCount {
            let lanes =
                first.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
                &+ second.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
            sum.storeBytes(of: lanes, toByteOffset: offset, as: Lanes.self)
            offset &+= 64
        }
        while offset < byteCount {
            let lane =
                first.loadUnaligned(fromByteOffset: offset, as: Lanes.Scalar.self)
                &+ second.loadUnaligned(fromByteOffset: offset, as: Lanes.Scalar.self)
            sum.storeBytes(of: lane, toByteOffset: offset, as: Lanes.Scalar.self)
            offset &+= laneBytes
        }
    }
}
