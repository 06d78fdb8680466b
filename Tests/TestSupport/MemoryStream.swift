import Runtime
import Transport

/// A stream whose readiness a simulation can ask for.
package protocol SimulatedStream: ByteStream {
    /// Whether one of the events would not have to be waited for.
    func isReady(for events: StreamEvents) -> Bool
}

/// One end of a stream in memory, at the pace that a test allows.
package final class MemoryStream: SimulatedStream {
    private struct Pipe {
        var bytes: [UInt8] = []
        var isClosed = false
    }

    private struct Pace {
        var readLimit = Int.max
        var writeLimit = Int.max
    }

    package let peer: String
    package let peerAddress: NetworkAddress? = nil
    /// No system can wait for memory.
    package let descriptor: Int32 = -1
    private let incoming: Locked<Pipe>
    private let outgoing: Locked<Pipe>
    private let capacity: Int
    private let pace = Locked(Pace())

    /// Two ends of a stream.
    ///
    /// - Parameter capacity: Bytes that may be on their way in each direction.
    /// - Returns: The ends.
    package static func pair(capacity: Int = 64 << 10) -> (MemoryStream, MemoryStream) {
        let (there, back) = (Locked(Pipe()), Locked(Pipe()))
        return (
            MemoryStream("memory 1", back, there, capacity),
            MemoryStream("memory 0", there, back, capacity)
        )
    }

    private init(
        _ peer: String, _ incoming: Locked<Pipe>, _ outgoing: Locked<Pipe>, _ capacity: Int
    ) {
        self.peer = peer
        self.incoming = incoming
        self.outgoing = outgoing
        self.capacity = capacity
    }

    /// The most that one call reads and writes from now on; 0 lets nothing through.
    package func setPace(readLimit: Int = .max, writeLimit: Int = .max) {
        pace.withLock { $0 = Pace(readLimit: readLimit, writeLimit: writeLimit) }
    }

    /// Bytes that the other end has yet to read.
    package var bytesOnTheirWay: Int { outgoing.withLock { $0.bytes.count } }

    package func read(
        into first: UnsafeMutableRawBufferPointer, and second: UnsafeMutableRawBufferPointer
    ) throws(TransportError) -> Int? {
        let limit = pace.withLock { $0.readLimit }
        return try incoming.withLock { pipe throws(TransportError) in
            let count = min(limit, pipe.bytes.count, first.count + second.count)
            if count == 0 {
                if pipe.isClosed && pipe.bytes.isEmpty { throw .closedByPeer(peer: peer) }
                return nil
            }
            let inFirst = min(count, first.count)
            first.copyBytes(from: pipe.bytes[..<inFirst])
            second.copyBytes(from: pipe.bytes[inFirst..<count])
            pipe.bytes.removeFirst(count)
            return count
        }
    }

    package func write(_ first: UnsafeRawBufferPointer, and second: UnsafeRawBufferPointer)
        throws(TransportError) -> Int?
    {
        let limit = pace.withLock { $0.writeLimit }
        return try outgoing.withLock { pipe throws(TransportError) in
            if pipe.isClosed { throw .closedByPeer(peer: peer) }
            let count = min(limit, capacity - pipe.bytes.count, first.count + second.count)
            if count <= 0 { return nil }
            pipe.bytes += first.prefix(count)
            pipe.bytes += second.prefix(count - min(count, first.count))
            return count
        }
    }

    package func shutDown() {
        for pipe in [incoming, outgoing] { pipe.withLock { $0.isClosed = true } }
    }

    package func isReady(for events: StreamEvents) -> Bool {
        let pace = pace.withLock { $0 }
        let canRead = incoming.withLock {
            $0.isClosed || (!$0.bytes.isEmpty && pace.readLimit > 0)
        }
        let canWrite = outgoing.withLock {
            $0.isClosed || ($0.bytes.count < capacity && pace.writeLimit > 0)
        }
        return (events.contains(.input) && canRead) || (events.contains(.output) && canWrite)
    }
}

