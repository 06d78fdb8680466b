import Foundation
import Runtime

/// What a stream can be waited for.
public struct StreamEvents: OptionSet, Sendable {
    /// The bits.
    public let rawValue: UInt8
    /// Events with given bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Bytes have come, or the end of the stream.
    public static let input = StreamEvents(rawValue: 1)
    /// There is room for bytes to go.
    public static let output = StreamEvents(rawValue: 2)
}

/// Something that a thread can wait for.
public protocol Waitable: AnyObject, Sendable {
    /// What the system waits on.
    var descriptor: Int32 { get }
    /// What has to happen below before these events can.
    ///
    /// For a plain stream the same; one that encrypts may have to write before it can read.
    func wants(_ events: StreamEvents) -> StreamEvents
    /// Whether there is input although nothing new comes from below, as where decrypted bytes wait to be read.
    var hasBufferedInput: Bool { get }
}

extension Waitable {
    /// The events themselves.
    public func wants(_ events: StreamEvents) -> StreamEvents { events }
    /// Nothing is buffered.
    public var hasBufferedInput: Bool { false }
}

/// Bytes from and to one peer, in order, without ever waiting: the seam below which a connection may be plain,
/// encrypted, or simulated.
///
/// One thread may read while another one writes.
public protocol ByteStream: Waitable {
    /// The other end, for messages.
    var peer: String { get }
    /// The other end's address in digits; `nil` where no network lies between.
    var peerAddress: NetworkAddress? { get }

    /// Reads what is there into two buffers, the second after the first is full.
    ///
    /// - Returns: Bytes read, at least one; `nil` when nothing is there.
    /// - Throws: `TransportError.closedByPeer` at the end of the stream and when the peer is gone.
    func read(into first: UnsafeMutableRawBufferPointer, and second: UnsafeMutableRawBufferPointer)
        throws(TransportError) -> Int?

    /// Writes as much of two buffers as is taken, the second after the first.
    ///
    /// - Returns: Bytes written; `nil` when none are taken now.
    /// - Throws: `TransportError.closedByPeer` when the peer is gone.
    func write(_ first: UnsafeRawBufferPointer, and second: UnsafeRawBufferPointer)
        throws(TransportError) -> Int?

    /// Ends both directions; whoever waits for the stream, here or at the peer, wakes.
    func shutDown()
}
