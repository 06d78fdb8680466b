import Runtime
import TestSupport
import Testing

@testable import Transport

private let hello = FrameType(rawValue: 1)

@Suite("Message connections")
struct MessageConnectionTests {
    @Test(
        "messages of all sizes arrive in order", arguments: [0, 1, 39, 40, 4096, 5000, 3_000_000])
    func deliversMessages(byteCount: Int) throws {
        let (near, far) = try Socket.pair()
        let (sender, receiver) = (MessageConnection(near), MessageConnection(far))
        let payload = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let thread = try NamedThread("sender") {
            for index in 0..<3 as Range<UInt32> {
                var header = FrameHeader(type: hello)
                header.label.first = UInt64(index)
                do {
                    try sender.send(header, payload: payload, timeout: .seconds(20))
                } catch {
                    Issue.record(error)
                }
            }
        }
        defer { thread.join() }
        for index in 0..<3 as Range<UInt32> {
            let frame = try #require(try receiver.receive(timeout: .seconds(20)))
            #expect(frame.header.label.first == UInt64(index))
            #expect(frame.header.sequence == UInt64(index))
            #expect(frame.payload == payload)
        }
    }

    @Test("a message that arrives byte by byte survives timeouts in between")
    func survivesTimeouts() throws {
        let (near, far) = try Socket.pair()
        let connection = MessageConnection(near)
        let bytes = frameBytes(hello, payload: Array("slowly".utf8))
        for byte in bytes.dropLast() {
            try writeAll([byte], to: far)
            #expect(try connection.receive(timeout: .zero) == nil)
        }
        try writeAll([bytes[bytes.count - 1]], to: far)
        let frame = try #require(try connection.receive(timeout: .seconds(5)))
        #expect(frame.payload == Array("slowly".utf8))
    }

    @Test("a closed connection is an error at once")
    func noticesClosedPeer() throws {
        let (near, far) = try Socket.pair()
        let connection = MessageConnection(near)
        far.shutDown()
        #expect(throws: TransportError.closedByPeer(peer: "local peer 1")) {
            try connection.receive(timeout: .seconds(60))
        }
        #expect(throws: TransportError.closedByPeer(peer: "local peer 1")) {
            try connection.send(hello, timeout: .seconds(60))
        }
    }

    @Test("shutting down wakes a thread that waits")
    func shutDownWakes() throws {
        let (near, far) = try Socket.pair()
        let connection = MessageConnection(near)
        let thread = try NamedThread("waiter") {
            #expect(throws: TransportError.shutDown(peer: "local peer 1")) {
                try connection.receive(timeout: .seconds(60))
            }
        }
        connection.shutDown()
        thread.join()
        _ = far
    }

    @Test("a peer that reads nothing cannot keep a sender for longer than its timeout")
    func sendTimesOut() throws {
        let (near, far) = try Socket.pair()
        let connection = MessageConnection(near)
        let payload = [UInt8](repeating: 1, count: 8 << 20)
        #expect(throws: TransportError.self) {
            try connection.send(hello, payload: payload, timeout: .milliseconds(50))
        }
        _ = far
    }

    @Test("a lost or repeated frame is noticed", arguments: [0, 2] as [UInt64])
    func noticesGaps(second: UInt64) throws {
        let (near, far) = try Socket.pair()
        let connection = MessageConnection(near)
        try writeAll(frameBytes(hello, payload: []), to: far)
        try writeAll(frameBytes(hello, payload: [], sequence: second), to: far)
        _ = try connection.receive(timeout: .seconds(5))
        let error = FrameError.outOfSequence(expected: 1, found: second)
        #expect(throws: TransportError.badFrame(peer: "local peer 1", error)) {
            try connection.receive(timeout: .seconds(5))
        }
    }

    @Test("random streams end in an error, never in a crash", arguments: 1..<30 as Range<UInt64>)
    func survivesRandomStreams(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var bytes = (0..<4).flatMap { index in
            frameBytes(
                hello, payload: (0..<100).map { _ in UInt8.random(in: 0...255, using: &random) },
                sequence: UInt64(index))
        }
        switch seed % 3 {
        case 0: bytes.removeSubrange(Int.random(in: 0..<400, using: &random)..<440)
        case 1: bytes[Int.random(in: 0..<560, using: &random)] ^= 0x10
        default: bytes = (0..<200).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        let (near, far) = try Socket.pair()
        let connection = MessageConnection(near)
        try writeAll(bytes, to: far)
        far.shutDown()
        #expect(throws: TransportError.self) {
            for _ in 0..<5 { _ = try connection.receive(timeout: .seconds(5)) }
        }
    }

    @Test("frames without payload checksum need the reader's agreement")
    func uncheckedPayloadsNeedAgreement() throws {
        let (near, far) = try Socket.pair()
        let writer = FrameWriter(far)
        writer.leavesPayloadsUnchecked = true
        let reader = FrameReader(near)
        let isSent = try [UInt8](repeating: 7, count: 10).withUnsafeBytes { payload in
            writer.start(FrameHeader(type: hello), payload: payload)
            return try writer.flush()
        }
        #expect(isSent)
        #expect(throws: TransportError.self) { try reader.next() }
    }

    @Test("compressed payloads come back")
    func rawPayload() throws {
        var values = (0..<5000).map { Int32($0 % 50) }
        var output = [UInt8](repeating: 0, count: 20000)
        let count = try values.withUnsafeMutableBytes { raw in
            try output.withUnsafeMutableBytes { output in
                try #require(
                    PlaneEncoder().encode(
                        UnsafeRawBufferPointer(raw), codec: .planes4, into: output))
            }
        }
        var header = FrameHeader(type: .state)
        header.flags = .compressed
        header.codec = .planes4
        header.rawBytes = 20000
        header.payloadBytes = count
        let frame = Frame(header: header, payload: Array(output[..<count]))
        #expect(try frame.rawPayload() == values.withUnsafeBytes { Array($0) })
        let cut = Frame(header: header, payload: Array(output[..<(count / 2)]))
        #expect(throws: FrameError.self) { try cut.rawPayload() }
    }
}