/// A stream as one that encrypts: both ends exchange a greeting before the first byte, a reader may have to write, bytes
/// are changed on their way, and input is buffered above what the system sees.
///
/// `@unchecked Sendable`: what changes is behind a lock.
package final class VeiledStream: SimulatedStream, @unchecked Sendable {
    private struct State {
        var hasGreeted = false
        var isGreeted = false
        var buffered: [UInt8] = []
    }

    private static let veil: UInt8 = 0x5A
    private let below: any ByteStream
    private let state = Locked(State())

    /// A stream over another one, whose other end has to be veiled too.
    package init(_ below: any ByteStream) { self.below = below }

    package var peer: String { below.peer }
    package var peerAddress: NetworkAddress? { below.peerAddress }
    package var descriptor: Int32 { below.descriptor }
    package func shutDown() { below.shutDown() }

    package var hasBufferedInput: Bool { state.withLock { !$0.buffered.isEmpty } }

    package func wants(_ events: StreamEvents) -> StreamEvents {
        let state = state.withLock { ($0.hasGreeted, $0.isGreeted) }
        if !state.0 { return .output }
        return state.1 ? below.wants(events) : .input
    }

    package func isReady(for events: StreamEvents) -> Bool {
        if events.contains(.input) && hasBufferedInput { return true }
        return (below as? any SimulatedStream)?.isReady(for: wants(events)) ?? false
    }

    package func read(
        into first: UnsafeMutableRawBufferPointer, and second: UnsafeMutableRawBufferPointer
    ) throws(TransportError) -> Int? {
        try state.withLock { state throws(TransportError) in
            guard try greet(&state) else { return nil }
            if state.buffered.isEmpty { try fill(&state) }
            guard !state.buffered.isEmpty else { return nil }
            // As a record of TLS: less than what is there, and never into both buffers.
            let count = min(1000, state.buffered.count, max(first.count, 1))
            let target = first.isEmpty ? second : first
            target.copyBytes(from: state.buffered[..<count])
            state.buffered.removeFirst(count)
            return count
        }
    }

    package func write(_ first: UnsafeRawBufferPointer, and second: UnsafeRawBufferPointer)
        throws(TransportError) -> Int?
    {
        try state.withLock { state throws(TransportError) in
            guard try greet(&state) else { return nil }
            let bytes = (first.isEmpty ? second : first).map { $0 ^ Self.veil }
            return try Self.write(bytes, to: below)
        }
    }

    private func greet(_ state: inout State) throws(TransportError) -> Bool {
        if !state.hasGreeted { state.hasGreeted = try Self.write([7], to: below) == 1 }
        if state.hasGreeted && !state.isGreeted { try fill(&state) }
        return state.isGreeted
    }

    private func fill(_ state: inout State) throws(TransportError) {
        let size = state.isGreeted ? 4096 : 1
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 1)
        defer { room.deallocate() }
        guard let count = try below.read(into: room, and: .init(start: nil, count: 0)) else {
            return
        }
        if state.isGreeted {
            state.buffered += room[..<count].map { $0 ^ Self.veil }
        } else {
            state.isGreeted = true
        }
    }

    private static func write(
        _ bytes: [UInt8], to stream: any ByteStream
    ) throws(TransportError) -> Int? {
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(TransportError) in
                try stream.write(bytes, and: .init(start: nil, count: 0))
            }
        }
        return try result.get()
    }
}

/// Waits for streams in memory: where none is ready, time passes at once.
package final class SimulatedWaiter: StreamWaiter {
    /// The time that passes.
    package let manual = ManualClock()
    package var clock: any MonotonicClock { manual }
    private let whenIdle: @Sendable () -> Bool

    /// A waiter.
    ///
    /// - Parameter whenIdle: What others do while somebody waits; whether they have done anything.
    package init(whenIdle: @escaping @Sendable () -> Bool = { false }) { self.whenIdle = whenIdle }

    package func wait(for wishes: inout [StreamWish], until deadline: ContinuousClock.Instant?)
        throws(SystemError) -> Bool
    {
        while true {
            var isAnyFulfilled = false
            for index in wishes.indices {
                let stream = wishes[index].source as? any SimulatedStream
                wishes[index].isFulfilled = stream?.isReady(for: wishes[index].events) ?? false
                isAnyFulfilled = isAnyFulfilled || wishes[index].isFulfilled
            }
            if isAnyFulfilled { return true }
            if whenIdle() { continue }
            guard let deadline else { preconditionFailure("somebody waits for ever") }
            manual.advance(by: max(.zero, manual.now.duration(to: deadline)))
            return false
        }
    }
}
