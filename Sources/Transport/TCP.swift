import Foundation
import Runtime

/// A port on which others can connect.
public final class TCPListener: Waitable {
    /// Where it listens, with the port that the kernel chose.
    public let address: NetworkAddress
    /// What the system waits on.
    public let descriptor: Int32
    private let failureTimeout: Duration
    private let hasEnded = Locked(false)

    /// Listens.
    ///
    /// - Parameters:
    ///   - requested: The host names the interface (`0.0.0.0` and `::` mean all); port 0 lets the kernel choose.
    ///   - failureTimeout: How long a connection may stay without the peer's answer.
    /// - Throws: `TransportError.cannotListen` with a reason for every address of the host.
    public init(on requested: NetworkAddress, failureTimeout: Duration) throws(TransportError) {
        var reasons: [String] = []
        for candidate in try requested.resolve(passive: true) {
            do throws(SystemError) {
                let descriptor = try Self.listen(on: candidate)
                self.descriptor = descriptor
                self.failureTimeout = failureTimeout
                let chosen = SocketAddress(asking: { getsockname(descriptor, $0, $1) })?.numeric
                address = chosen ?? requested
                return
            } catch {
                let place = candidate.description
                reasons.append(
                    (place == "\(requested)" ? "" : place + ": ") + error.reason
                        + Self.remedy(for: error))
            }
        }
        throw .cannotListen(address: requested, reason: reasons.joined(separator: "; "))
    }

    /// What to change of an address on which nobody can listen.
    private static func remedy(for error: SystemError) -> String {
        switch error.code {
        case EADDRNOTAVAIL:
            "; this machine has no such address: name one of its own, or 0.0.0.0 for all"
        case EADDRINUSE: "; choose another port, or port 0 for any"
        case EACCES: "; ports below 1024 need rights: choose a higher one, or port 0 for any"
        default: ""
        }
    }

    private static func listen(on address: SocketAddress) throws(SystemError) -> Int32 {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.family, kind | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else {
            throw SystemError(call: "socket", subject: address.description)
        }
        var one: Int32 = 1
        setsockopt(
            descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        guard address.withSockaddr({ bind(descriptor, $0, $1) }) == 0 else {
            let error = SystemError(call: "bind", subject: address.description)
            close(descriptor)
            throw error
        }
        guard Foundation.listen(descriptor, 128) == 0 else {
            let error = SystemError(call: "listen", subject: address.description)
            close(descriptor)
            throw error
        }
        return descriptor
    }

    deinit { close(descriptor) }

    /// Takes the next connection.
    ///
    /// - Parameters:
    ///   - timeout: How long to wait for it.
    ///   - waiter: Waits.
    /// - Returns: The connection, or `nil` when none came in time.
    /// - Throws: `TransportError.shutDown` after `shutDown()`, `.system` for anything else.
    public func accept(
        timeout: Duration, waiter: any StreamWaiter = PollWaiter()
    ) throws(TransportError) -> Socket? {
        let deadline = waiter.clock.now + timeout
        while true {
            if let socket = try acceptWaiting() { return socket }
            guard try waiter.wait(for: self, .input, until: deadline) else { return nil }
        }
    }

    /// Takes a connection that is already there.
    func acceptWaiting() throws(TransportError) -> Socket? {
        while true {
            let accepted = Foundation.accept(descriptor, nil, nil)
            if accepted >= 0 {
                _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
                let peer = SocketAddress(asking: { getpeername(accepted, $0, $1) })
                guard let peer, let socket = try? Socket(descriptor: accepted, peer: "\(peer)")
                else {
                    // The peer left between its arrival and now.
                    close(accepted)
                    continue
                }
                socket.setOptions(failureTimeout: failureTimeout)
                return socket
            }
            switch errno {
            case EAGAIN: return nil
            case EINTR, ECONNABORTED, EPROTO, ENETDOWN, EHOSTDOWN, EHOSTUNREACH, ENETUNREACH:
                continue
            case EINVAL: throw .shutDown(peer: "\(address)")
            default: throw .system(SystemError(call: "accept", subject: "\(address)"))
            }
        }
    }

    /// Whether it was told to stop.
    var isShutDown: Bool { hasEnded.withLock { $0 } }

    /// Stops listening; a thread that waits in `accept`, or for any of its events, wakes.
    public func shutDown() {
        hasEnded.withLock { $0 = true }
        _ = Foundation.shutdown(descriptor, Int32(SHUT_RDWR))
    }
}

/// Reaches listeners.
public enum TCPConnector {
    /// Connects to the first of a host's addresses that answers.
    ///
    /// - Parameters:
    ///   - address: A name, an IPv4 or an IPv6 address, with a port.
    ///   - timeout: For all addresses together.
    ///   - failureTimeout: How long the connection may later stay without the peer's answer.
    ///   - waiter: Waits.
    /// - Returns: The connection.
    /// - Throws: `TransportError.unreachable` with what became of each address.
    public static func connect(
        to address: NetworkAddress, timeout: Duration, failureTimeout: Duration,
        waiter: any StreamWaiter = PollWaiter()
    ) throws(TransportError) -> Socket {
        var attempts = Attempts(peer: address, waiter: waiter)
        let deadline = waiter.clock.now + timeout
        var untried = try address.resolve()[...]
        while true {
            if let next = untried.popFirst() { attempts.start(next) }
            let turn =
                untried.isEmpty ? deadline : min(deadline, waiter.clock.now + Limits.dialStagger)
            if let socket = try attempts.wait(until: turn) {
                socket.setOptions(failureTimeout: failureTimeout)
                return socket
            }
            let isLate = waiter.clock.now >= deadline
            if isLate { attempts.giveUp(after: timeout) }
            if isLate || (attempts.pending.isEmpty && untried.isEmpty) {
                throw .unreachable(address: address, tries: attempts.failures)
            }
        }
    }

