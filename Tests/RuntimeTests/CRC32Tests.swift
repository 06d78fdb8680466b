import CZlib
import Runtime
import Testing

@Suite("CRC-32")
struct CRC32Tests {
    @Test("agrees with the published check value")
    func agreesWithCheckValue() {
        #expect(Array("123456789".utf8).withUnsafeBytes { CRC32.checksum(of: $0) } == 0xCBF4_3926)
    }

    @Test(
        "agrees with zlib at every length round the folded blocks",
        arguments: [0, 1, 15, 16, 63, 64, 65, 79, 80, 127, 128, 129, 255, 256, 4095, 4096, 70001])
    func agreesWithZlib(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 >> 7) }
        for start in [0, 1, 0xDEAD_BEEF] as [UInt32] {
            let expected = UInt32(crc32_z(UInt(start), bytes, count))
            #expect(bytes.withUnsafeBytes { CRC32.checksum(of: $0, after: start) } == expected)
        }
    }

    @Test("joins two pieces", arguments: [0, 1, 40, 1000])
    func joinsPieces(cut: Int) {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        func checksum(_ part: ArraySlice<UInt8>) -> UInt32 {
            Array(part).withUnsafeBytes { CRC32.checksum(of: $0) }
        }
        let joined = CRC32.combined(
            checksum(bytes[..<cut]), checksum(bytes[cut...]), secondByteCount: 1000 - cut)
        #expect(joined == checksum(bytes[...]))
    }
}
