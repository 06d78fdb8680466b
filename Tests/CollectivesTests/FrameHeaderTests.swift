import TestSupport
import Testing
import Transport

@testable import Collectives

@Suite("Labels of frames")
struct FrameHeaderTests {
    @Test("the bytes are those of the protocol document")
    func bytesAreAsDocumented() {
        var header = FrameHeader(type: .tensor)
        header.round = 1
        header.generation = 0x0102_0304
        header.step = 0xA1B2_C3D4
        header.bucket = 0x1234
        header.phase = FrameHeader.Phase.allGather
        header.chunk = 0xABCDEF
        var bytes = [UInt8](repeating: 0, count: FrameHeader.byteCount)
        bytes.withUnsafeMutableBytes { bytes in
            if let start = bytes.baseAddress { header.encode(into: start, payloadChecksum: 0) }
        }
        #expect(
            Array(bytes[7..<22]) == [
                1, 4, 3, 2, 1, 0xD4, 0xC3, 0xB2, 0xA1, 0x34, 0x12, 1, 0xEF, 0xCD, 0xAB,
            ])
    }

    @Test("each part is set without the others, and comes back", arguments: 1..<40 as Range<UInt64>)
    func partsAreApart(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var header = FrameHeader(type: .tensor)
        var expected: [UInt32] = [0, 0, 0, 0, 0, 0]
        for _ in 0..<30 {
            let value = UInt32(truncatingIfNeeded: random.next())
            switch Int.random(in: 0..<6, using: &random) {
            case 0: (header.round, expected[0]) = (UInt8(value & 0xFF), value & 0xFF)
            case 1: (header.generation, expected[1]) = (value, value)
            case 2: (header.step, expected[2]) = (value, value)
            case 3: (header.bucket, expected[3]) = (UInt16(value & 0xFFFF), value & 0xFFFF)
            case 4: (header.phase, expected[4]) = (UInt8(value & 0xFF), value & 0xFF)
            default: (header.chunk, expected[5]) = (value, value & 0xFF_FFFF)
            }
            var bytes = [UInt8](repeating: 0, count: FrameHeader.byteCount)
            bytes.withUnsafeMutableBytes { bytes in
                if let start = bytes.baseAddress {
                    header.encode(into: start, payloadChecksum: 0)
                }
            }
            let read = try bytes.withUnsafeBytes { try FrameHeader.decode($0).header }
            #expect(
                [
                    UInt32(read.round), read.generation, read.step, UInt32(read.bucket),
                    UInt32(read.phase), read.chunk,
                ] == expected, "seed \(seed)")
        }
    }
}
