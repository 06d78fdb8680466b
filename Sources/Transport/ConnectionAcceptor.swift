import Foundation
import Runtime

/// Lets peers in: takes connections, waits for the first message of each, and hands both on.
///
/// A stranger who says nothing, too much, or something else is refused and logged, and cannot keep others
/// waiting. At most `pendingLimit` connections are unknown at a time; further ones wait in the kernel.
public final class ConnectionAcceptor: Sendable {
    /// Where peers connect.
    public var address: NetworkAddress { listener.address }

    private static let pendingLimit = 64
    private static let firstPayloadLimitBytes = 64 << 10
    private let listener: TCPListener
    private let thread: NamedThread

    /// Starts to let peers in.
    ///
    /// - Parameters:
    ///   - listener: Handed over.
    ///   - name: Of the thread.
    ///   - handshakeTimeout: How long a new connection may take to send its first message.
    ///   - log: Where refused strangers are named.
    ///   - handle: Called on the acceptor's thread for each peer; must not take long.
    /// - Throws: `SystemError` when the system has no thread left.
    public init(
        _ listener: TCPListener, name: String, handshakeTimeout: Duration, log: Log,
        handle: @escaping @Sendable (MessageConnection, Frame) -> Void
    ) throws(SystemError) {
        self.listener = listener
        thread = try NamedThread(name) {
            var loop = Loop(
                listener: listener, handshakeTimeout: handshakeTimeout, log: log, handle: handle)
            loop.run()
        }
    }

    deinit { close() }

    /// Lets nobody in any more and waits for the thread to end.
    public func close() {
        listener.shutDown()
        thread.join()
    }

    private struct Loop {
        let listener: TCPListener
        let handshakeTimeout: Duration
        let log: Log
        let handle: @Sendable (MessageConnection, Frame) -> Void
        var pending: [(connection: MessageConnection, deadline: ContinuousClock.Instant)] = []

        init(
            listener: TCPListener, handshakeTimeout: Duration, log: Log,
            handle: @escaping @Sendable (MessageConnection, Frame) -> Void
        ) {
            self.listener = listener
            self.handshakeTimeout = handshakeTimeout
            self.log = log
            self.handle = handle
        }

        mutating func run() {
            while true {
                var entries = pending.map {
                    pollfd(
                        fd: $0.connection.socket.descriptor, events: Int16(POLLIN), revents: 0)
                }
                // A negative descriptor is left out by poll.
                let isFull = pending.count >= ConnectionAcceptor.pendingLimit
                entries.append(
                    pollfd(
                        fd: isFull ? -1 : listener.descriptor, events: Int16(POLLIN), revents: 0))
                var milliseconds: Int32 = -1
                if let first = pending.map(\.deadline).min() {
                    let left = ContinuousClock.now.duration(to: first).milliseconds
                    milliseconds = Int32(clamping: max(0, left + 1))
                }
                poll(&entries, nfds_t(entries.count), milliseconds)
                let now = ContinuousClock.now
                for index in pending.indices.reversed() {
                    look(at: index, isReadable: entries[index].revents != 0, now)
                }
                if entries.last?.revents != 0, !accept(now) { return }
            }
        }

        private mutating func look(
            at index: Int, isReadable: Bool, _ now: ContinuousClock.Instant
        ) {
            let (connection, deadline) = pending[index]
            do throws(TransportError) {
                if isReadable, let frame = try connection.receiveWaiting() {
                    pending.remove(at: index)
                    connection.limitPayloads(toBytes: nil)
                    handle(connection, frame)
                } else if now >= deadline {
                    throw .timedOut(
                        peer: connection.peer, waitingFor: "the first message",
                        after: handshakeTimeout)
                }
            } catch {
                pending.remove(at: index)
                log.warning("connection refused: \(error)")
                if case .badFrame(_, .unknownVersion) = error {
                    connection.refuse(reason: error.description)
                }
                connection.shutDown()
            }
        }

        /// Takes waiting connections; false when the listener was shut down.
        private mutating func accept(_ now: ContinuousClock.Instant) -> Bool {
            do throws(TransportError) {
                while pending.count < ConnectionAcceptor.pendingLimit,
                    let socket = try listener.acceptWaiting()
                {
                    let connection = MessageConnection(socket)
                    connection.limitPayloads(
                        toBytes: ConnectionAcceptor.firstPayloadLimitBytes)
                    pending.append((connection, now + handshakeTimeout))
                }
                return true
            } catch .shutDown {
                return false
            } catch {
                // Out of descriptors or memory: those who are in go on, and a short rest avoids spinning.
                log.error("cannot take new connections on \(listener.address): \(error)")
                poll(nil, 0, 100)
                return true
            }
        }
    }
}
