import Foundation
import Runtime

/// A connection for messages: sends and receives whole frames, waiting no longer than told.
///
/// Any thread may send while another one receives. `@unchecked Sendable`: the writer is reached through
/// `sending`, the reader through `receiving`.
public final class MessageConnection: @unchecked Sendable {
    /// The connection below.
    public let stream: any ByteStream
    private let waiter: any StreamWaiter
    private let sending: Locked<FrameWriter>
    private let receiving: Locked<Incoming>
    private let isShutDown = Locked(false)

    private struct Incoming {
        let reader: FrameReader
        var header: FrameHeader?
        var payload: UnsafeMutableRawBufferPointer?
    }

    /// A connection at the start of its stream.
    public init(_ stream: any ByteStream, waiter: any StreamWaiter = PollWaiter()) {
        self.stream = stream
        self.waiter = waiter
        sending = Locked(FrameWriter(stream))
        receiving = Locked(Incoming(reader: FrameReader(stream)))
    }

    deinit { receiving.withLock { $0.payload?.deallocate() } }

    /// The other end, for messages.
    public var peer: String { stream.peer }

    /// Lowers the limit of payloads, or with `nil` leaves it to the frame types.
    public func limitPayloads(toBytes limit: Int?) {
        receiving.withLock { $0.reader.payloadLimitBytes = limit ?? .max }
    }

    /// Sends a message.
    ///
    /// - Parameters:
    ///   - head: What the frame is; lengths, sequence and checksum are filled in.
    ///   - payload: At most the type's limit.
    ///   - timeout: For the whole frame; a frame that is cut short ends the connection.
    /// - Throws: `TransportError`; the connection is then of no more use.
    public func send(_ head: FrameHeader, payload: [UInt8] = [], timeout: Duration)
        throws(TransportError)
    {
        let result = payload.withUnsafeBytes { bytes in
            Result { () throws(TransportError) in
                try send(head, bytes: bytes, timeout: timeout)
            }
        }
        try result.get()
    }

    /// Sends a message of a type without further header fields.
    public func send(_ type: FrameType, payload: [UInt8] = [], timeout: Duration)
        throws(TransportError)
    {
        try send(FrameHeader(type: type), payload: payload, timeout: timeout)
    }

    /// Sends bytes that lie anywhere.
    public func send(_ head: FrameHeader, bytes: UnsafeRawBufferPointer, timeout: Duration)
        throws(TransportError)
    {
        let deadline = waiter.clock.now + timeout
        try sending.withLock { writer throws(TransportError) in
            guard writer.isIdle else { throw .shutDown(peer: peer) }
            writer.start(head, payload: bytes)
            do {
                while try !writer.flush() {
                    guard try waiter.wait(for: stream, .output, until: deadline) else {
                        throw TransportError.timedOut(
                            peer: peer, waitingFor: "sending a \(head.type) frame", after: timeout)
                    }
                }
            } catch {
                stream.shutDown()
                throw ownShutDown(or: error)
            }
        }
    }

    /// Takes the next message.
    ///
    /// - Parameter timeout: A frame that is half there when the time is up goes on with the next call; `nil` waits for
    ///   ever.
    /// - Returns: The message, or `nil` when none was whole in time.
    /// - Throws: `TransportError`; the connection is then of no more use.
    public func receive(timeout: Duration?) throws(TransportError) -> Frame? {
        let deadline = timeout.map { waiter.clock.now + $0 }
        return try receiving.withLock { incoming throws(TransportError) in
            do throws(TransportError) {
                while true {
                    if let frame = try Self.take(&incoming) { return frame }
                    guard try waiter.wait(for: stream, .input, until: deadline) else { return nil }
                }
            } catch {
                stream.shutDown()
                throw ownShutDown(or: error)
            }
        }
    }

    /// Takes the next message if it is already there.
    func receiveWaiting() throws(TransportError) -> Frame? {
        try receiving.withLock { incoming throws(TransportError) in try Self.take(&incoming) }
    }

    private static func take(_ incoming: inout Incoming) throws(TransportError) -> Frame? {
        while true {
            switch try incoming.reader.next() {
            case .blocked: return nil
            case .header(let header):
                incoming.header = header
                let payload = UnsafeMutableRawBufferPointer.allocate(
                    byteCount: max(1, header.payloadBytes), alignment: 16)
                incoming.payload?.deallocate()
                incoming.payload = payload
                if let start = payload.baseAddress { incoming.reader.supply(start) }
            case .payload: continue
            case .frame:
                guard let header = incoming.header, let payload = incoming.payload else {
                    preconditionFailure("a frame ends that did not begin")
                }
                defer {
                    payload.deallocate()
                    incoming.payload = nil
                }
                return Frame(header: header, payload: Array(payload[..<header.payloadBytes]))
            }
        }
    }

    /// Tells the peer why it is refused, as far as it listens, and ends the connection.
    public func refuse(reason: String) {
        let payload = Array(reason.utf8.prefix(FrameType.refused.payloadLimitBytes))
        // Whether the peer hears it is its own affair.
        try? send(.refused, payload: payload, timeout: Limits.refusal)
        shutDown()
    }

    /// Whether this end has ended the connection.
    public var isShut: Bool { isShutDown.withLock { $0 } }

    /// Ends the connection; threads that wait in `send` or `receive` wake with `TransportError.shutDown`.
    public func shutDown() {
        isShutDown.withLock { $0 = true }
        stream.shutDown()
    }

    private func ownShutDown(or error: any Error) -> TransportError {
        if isShutDown.withLock({ $0 }) { return .shutDown(peer: peer) }
        return error as? TransportError ?? .closedByPeer(peer: peer)
    }

    /// Hands the stream over to a user that waits by itself, such as a ring; the connection must not be used afterwards.
    public func intoStream() -> FrameStream {
        FrameStream(
            bytes: stream, reader: receiving.withLock { $0.reader },
            writer: sending.withLock { $0 })
    }
}

/// A connection for data: frames in and out without ever waiting, for a thread that waits for several.
public struct FrameStream {
    /// The connection below.
    public let bytes: any ByteStream
    /// Frames that come.
    public let reader: FrameReader
    /// Frames that go.
    public let writer: FrameWriter

    /// A stream on which no frame has travelled.
    public init(_ bytes: any ByteStream) {
        self.init(bytes: bytes, reader: FrameReader(bytes), writer: FrameWriter(bytes))
    }

    /// The other end, for messages.
    public var peer: String { bytes.peer }

    init(bytes: any ByteStream, reader: FrameReader, writer: FrameWriter) {
        self.bytes = bytes
        self.reader = reader
        self.writer = writer
    }
}