    /// Connections on their way to one host.
    private struct Attempts {
        let peer: NetworkAddress
        let waiter: any StreamWaiter
        var pending: [(address: SocketAddress, socket: Socket)] = []
        var failures: [String] = []

        init(peer: NetworkAddress, waiter: any StreamWaiter) {
            self.peer = peer
            self.waiter = waiter
        }

        mutating func start(_ address: SocketAddress) {
            let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            let descriptor = Foundation.socket(address.family, kind, 0)
            guard descriptor >= 0 else { return fail(address, errno) }
            let name = peer == address.numeric ? "\(peer)" : "\(peer) (\(address))"
            guard let socket = try? Socket(descriptor: descriptor, peer: name) else {
                fail(address, errno)
                close(descriptor)
                return
            }
            let result = address.withSockaddr { Foundation.connect(descriptor, $0, $1) }
            guard result == 0 || errno == EINPROGRESS else { return fail(address, errno) }
            pending.append((address, socket))
        }

        mutating func fail(_ address: SocketAddress, _ code: Int32) {
            failures.append("\(address): \(String(cString: strerror(code)))")
        }

        mutating func giveUp(after timeout: Duration) {
            for attempt in pending {
                failures.append("\(attempt.address): no answer within \(timeout)")
            }
        }

        /// The first connection that stands before the deadline; early `nil` when all have failed.
        mutating func wait(
            until deadline: ContinuousClock.Instant
        ) throws(TransportError) -> Socket? {
            while !pending.isEmpty {
                var wishes = pending.map { StreamWish($0.socket, .output) }
                do throws(SystemError) {
                    guard try waiter.wait(for: &wishes, until: deadline) else { return nil }
                } catch {
                    throw .system(error)
                }
                for index in wishes.indices.reversed() where wishes[index].isFulfilled {
                    let attempt = pending.remove(at: index)
                    var code: Int32 = 0
                    var size = socklen_t(MemoryLayout<Int32>.size)
                    getsockopt(attempt.socket.descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
                    // A port without listener in the kernel's own range can be connected to itself.
                    let isItself = attempt.socket.localAddress == attempt.address.numeric
                    if code == 0 && !isItself { return attempt.socket }
                    fail(attempt.address, code == 0 ? ECONNREFUSED : code)
                }
            }
            return nil
        }
    }
}
