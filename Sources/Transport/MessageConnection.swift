import Foundation
import Runtime

/// A connection for messages: sends and receives whole frames, waiting no longer than told.
///
/// Any thread may send while another one receives. `@unchecked Sendable`: the writer is reached through
/// `sending`, the reader through `receiving`.
public final class MessageConnection: @unchecked Sendable {
    /// The connection below.
    public let socket: Socket
    private let sending: Locked<FrameWriter>
    private let receiving: Locked<Incoming>
    private let isShutDown = Locked(false)

    private struct Incoming {
        let reader: FrameReader
        var header: FrameHeader?
        var payload: UnsafeMutableRawBufferPointer?
    }

    /// A connection at the start of its stream.
    public init(_ socket: Socket) {
        self.socket = socket
        sending = Locked(FrameWriter(socket))
        receiving = Locked(Incoming(reader: FrameReader(socket)))
    }

    deinit { receiving.withLock { $0.payload?.deallocate() } }

    /// The other end, for messages.
    public var peer: String { socket.peer }

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
        let deadline = ContinuousClock.now + timeout
        try sending.withLock { writer throws(TransportError) in
            guard writer.isIdle else { throw .shutDown(peer: peer) }
            writer.start(head, payload: bytes)
            do {
                while try !writer.flush() {
                    guard try wait(for: POLLOUT, until: deadline) else {
                        throw TransportError.timedOut(
                            peer: peer, waitingFor: "sending a \(head.type) frame", after: timeout)
                    }
                }
            } catch {
                shutDownSocket()
                throw ownShutDown(or: error)
            }
        }
    }

    /// Takes the next message.
    ///
    /// - Parameter timeout: A frame that is half there when the time is up goes on with the next call.
    /// - Returns: The message, or `nil` when none was whole in time.
    /// - Throws: `TransportError`; the connection is then of no more use.
    public func receive(timeout: Duration) throws(TransportError) -> Frame? {
        let deadline = ContinuousClock.now + timeout
        return try receiving.withLock { incoming throws(TransportError) in
            do throws(TransportError) {
                while true {
                    if let frame = try Self.take(&incoming) { return frame }
                    guard try wait(for: POLLIN, until: deadline) else { return nil }
                }
            } catch {
                shutDownSocket()
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

    private func wait(for event: Int32, until deadline: ContinuousClock.Instant)
        throws(TransportError) -> Bool
    {
        do throws(SystemError) {
            return try socket.wait(for: Int16(event), until: deadline)
        } catch {
            throw .system(error)
        }
    }

    /// Tells the peer why it is refused, as far as it listens, and ends the connection.
    public func refuse(reason: String) {
        let payload = Array(reason.utf8.prefix(FrameType.refused.payloadLimitBytes))
        // Whether the peer hears it is its own affair.
        try? send(.refused, payload: payload, timeout: .milliseconds(200))
        shutDown()
    }

    /// Ends the connection; threads that wait in `send` or `receive` wake with `TransportError.shutDown`.
    public func shutDown() {
        isShutDown.withLock { $0 = true }
        shutDownSocket()
    }

    private func shutDownSocket() { socket.shutDown() }

    private func ownShutDown(or error: any Error) -> TransportError {
        if isShutDown.withLock({ $0 }) { return .shutDown(peer: peer) }
        return error as? TransportError ?? .closedByPeer(peer: peer)
    }

    /// Hands the stream over to a poll-driven user, such as a ring; the connection must not be used afterwards.
    public func intoStream() -> FrameStream {
        FrameStream(
            socket: socket, reader: receiving.withLock { $0.reader },
            writer: sending.withLock { $0 })
    }
}

/// A connection for data: frames in and out without ever waiting, for a thread with its own `poll`.
public struct FrameStream {
    /// The connection below.
    public let socket: Socket
    /// Frames that come.
    public let reader: FrameReader
    /// Frames that go.
    public let writer: FrameWriter

    /// A stream on which no frame has travelled.
    public init(_ socket: Socket) {
        self.init(socket: socket, reader: FrameReader(socket), writer: FrameWriter(socket))
    }

    init(socket: Socket, reader: FrameReader, writer: FrameWriter) {
        self.socket = socket
        self.reader = reader
        self.writer = writer
    }
}
