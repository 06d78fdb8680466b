import Foundation
import Runtime

/// Lets peers in: takes connections, waits for the first message of each, and hands both on.
///
/// A stranger who says nothing, too much, or something else is refused and logged, and cannot keep others
/// waiting. At most `Limits.pendingConnections` connections are unknown at a time; further ones wait in the kernel.
public final class ConnectionAcceptor: Sendable {
    /// Where peers connect.
    public var address: NetworkAddress { listener.address }

    private let listener: TCPListener
    private let thread: NamedThread

    /// Starts to let peers in.
    ///
    /// - Parameters:
    ///   - listener: Handed over.
    ///   - name: Of the thread.
    ///   - handshakeTimeout: How long a new connection may take to send its first message.
    ///   - log: Where refused strangers are named.
    ///   - waiter: Waits, for the acceptor and for the connections that it makes.
    ///   - handle: Called on the acceptor's thread for each peer; must not take long.
    /// - Throws: `SystemError` when the system has no thread left.
    public init(
        _ listener: TCPListener, name: String, handshakeTimeout: Duration = Limits.handshake,
        log: Log, waiter: any StreamWaiter = PollWaiter(),
        handle: @escaping @Sendable (MessageConnection, Frame) -> Void
    ) throws(SystemError) {
        self.listener = listener
        thread = try NamedThread(name) {
            var loop = Loop(
                listener: listener, handshakeTimeout: handshakeTimeout, log: log, waiter: waiter,
                handle: handle)
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
        let waiter: any StreamWaiter
        let handle: @Sendable (MessageConnection, Frame) -> Void
        var pending: [(connection: MessageConnection, deadline: ContinuousClock.Instant)] = []

        init(
            listener: TCPListener, handshakeTimeout: Duration, log: Log,
            waiter: any StreamWaiter,
            handle: @escaping @Sendable (MessageConnection, Frame) -> Void
        ) {
            self.listener = listener
            self.handshakeTimeout = handshakeTimeout
            self.log = log
            self.waiter = waiter
            self.handle = handle
        }

        mutating func run() {
            while true {
                let isFull = pending.count >= Limits.pendingConnections
                var wishes = pending.map { StreamWish($0.connection.stream, .input) }
                // Without room nobody is taken in, but the end of the listener is seen.
                wishes.append(StreamWish(listener, isFull ? [] : .input))
                do throws(SystemError) {
                    _ = try waiter.wait(for: &wishes, until: pending.map(\.deadline).min())
                } catch {
                    log.error("cannot wait for connections on \(listener.address): \(error)")
                    rest(until: waiter.clock.now + Limits.acceptorRest)
                }
                let now = waiter.clock.now
                for index in pending.indices.reversed() {
                    look(at: index, isReadable: wishes[index].isFulfilled, now)
                }
                if listener.isShutDown { return }
                if wishes.last?.isFulfilled == true, !accept(now) { return }
            }
        }

        /// Keeps a system that is short of something from being asked without end.
        private func rest(until deadline: ContinuousClock.Instant) {
            var none: [StreamWish] = []
            // A wait for nothing that fails is over early.
            _ = try? waiter.wait(for: &none, until: deadline)
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
                while pending.count < Limits.pendingConnections,
                    let socket = try listener.acceptWaiting()
                {
                    let connection = MessageConnection(socket, waiter: waiter)
                    connection.limitPayloads(
                        toBytes: Limits.firstPayloadBytes)
                    pending.append((connection, now + handshakeTimeout))
                }
                return true
            } catch .shutDown {
                return false
            } catch {
                // Out of descriptors or memory: those who are in go on, and a short rest avoids spinning.
                log.error("cannot take new connections on \(listener.address): \(error)")
                rest(until: now + Limits.acceptorRest)
                return true
            }
        }
    }
}
