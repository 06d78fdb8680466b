import Foundation
import Runs
import Runtime
import Transport

/// A worker's control thread: finds the coordinator, says HELLO, hands its messages on, and finds it again.
final class WorkerControl: Sendable {
    private let core: WorkerCore
    private let pieces: StatePieces
    private let acceptor = Locked<ConnectionAcceptor?>(nil)
    private let isStopped = Monitor(false)

    init(_ core: WorkerCore, pieces: StatePieces) {
        self.core = core
        self.pieces = pieces
    }

    /// Ends the thread and the listener.
    func stop() {
        isStopped.update { $0 = true }
        core.shared.withLock { $0.connection }?.shutDown()
        acceptor.withLock { $0 }?.close()
    }

    /// Runs until the worker ends; a coordinator that is away for longer than the patience ends it.
    func run() {
        var lostAt = core.clock.now
        var pause = Limits.firstRest
        var lastWarning = ""
        while !isStopped.withLock({ $0 }), core.shared.withLock({ $0.exit == nil }) {
            let start = core.clock.now
            do {
                try serveOneConnection()
            } catch {
                let text = "no coordinator: \(error)"
                if text != lastWarning { core.log.warning(text) }
                lastWarning = text
            }
            let now = core.clock.now
            if hasBeenWelcome() {
                lostAt = now
                // One that throws us out again and again is asked less and less often.
                if now - start > Limits.steadyMembership { pause = Limits.firstRest }
            } else if now - lostAt >= core.options.coordinatorPatience {
                let text =
                    "no coordinator for \(core.options.coordinatorPatience): "
                    + "start it again with the same run directory (--coordinator-patience)"
                core.end(Outcome(exitCode: ExitCode.coordinatorLost.rawValue, message: text))
                return
            }
            if core.mustLeaveAlone(lostAt: lostAt) { return core.leaveAlone() }
            rest(pause)
            let isEvicted = core.shared.withLock { $0.wantsReconnect != nil }
            pause = min(
                pause * 2, isEvicted ? Limits.longestRestWhenEvicted : Limits.longestRest)
        }
    }

    /// Waits before the next attempt; one that wants to leave has no time for long pauses.
    private func rest(_ pause: Duration) {
        let leaves = core.shared.wait(
            timeout: pause, until: { $0.exit != nil || $0.leavingSince != nil },
            then: { $0.exit == nil })
        if leaves == true {
            _ = isStopped.wait(
                timeout: min(pause, Limits.leaverRest), until: { $0 }, then: { _ in })
        }
    }

    private let welcomed = Locked(false)

    private func hasBeenWelcome() -> Bool {
        welcomed.withLock { flag in
            defer { flag = false }
            return flag
        }
    }

    private func serveOneConnection() throws {
        let timeout = core.failureTimeout
        let address = try coordinatorAddress()
        let waiter = core.options.waiter
        let socket = try TCPConnector.connect(
            to: address, timeout: timeout, failureTimeout: timeout, waiter: waiter)
        let connection = MessageConnection(socket, waiter: waiter)
        let port = try dataPort(socket)
        core.shared.update { $0.wantsReconnect = nil }
        let (type, payload) = WorkerMessage.hello(hello(dataPort: port)).encoded()
        try connection.send(type, payload: payload, timeout: timeout)
        core.shared.update { $0.connection = connection }
        defer {
            core.shared.update { $0.connection = nil }
            connection.shutDown()
        }
        var lastHeard = core.clock.now
        while core.shared.withLock({ $0.exit == nil && $0.wantsReconnect == nil }) {
            let patience = core.patience
            guard let frame = try connection.receive(timeout: patience.message / 2) else {
                let silence = core.clock.now - lastHeard
                guard silence >= patience.message else { continue }
                // A coordinator that is only stopped keeps its connection; one that was replaced does not.
                if core.mustLeaveAlone(lostAt: lastHeard) { core.leaveAlone() }
                if try isReplaced(address) || silence > patience.silentCoordinator {
                    throw TransportError.timedOut(
                        peer: "coordinator \(address)", waitingFor: "a sign of life",
                        after: silence)
                }
                continue
            }
            lastHeard = core.clock.now
            let message = try CoordinatorMessage(frame)
            if case .welcome = message { welcomed.withLock { $0 = true } }
            core.receive(message)
        }
    }

    private func coordinatorAddress() throws -> NetworkAddress {
        if let fixed = core.options.coordinator { return fixed }
        guard let address = try CoordinatorAddress.read(from: core.options.directory) else {
            throw NoCoordinator(path: core.options.directory.coordinatorPath)
        }
        return NetworkAddress(host: address.host, port: address.port)
    }

    private func isReplaced(_ address: NetworkAddress) throws -> Bool {
        guard core.options.coordinator == nil else { return false }
        return try coordinatorAddress() != address
    }

    private func hello(dataPort: UInt16) -> Hello {
        let options = core.options
        let state = core.shared.withLock { $0.state }
        return Hello(
            id: state.id, number: state.number, softwareVersion: Software.version,
            runID: options.runID, configurationDigest: options.configurationDigest.description,
            configuration: options.configuration.text(),
            datasetDigest: options.datasetDigest.description,
            matrixLibrary: options.matrixLibrary, kernel: options.kernel,
            hostName: ProcessInfo.processInfo.hostName, processID: getpid(),
            threads: UInt32(options.threads), dataPort: dataPort,
            advertisedHost: options.advertisedHost ?? "", term: state.term,
            generation: state.generation, held: state.held)
    }

    /// The port for data connections, opened with the first connection: its address is known to route.
    private func dataPort(_ socket: Socket) throws -> UInt16 {
        if let acceptor = acceptor.withLock({ $0 }) { return acceptor.address.port }
        let host = socket.localAddress?.host ?? "127.0.0.1"
        let listener = try TCPListener(
            on: core.options.listen ?? NetworkAddress(host: host, port: 0),
            failureTimeout: core.failureTimeout)
        let core = core
        let pieces = pieces
        let opened = try ConnectionAcceptor(
            listener, name: "data", log: core.log, waiter: core.options.waiter
        ) { connection, frame in
            Self.take(connection, frame, core, pieces)
        }
        acceptor.withLock { $0 = opened }
        return opened.address.port
    }

    /// Sorts a data connection by its first message.
    private static func take(
        _ connection: MessageConnection, _ frame: Frame, _ core: WorkerCore, _ pieces: StatePieces
    ) {
        do {
            switch ControlType(rawValue: frame.header.type.rawValue) {
            case .ringEdge:
                let fields = try FieldReader(frame.payload)
                guard try fields.text(1) == core.options.runID else {
                    connection.refuse(reason: "this worker belongs to another run")
                    return
                }
                core.incoming.add(
                    connection, generation: try fields.small(2), rank: try fields.count(3))
            case .stateRequest:
                let server = StateServer(
                    pieces: pieces, lock: core.stateLock, runID: core.options.runID,
                    patience: core.patience)
                _ = try NamedThread("state", stackBytes: 512 << 10) {
                    server.serve(connection, frame)
                }
            default: throw MessageError.unexpectedType(frame.header.type.rawValue)
            }
        } catch {
            core.log.warning("\(connection.peer): \(error)")
            connection.refuse(reason: "\(error)")
        }
    }
}

/// The run directory does not say where the coordinator is.
struct NoCoordinator: Error, CustomStringConvertible {
    let path: FilePath
    var description: String { "\(path) is not there (yet)" }
}
