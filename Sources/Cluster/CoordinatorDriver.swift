import Checkpoints
import Configurations
import Foundation
import Runs
import Runtime
import Transport

/// The shell around the coordinator's state machine: sockets, clock, journal and files.
///
/// One thread takes events from one queue, asks the state machine, and carries its effects out in order. Readers
/// of connections and the disk's thread only put events into the queue.
public final class CoordinatorDriver {
    /// Where workers connect.
    public let address: CoordinatorAddress

    private enum Input: Sendable {
        case accepted(MessageConnection, Frame)
        case frame(LinkID, Frame)
        case closed(LinkID, reason: String)
        case stop(because: String?)
        case sealed(CheckpointName, CheckpointFailure?)
    }

    private struct Link {
        let connection: MessageConnection
        /// Whether it was told that the run has ended, and so is expected to close.
        var knowsEnd = false
        /// When a connection that should end is cut, if the other end does not close it.
        var cutAt: ContinuousClock.Instant?
    }

    private let options: CoordinatorOptions
    private let clock: any MonotonicClock
    private let observer: CoordinatorObserver
    private let journal: Journal
    private let lock: RunLock
    private let inputs = Inbox<Input>(limit: Limits.queuedEvents, rest: Limits.queueRest)
    private let synchronisation: DiskSynchronisation
    /// Starts the readers of connections.
    var startThread = startSystemThread
    private let log: Log
    private let book: RunBook
    private let disk: CheckpointDisk
    private var acceptor: ConnectionAcceptor?
    private var state: CoordinatorState
    private var admission: Admission
    private var links: [LinkID: Link] = [:]
    private var nextLink = 0
    private var outcome: Outcome?
    private var failure: (any Error)?
    private var failedLinks: [(LinkID, String)] = []
    private var nextSync: ContinuousClock.Instant

    /// Takes the run over: its next term, its journal, its checkpoints; workers can connect from now on.
    ///
    /// - Parameters:
    ///   - options: The run and the knobs.
    ///   - observer: Told of steps and events.
    ///   - log: Where refused strangers and passed-over checkpoints are named.
    /// - Throws: `RunError`, `SystemError`, `CheckpointError` or `TransportError`, each naming the file or address.
    public init(
        _ options: CoordinatorOptions, observer: CoordinatorObserver = CoordinatorObserver(),
        log: Log = Log(prefix: "coordinator")
    ) throws {
        self.options = options
        clock = options.waiter.clock
        self.observer = observer
        self.log = log
        lock = try RunLock(options.directory)
        let (journal, former) = try Journal.open(options.directory)
        self.journal = journal
        let store = options.directory.checkpoints
        _ = try store.removePartials(before: UInt64(journal.term))
        var recovered = RecoveredRun(replaying: former, term: journal.term)
        var damaged: Set<CheckpointName> = []
        let newest = try store.newestWhole { name, error in
            damaged.insert(name)
            log.warning("checkpoint \(name) is passed over: \(error)")
        }
        recovered.passedOver = damaged
        // Older ones are verified when they are needed: by those who load them.
        recovered.checkpoints = try store.list().reversed().filter { name in
            newest.map { name <= $0.name } ?? false
        }
        // A journal may know less than the checkpoints: it lost its end, its coordinators ended before any worker came, or
        // one process has trained since. What is in a whole checkpoint is done.
        recovered.committed = max(recovered.committed, newest?.name.step ?? 0)
        book = try RunBook(
            options.directory, record: options.record, after: recovered.committed,
            mendings: journal.mendings)
        for mending in book.mendings { log.warning(mending) }
        synchronisation = DiskSynchronisation(journal, book) { log.warning($0) }
        recovered.metricsStep = try book.lastStep
        let now = clock.now
        state = CoordinatorState(settings: options.settings, recovered: recovered, now: now)
        nextSync = now
        admission = Admission(
            configuration: options.record.configuration, runID: "\(options.record.id)",
            softwareVersion: Software.version,
            datasetDigest: options.record.dataDigest ?? newest?.manifest.context.dataDigest,
            allowsMixedKernels: options.allowsMixedKernels,
            allowsMixedBuilds: options.allowsMixedBuilds)
        disk = try CheckpointDisk(
            store: store, keep: options.record.configuration.checkpoint.keep, log: log)
        let listener = try TCPListener(
            on: options.listen, failureTimeout: options.settings.failureTimeout)
        address = CoordinatorAddress(
            host: options.advertisedHost ?? listener.address.host, port: listener.address.port,
            term: UInt64(journal.term), processID: getpid())
        try journal.append(
            .start(
                term: journal.term,
                configurationDigest: admission.configurationDigest?.description ?? ""))
        let inputs = inputs
        acceptor = try ConnectionAcceptor(
            listener, name: "accept", log: log, waiter: options.waiter
        ) { connection, frame in
            inputs.put(.accepted(connection, frame))
        }
        try address.write(to: options.directory)
    }

