import Runtime
import TestSupport
import Testing

@testable import Transport

private func someHeader() -> FrameHeader {
    var header = FrameHeader(type: .tensor)
    header.flags = [.compressed, .last]
    header.codec = .planes4
    header.label = FrameLabel(first: 0xB2C3_D401_0203_0401, second: 0xAB_CDEF_0112_34A1)
    header.payloadBytes = 1000
    header.rawBytes = 4096
    header.sequence = 0x1122_3344_5566
    return header
}

private func encoded(_ header: FrameHeader, payloadChecksum: UInt32 = 0) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: FrameHeader.byteCount)
    bytes.withUnsafeMutableBytes { bytes in
        if let start = bytes.baseAddress {
            header.encode(into: start, payloadChecksum: payloadChecksum)
        }
    }
    return bytes
}

/// The frame's bytes as a peer would send them.
func frameBytes(_ type: FrameType, payload: [UInt8], sequence: UInt64 = 0) -> [UInt8] {
    var header = FrameHeader(type: type)
    header.payloadBytes = payload.count
    header.rawBytes = payload.count
    header.sequence = sequence
    let checksum = payload.withUnsafeBytes { CRC32.checksum(of: $0) }
    return encoded(header, payloadChecksum: checksum) + payload
}

private func decode(_ bytes: [UInt8]) -> Result<FrameHeader, FrameError> {
    bytes.withUnsafeBytes { bytes in
        Result { () throws(FrameError) in try FrameHeader.decode(bytes).header }
    }
}

@Suite("Frames")
struct FrameTests {
    @Test("a header comes back as it went")
    func roundTrip() {
        #expect(decode(encoded(someHeader())) == .success(someHeader()))
    }

    @Test("the bytes are those of the protocol document")
    func bytesAreAsDocumented() {
        let bytes = encoded(someHeader())
        let expected: [UInt8] = [
            0x50, 0x4B, 0x4A, 1, 0x80, 3, 1, 1, 4, 3, 2, 1, 0xD4, 0xC3, 0xB2, 0xA1, 0x34, 0x12, 1,
            0xEF, 0xCD, 0xAB, 0xE8, 3, 0, 0, 0, 0x10, 0, 0, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
        ]
        #expect(Array(bytes[..<36]) == expected)
    }

    @Test("refuses every truncation", arguments: 0..<FrameHeader.byteCount)
    func refusesTruncation(count: Int) {
        let error = FrameError.truncated(neededBytes: 40, availableBytes: count)
        #expect(decode(Array(encoded(someHeader())[..<count])) == .failure(error))
    }

    @Test("an unknown version is refused with both versions named")
    func refusesUnknownVersion() throws {
        var bytes = encoded(someHeader())
        bytes[3] = 9
        let error = FrameError.unknownVersion(theirs: 9, ours: 1)
        #expect(decode(bytes) == .failure(error))
        #expect(error.description.contains("version 9"))
        #expect(error.description.contains("version 1"))
    }

    @Test("lengths above the type's limit are refused before anything is allocated")
    func refusesLargeLengths() {
        var header = FrameHeader(type: .tensor)
        header.payloadBytes = (1 << 20) + 1
        header.rawBytes = header.payloadBytes
        #expect(
            decode(encoded(header))
                == .failure(
                    .payloadTooLarge(type: .tensor, bytes: 1_048_577, limitBytes: 1_048_576)))
        header.payloadBytes = 10
        header.rawBytes = 0xFFFF_FFFF
        header.flags = .compressed
        header.codec = .planes4
        #expect(
            decode(encoded(header))
                == .failure(
                    .rawLengthTooLarge(
                        type: .tensor, bytes: 0xFFFF_FFFF, limitBytes: 1_048_576)))
        header = FrameHeader(type: FrameType(rawValue: 0xEE))
        header.payloadBytes = 1
        header.rawBytes = 1
        #expect(throws: FrameError.self) { try decode(encoded(header)).get() }
    }

    @Test("random headers never crash the decoder", arguments: 0..<20 as Range<UInt64>)
    func survivesRandomBytes(seed: UInt64) {
        var random = SeededRandom(seed: seed + 1)
        for _ in 0..<2000 {
            var bytes = (0..<40).map { _ in UInt8.random(in: 0...255, using: &random) }
            if Bool.random(using: &random) {
                bytes.replaceSubrange(0..<4, with: [0x50, 0x4B, 0x4A, 1])
            }
            if case .success(let header) = decode(bytes) {
                #expect(header.payloadBytes <= header.type.payloadLimitBytes)
                #expect(header.rawBytes <= header.type.payloadLimitBytes)
            }
        }
    }

    @Test("every flipped bit of a frame is noticed", arguments: [0, 1, 100])
    func noticesFlippedBits(payloadBytes: Int) throws {
        let sound = frameBytes(
            FrameType(rawValue: 5), payload: (0..<payloadBytes).map { UInt8($0) })
        for bit in 0..<sound.count * 8 {
            var bytes = sound
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            let (near, far) = try Socket.pair()
            let connection = MessageConnection(near)
            try writeAll(bytes, to: far)
            far.shutDown()
            #expect(throws: TransportError.self, "bit \(bit)") {
                // A longer length leaves the frame unfinished, which the end of the stream shows.
                if try connection.receive(timeout: .seconds(5)) == nil {
                    Issue.record("bit \(bit): neither a frame nor an error")
                }
            }
        }
    }
}

func writeAll(_ bytes: [UInt8], to socket: Socket) throws {
    var sent = 0
    while sent < bytes.count {
        let count = try bytes.withUnsafeBytes { bytes in
            try socket.write(
                UnsafeRawBufferPointer(rebasing: bytes[sent...]),
                and: UnsafeRawBufferPointer(start: nil, count: 0))
        }
        sent += try #require(count, "the socket's buffer is too small for this test")
    }
}
