import CSystem
import CZlib

/// CRC-32 as in zlib and Ethernet.
public enum CRC32 {
    private static let canFold = purkinje_has_carryless_multiply() != 0

    /// The checksum of bytes, or of bytes that follow others whose checksum is given.
    ///
    /// Long runs are folded with carry-less products, about six times as fast as zlib's tables.
    public static func checksum(of bytes: UnsafeRawBufferPointer, after previous: UInt32 = 0)
        -> UInt32
    {
        var checksum = previous
        var rest = bytes
        if canFold, bytes.count >= 64 {
            let folded = bytes.count & ~15
            checksum = ~purkinje_crc32_fold(~checksum, bytes.baseAddress, folded)
            rest = UnsafeRawBufferPointer(rebasing: bytes[folded...])
        }
        guard let start = rest.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
            return checksum
        }
        return UInt32(truncatingIfNeeded: crc32_z(UInt(checksum), start, rest.count))
    }

    /// The checksum of two pieces one after the other, from the checksum of each.
    public static func combined(_ first: UInt32, _ second: UInt32, secondByteCount: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: crc32_combine(UInt(first), UInt(second), secondByteCount))
    }
}