    /// Asks for an end after the step, from any thread.
    public func requestStop() { stopper(nil) }

    /// A closure for `requestStop` that may outlive the driver's use on its thread; a reason is why the run cannot go on.
    public var stopper: @Sendable (_ reason: String?) -> Void {
        let inputs = inputs
        return { reason in inputs.put(.stop(because: reason)) }
    }

    /// Works until the run ends.
    ///
    /// - Returns: How it ended.
    /// - Throws: An error of a file that the run cannot do without.
    public func run() throws -> Outcome {
        defer { shutDown() }
        let started = state.term == 1 ? "started" : "started again (term \(state.term))"
        carryOut(
            [
                .event(
                    RunEvent(
                        kind: .started,
                        message: "coordinator \(started) at \(address.host):\(address.port), step "
                            + "\(state.committedSteps)",
                        details: ["term": .integer(Int64(state.term))]))
            ])
        var nextTick = clock.now
        while outcome == nil {
            let left = max(clock.now.duration(to: nextTick), .zero)
            for input in inputs.take(timeout: left) where outcome == nil { take(input) }
            let now = clock.now
            if now >= nextTick, outcome == nil {
                nextTick = now + options.settings.heartbeatInterval
                feed(.tick)
                try keepHouse(now)
            }
            if let failure { throw failure }
        }
        awaitFarewells()
        return outcome
            ?? Outcome(
                exitCode: ExitCode.failure.rawValue,
                message: "the coordinator ended without a result")
    }

    // MARK: Events

    private func take(_ input: Input) {
        switch input {
        case .accepted(let connection, let frame): admit(connection, frame)
        case .frame(let id, let frame):
            guard links[id] != nil else { return }
            do throws(MessageError) {
                feed(.message(id, try WorkerMessage(frame)))
            } catch {
                feed(.closed(id, reason: "it sent what it should not: \(error)"))
            }
        case .closed(let id, let reason):
            guard links.removeValue(forKey: id) != nil else { return }
            feed(.closed(id, reason: reason))
        case .stop(let reason): feed(.stopRequested(because: reason))
        case .sealed(let name, let failure): feed(.checkpointSealed(name, failure))
        }
        while !failedLinks.isEmpty {
            let (id, reason) = failedLinks.removeFirst()
            feed(.closed(id, reason: reason))
        }
    }

    private func feed(_ event: CoordinatorEvent) {
        carryOut(state.handle(event, at: clock.now))
    }

    private func admit(_ connection: MessageConnection, _ frame: Frame) {
        let message: WorkerMessage
        do throws(MessageError) {
            message = try WorkerMessage(frame)
        } catch {
            log.warning("\(connection.peer): \(error)")
            connection.refuse(reason: error.description)
            return
        }
        if case .statusRequest = message {
            send(.status(state.status(at: clock.now)), on: connection)
            connection.shutDown()
            return
        }
        guard case .hello(let hello) = message else {
            connection.refuse(reason: "the first message of a worker is HELLO")
            return
        }
        // Who is refused decides nothing for others.
        var admission = admission
        if let reason = admission.check(hello) ?? state.objection(to: hello) {
            observer.onEvent(
                RunEvent(
                    kind: .warning, message: "refused a worker on \(hello.hostName): \(reason)",
                    details: [:]))
            send(.refused(message: reason), on: connection)
            connection.shutDown()
            return
        }
        nextLink += 1
        let id = LinkID(nextLink)
        do throws(SystemError) {
            try startReader(connection, id)
        } catch {
            // It comes again, when there may be threads.
            log.warning(
                "the worker on \(hello.hostName) cannot be let in now: \(error); end other programs, "
                    + "or allow more threads (ulimit -u)")
            connection.shutDown()
            return
        }
        links[id] = Link(connection: connection)
        let knewDataset = self.admission.datasetDigest != nil
        self.admission = admission
        if let notice = admission.notice(of: hello) {
            carryOut([.event(RunEvent(kind: .warning, message: notice, details: [:]))])
        }
        do throws(RunError) {
            if !knewDataset { try book.note(dataset: admission.datasetDigest) }
        } catch {
            failure = error
            return
        }
        let host =
            hello.advertisedHost.isEmpty
            ? connection.stream.peerAddress?.host ?? "127.0.0.1" : hello.advertisedHost
        feed(.joined(id, hello, NetworkAddress(host: host, port: hello.dataPort)))
    }

    private func startReader(_ connection: MessageConnection, _ id: LinkID) throws(SystemError) {
        let inputs = inputs
        try startThread("link \(id.value)", 512 << 10) {
            do throws(TransportError) {
                while true {
                    guard let frame = try connection.receive(timeout: nil) else {
                        continue
                    }
                    // A sender that floods the coordinator waits, like any other.
                    let isIn = inputs.put(.frame(id, frame), while: { !connection.isShut })
                    guard isIn else { throw .shutDown(peer: connection.peer) }
                }
            } catch {
                inputs.put(.closed(id, reason: error.description))
            }
        }
    }

