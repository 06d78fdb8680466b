import Runtime
import TestSupport
import Testing

@testable import Transport

private let hello = FrameType(rawValue: 1)

/// Connections over streams that are no sockets, by time that passes by hand.
@Suite("Byte streams")
struct ByteStreamTests {
    private let payload = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 11) }

    @Test("a message goes through any pace", arguments: [1, 3, 40, 41, 999, Int.max])
    func goesThroughAnyPace(limit: Int) throws {
        let (near, far) = MemoryStream.pair()
        for stream in [near, far] { stream.setPace(readLimit: limit, writeLimit: limit) }
        let waiter = SimulatedWaiter()
        let (sender, receiver) = (
            MessageConnection(near, waiter: waiter), MessageConnection(far, waiter: waiter)
        )
        for sequence in 0..<3 as Range<UInt64> {
            try sender.send(hello, payload: payload, timeout: .seconds(1))
            let frame = try #require(try receiver.receive(timeout: .seconds(1)))
            #expect(frame.payload == payload && frame.header.sequence == sequence)
        }
    }

    @Test("a wait is as long as its timeout, to the moment")
    func waitsForItsTimeout() throws {
        let (near, far) = MemoryStream.pair(capacity: 100)
        let waiter = SimulatedWaiter()
        let connection = MessageConnection(near, waiter: waiter)
        let start = waiter.clock.now
        #expect(try connection.receive(timeout: .seconds(3_600)) == nil)
        #expect(waiter.clock.now - start == .seconds(3_600))
        #expect(
            throws: TransportError.timedOut(
                peer: "memory 1", waitingFor: "sending a type 1 frame", after: .seconds(60))
        ) {
            try connection.send(hello, payload: payload, timeout: .seconds(60))
        }
        #expect(waiter.clock.now - start == .seconds(3_660))
        _ = far
    }

    @Test("a peer that reads at last lets the sender go on")
    func goesOnOnceThereIsRoom() throws {
        let (near, far) = MemoryStream.pair(capacity: 100)
        let receiver = MessageConnection(far, waiter: SimulatedWaiter())
        let frames = Locked<[Frame]>([])
        let waiter = SimulatedWaiter {
            let frame = try? receiver.receiveWaiting()
            if let frame { frames.withLock { $0.append(frame) } }
            return true
        }
        try MessageConnection(near, waiter: waiter).send(
            hello, payload: payload, timeout: .seconds(1))
        let last = try receiver.receive(timeout: .seconds(1))
        #expect((frames.withLock { $0 } + [last].compactMap { $0 }).map(\.payload) == [payload])
    }

    @Test("what ends is told as an end, with what was sent before it")
    func endsAreTold() throws {
        let (near, far) = MemoryStream.pair()
        let waiter = SimulatedWaiter()
        try MessageConnection(far, waiter: waiter).send(hello, timeout: .seconds(1))
        far.shutDown()
        let connection = MessageConnection(near, waiter: waiter)
        #expect(try connection.receive(timeout: .seconds(1)) != nil)
        #expect(throws: TransportError.closedByPeer(peer: "memory 1")) {
            try connection.receive(timeout: .seconds(1))
        }
    }

    /// Two messages may be decrypted at once: nothing new comes from below for the second one.
    @Test("input that is buffered is not waited for", arguments: [false, true])
    func takesBufferedInput(isReal: Bool) throws {
        let (near, far): (any ByteStream, any ByteStream)
        if isReal {
            (near, far) = try Socket.pair()
        } else {
            (near, far) = MemoryStream.pair()
        }
        let waiter: any StreamWaiter = isReal ? PollWaiter() : SimulatedWaiter()
        let ends = [near, far].map { MessageConnection(VeiledStream($0), waiter: waiter) }
        // Neither end can send before it has been greeted: one of them has to read meanwhile.
        #expect(try ends[0].receiveWaiting() == nil)
        let start = waiter.clock.now
        for number in 1...3 as ClosedRange<UInt8> {
            try ends[1].send(hello, payload: [number], timeout: .seconds(600))
        }
        for number in 1...3 as ClosedRange<UInt8> {
            #expect(try ends[0].receive(timeout: .seconds(600))?.payload == [number])
        }
        try ends[0].send(hello, payload: payload, timeout: .seconds(600))
        #expect(try ends[1].receive(timeout: .seconds(600))?.payload == payload)
        #expect(waiter.clock.now - start < .seconds(600))
    }

    /// What was decrypted and not read yet shows to nobody who only looks at the system's side of the stream.
    @Test("a wait for buffered input is over at once", arguments: [false, true])
    func buffersAreReady(isReal: Bool) throws {
        let (near, far): (any ByteStream, any ByteStream)
        if isReal {
            (near, far) = try Socket.pair()
        } else {
            (near, far) = MemoryStream.pair()
        }
        let waiter: any StreamWaiter = isReal ? PollWaiter() : SimulatedWaiter()
        let (reader, writer) = (VeiledStream(near), VeiledStream(far))
        let nothing = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        let few = UnsafeMutableRawBufferPointer.allocate(byteCount: 10, alignment: 1)
        defer { few.deallocate() }
        #expect(try reader.read(into: few, and: nothing) == nil)
        let sent = try [UInt8](repeating: 3, count: 100).withUnsafeBytes {
            try writer.write($0, and: UnsafeRawBufferPointer(start: nil, count: 0))
        }
        #expect(sent == 100)
        #expect(try reader.read(into: few, and: nothing) == 10)
        #expect(reader.hasBufferedInput)
        let start = waiter.clock.now
        #expect(try waiter.wait(for: reader, .input, until: start + .seconds(600)))
        #expect(waiter.clock.now - start < .seconds(600))
    }

    @Test("a stream that must write before it can read waits for room to write")
    func readingMayWantOutput() throws {
        let (near, far) = MemoryStream.pair()
        near.setPace(writeLimit: 0)
        let veiled = VeiledStream(near)
        let connection = MessageConnection(veiled, waiter: SimulatedWaiter())
        #expect(try connection.receiveWaiting() == nil)
        #expect(veiled.wants(.input) == .output && !veiled.isReady(for: .input))
        near.setPace()
        #expect(veiled.isReady(for: .input))
        #expect(try connection.receiveWaiting() == nil)
        #expect(veiled.wants(.input) == .input && far.isReady(for: .input))
    }

    @Test("only the deadline ends a wait for nothing")
    func waitsForNothing() throws {
        let waiter = PollWaiter()
        var none: [StreamWish] = []
        let deadline = waiter.clock.now + .milliseconds(3)
        #expect(try !waiter.wait(for: &none, until: deadline))
        #expect(waiter.clock.now >= deadline)
        // One that has passed only looks.
        var wishes = [StreamWish(try Socket.pair().0, .input), StreamWish(nil, .output)]
        #expect(try waiter.wait(for: &wishes, until: deadline))
        #expect(wishes.map(\.isFulfilled) == [true, false])
    }
}
