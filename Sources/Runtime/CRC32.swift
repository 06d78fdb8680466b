import CZlib

/// CRC-32 as in zlib and Ethernet.
public enum CRC32 {
    /// The checksum of bytes, or of bytes that follow others whose checksum is given.
    public static func checksum(of bytes: UnsafeRawBufferPointer, after previous: UInt32 = 0)
        -> UInt32
    {
        let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        return UInt32(truncatingIfNeeded: crc32_z(UInt(previous), start, bytes.count))
    }
}
