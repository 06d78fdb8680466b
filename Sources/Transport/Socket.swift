import Foundation
import Runtime

/// A connected, non-blocking stream socket, closed when the last owner lets go.
public final class Socket: ByteStream {
    /// The descriptor, for `poll`.
    public let descriptor: Int32
    /// The other end, for messages.
    public let peer: String

    /// Takes over a connected descriptor and makes it non-blocking.
    public init(descriptor: Int32, peer: String) throws(SystemError) {
        self.descriptor = descriptor
        self.peer = peer
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 else {
            throw SystemError(call: "fcntl", subject: peer)
        }
    }

    deinit { close(descriptor) }

    /// Two sockets that are connected to each other, without a network.
    public static func pair() throws(SystemError) -> (Socket, Socket) {
        var descriptors: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &descriptors) == 0 else {
            throw SystemError(call: "socketpair", subject: "local pair")
        }
        return (
            try Socket(descriptor: descriptors[0], peer: "local peer 1"),
            try Socket(descriptor: descriptors[1], peer: "local peer 0")
        )
    }

    /// This end's address in digits; the one to advertise, because it is known to route to the peer.
    public var localAddress: NetworkAddress? {
        SocketAddress(asking: { getsockname(descriptor, $0, $1) })?.numeric
    }

    /// The other end's address in digits.
    public var peerAddress: NetworkAddress? {
        SocketAddress(asking: { getpeername(descriptor, $0, $1) })?.numeric
    }

    /// Reads what is there into two buffers, the second after the first is full.
    ///
    /// - Returns: Bytes read, or `nil` when nothing is there.
    /// - Throws: `TransportError.closedByPeer` at the end of the stream and when the peer is gone.
    public func read(
        into first: UnsafeMutableRawBufferPointer, and second: UnsafeMutableRawBufferPointer
    ) throws(TransportError) -> Int? {
        let result = withPieces(iovec(first), iovec(second)) { pieces, count in
            retryingInterrupts { readv(descriptor, pieces, count) }
        }
        if result > 0 { return result }
        if result == 0 { throw .closedByPeer(peer: peer) }
        return try failed("read")
    }

    /// Writes as much of two buffers as the kernel takes, in one call.
    ///
    /// - Returns: Bytes written, or `nil` when the kernel takes none now.
    /// - Throws: `TransportError.closedByPeer` when the peer is gone.
    public func write(_ first: UnsafeRawBufferPointer, and second: UnsafeRawBufferPointer)
        throws(TransportError) -> Int?
    {
        let result = withPieces(iovec(first), iovec(second)) { pieces, count in
            var message = msghdr()
            message.msg_iov = pieces
            message.msg_iovlen = Int(count)
            return retryingInterrupts { sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL)) }
        }
        return result >= 0 ? result : try failed("write")
    }

    private func failed(_ call: String) throws(TransportError) -> Int? {
        switch errno {
        case EAGAIN: return nil
        case EPIPE, ECONNRESET: throw .closedByPeer(peer: peer)
        default: throw .system(SystemError(call: call, subject: peer))
        }
    }

    private func withPieces(
        _ first: iovec, _ second: iovec, _ body: (UnsafeMutablePointer<iovec>, Int32) -> Int
    ) -> Int {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { pieces in
            pieces[0] = first
            pieces[1] = second
            guard let start = pieces.baseAddress else { preconditionFailure("two pieces") }
            return body(start, second.iov_len > 0 ? 2 : 1)
        }
    }

    /// Ends both directions; whoever waits for the socket, here or at the peer, wakes.
    public func shutDown() {
        _ = Foundation.shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// No waiting for more bytes to send, keep-alive probes, and an end to connections without answer.
    func setOptions(failureTimeout: Duration) {
        func set(_ level: Int32, _ option: Int32, _ value: Int32) {
            var value = value
            setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
        // Failures are ignored: a socket pair has none of these options and works without.
        let tcp = Int32(IPPROTO_TCP)
        set(tcp, TCP_NODELAY, 1)
        set(SOL_SOCKET, SO_KEEPALIVE, 1)
        set(tcp, TCP_KEEPIDLE, 5)
        set(tcp, TCP_KEEPINTVL, 2)
        set(tcp, TCP_KEEPCNT, 3)
        set(tcp, TCP_USER_TIMEOUT, Int32(clamping: failureTimeout.milliseconds))
    }
}

extension iovec {
    fileprivate init(_ bytes: UnsafeRawBufferPointer) {
        self.init(
            iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
    }
    fileprivate init(_ bytes: UnsafeMutableRawBufferPointer) {
        self.init(iov_base: bytes.baseAddress, iov_len: bytes.count)
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    public var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }

    /// The duration as seconds.
    public var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