    // MARK: Effects

    private func carryOut(_ effects: [CoordinatorEffect]) {
        for effect in effects {
            guard failure == nil else { return }
            do {
                try carryOut(effect)
            } catch {
                failure = error
            }
        }
    }

    private func carryOut(_ effect: CoordinatorEffect) throws {
        switch effect {
        case .send(let id, let message):
            guard let link = links[id], link.cutAt == nil else { return }
            if let reason = send(message, on: link.connection) { failedLinks.append((id, reason)) }
            if case .ended = message { links[id]?.knowsEnd = true }
        case .close(let id):
            // The worker reads what was sent and closes; only one that does not is cut.
            links[id]?.cutAt = clock.now + options.settings.patience.message
        case .journal(let record):
            try journal.append(record)
            noteRoom()
        case .openCheckpoint(let name):
            do throws(CheckpointError) {
                try disk.open(name)
            } catch {
                let failure = CheckpointFailure(error.description)
                inputs.put(.sealed(name, failure))
            }
        case .sealCheckpoint(let name, let receipts, let passedOver):
            let (inputs, synchronisation) = (inputs, synchronisation)
            disk.seal(
                name, receipts: receipts, passedOver: passedOver, context: context(of: name)
            ) { failure in
                // The journal is as durable as the checkpoint that it will name.
                synchronisation.synchronise()
                inputs.put(.sealed(name, failure))
            }
        case .abandonCheckpoint(let name): disk.abandon(name)
        case .metrics(let report, let step):
            observer.onStep(
                try book.append(
                    step: report.step, report: report.report, updateSeconds: report.updateSeconds,
                    making: step.map { RunBook.Making($0) }))
            noteRoom()
        case .closingReport(let report): try book.append(closing: report)
        case .rewind(let step):
            for mending in try book.rewind(to: step) { log.warning(mending) }
        case .event(let event):
            // Notices are for the console alone.
            if let kind = event.kind.logged {
                try book.append(kind, event.message, event.details)
            }
            observer.onEvent(event)
        case .end(let outcome): self.outcome = outcome
        }
    }

    private func noteRoom() {
        for (news, records) in [
            (book.roomNews(), "metrics"), (journal.roomNews(), "records of the journal"),
        ] {
            guard let news else { continue }
            let sentence = news.sentence(about: records)
            news == .found ? log.info(sentence) : log.warning(sentence)
        }
    }

    /// What a checkpoint's manifest says beside its tensors; `nil` before a worker was admitted.
    private func context(of name: CheckpointName) -> CheckpointContext? {
        admission.datasetDigest.map {
            book.checkpointContext(
                step: name.step, dataset: $0, matrixLibrary: admission.matrixLibrary,
                matrixKernel: admission.kernel ?? "")
        }
    }

    /// Sends a message; the reason when it failed.
    @discardableResult
    private func send(_ message: CoordinatorMessage, on connection: MessageConnection) -> String? {
        let (type, payload) = message.encoded()
        do throws(TransportError) {
            try connection.send(
                type, payload: payload, timeout: options.settings.patience.coordinatorSend)
            return nil
        } catch {
            return error.description
        }
    }

    private func keepHouse(_ now: ContinuousClock.Instant) throws {
        for link in links.values {
            if let cutAt = link.cutAt, now >= cutAt { link.connection.shutDown() }
        }
        guard now >= nextSync else { return }
        nextSync = now + Limits.synchronisation
        if journal.isSuperseded {
            throw SupersededError(term: journal.term)
        }
        noteRoom()
        synchronisation.queue { disk.perform($0) }
    }

    /// Whoever was told of the end reads it and closes; a worker that was given up before may never read anything.
    private func awaitFarewells() {
        let deadline = clock.now + options.settings.patience.message
        while links.values.contains(where: \.knowsEnd), clock.now < deadline {
            let left = max(clock.now.duration(to: deadline), .zero)
            for case .closed(let id, _) in inputs.take(timeout: left) { links[id] = nil }
        }
    }

    private func shutDown() {
        acceptor?.close()
        for link in links.values { link.connection.shutDown() }
        disk.close()
        synchronisation.synchronise()
        // The address of a coordinator that is gone misleads nobody who connects before believing it.
        try? address.remove(from: options.directory)
    }
}

/// Another coordinator has taken the run over.
public struct SupersededError: Error, CustomStringConvertible {
    /// The term that is over.
    public let term: UInt32

    /// The sentence for people.
    public var description: String {
        "another coordinator has taken over this run (a term above \(term)): this one stops"
    }
}
