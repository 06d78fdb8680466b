import Checkpoints
import Collectives
import Foundation
import Runs
import Runtime
import Transport

/// What a worker's threads share: the state machine, the connection to the coordinator, the ring, the exit.
///
/// Whoever feeds the state machine carries its effects out on its own thread; all of them are short. Jobs are
/// for the main thread alone.
final class WorkerCore: Sendable {
    struct Shared {
        var state: WorkerState
        var connection: MessageConnection?
        var formation: ExchangeFormation?
        var fetch: StateFetch?
        var failureTimeout = Duration.seconds(2)
        var exit: Outcome?
        var wantsReconnect: String?
        /// When it was asked to leave.
        var leavingSince: ContinuousClock.Instant?
        /// Something changed since the main thread last asked for a job.
        var isDirty = true
    }

    let options: WorkerOptions
    let shared: Monitor<Shared>
    let incoming = IncomingEdges()
    let stateLock = StateLock()
    let log: Log
    let clock: any MonotonicClock

    init(_ options: WorkerOptions, step: UInt64?, log: Log) {
        self.options = options
        clock = options.waiter.clock
        self.log = log
        shared = Monitor(Shared(state: WorkerState(id: options.id, step: step)))
        stateLock.endWriting(step: step, report: nil)
    }

    var failureTimeout: Duration { shared.withLock { $0.failureTimeout } }
    var patience: Patience { Patience(failureTimeout) }

    // MARK: Feeding the state machine

    func receive(_ message: CoordinatorMessage) {
        switch message {
        case .welcome(let welcome):
            shared.update { $0.failureTimeout = welcome.failureTimeout }
            log.info(
                "worker \(welcome.number) of the run, coordinator's term \(welcome.term)"
                    + (welcome.notice.isEmpty ? "" : ": \(welcome.notice)"))
        case .evicted(let reason, let discards):
            log.warning(
                "no member any more: \(reason)" + (discards ? "; the state is dropped" : ""))
            if discards { stateLock.endWriting(step: nil, report: nil) }
        default: break
        }
        feed { $0.receive(message) }
    }

    func finish(_ result: WorkerResult) { feed { $0.finish(result) } }

    /// Asks the coordinator to let this worker go.
    ///
    /// One that has been a member waits for a lost coordinator for the failure timeout, so that what it holds can be
    /// saved; see `mustLeaveAlone`.
    func leave() {
        shared.update { $0.leavingSince = $0.leavingSince ?? clock.now }
        feed { $0.leave() }
        let isStranger = shared.withLock { $0.connection == nil && $0.state.generation == 0 }
        if isStranger { leaveAlone() }
    }

    /// Whether it was asked to leave, and has been without a coordinator that could let it go for too long since.
    func mustLeaveAlone(lostAt: ContinuousClock.Instant) -> Bool {
        shared.withLock { shared in
            guard let leavingSince = shared.leavingSince else { return false }
            return clock.now - max(leavingSince, lostAt) >= shared.failureTimeout
        }
    }

    func leaveAlone() {
        end(
            Outcome(
                exitCode: ExitCode.success.rawValue, message: "left while there was no coordinator")
        )
    }

    func feed(_ body: (inout WorkerState) -> [WorkerEffect]) {
        let effects = shared.update { shared in
            shared.isDirty = true
            return body(&shared.state)
        }
        for effect in effects { carryOut(effect) }
    }

    private func carryOut(_ effect: WorkerEffect) {
        switch effect {
        case .send(let message): send(message)
        case .abandon(let generation): abandon(below: generation)
        case .form(let generation, let ring): form(generation, ring)
        case .reconnect(let reason):
            let connection = shared.update { shared in
                shared.wantsReconnect = reason
                return shared.connection
            }
            connection?.shutDown()
        case .exit(let code, let message): end(Outcome(exitCode: code, message: message))
        }
    }

    /// Ends the worker: whatever waits is woken.
    func end(_ outcome: Outcome) {
        shared.update { $0.exit = $0.exit ?? outcome }
        abandon(below: .max)
    }

    /// Sends to the coordinator, if it is there; what is lost is said again on the next connection.
    func send(_ message: WorkerMessage) {
        let (connection, timeout) = shared.withLock { ($0.connection, $0.failureTimeout) }
        guard let connection else { return }
        let (type, payload) = message.encoded()
        // A failure ends the connection, which the control thread sees.
        try? connection.send(type, payload: payload, timeout: timeout)
    }

    private func abandon(below generation: UInt32) {
        let (formation, fetch) = shared.update { shared in
            let formation = shared.formation.flatMap { $0.generation < generation ? $0 : nil }
            if formation != nil { shared.formation = nil }
            let fetch = shared.fetch.flatMap { $0.generation < generation ? $0 : nil }
            return (formation, fetch)
        }
        formation?.abort()
        fetch?.abandon()
        // An evicted worker comes back into a higher generation, so edges are only dropped up to the present one.
        if generation != .max { incoming.abandon(below: generation) }
    }

    private func form(_ generation: UInt32, _ ring: [ExchangeMember]) {
        let id = shared.withLock { $0.state.id }
        guard let rank = ring.firstIndex(where: { $0.id == id }) else { return }
        let connector = options.exchange
        let described = ExchangeGeneration(
            runID: options.runID, number: generation, members: ring, rank: rank,
            incoming: incoming, failureTimeout: failureTimeout, waiter: options.waiter)
        let formation = ExchangeFormation(
            described,
            onFailure: { [weak self] error in self?.exchangeFailed(generation, ring, rank, error) }
        ) { onFailure throws(CollectiveError) in
            try connector.connect(described, onFailure: onFailure)
        }
        let isCurrent = shared.update { shared in
            guard shared.state.generation == generation, shared.exit == nil else { return false }
            shared.formation = formation
            return true
        }
        if !isCurrent { formation.abort() }
    }

    /// The exchange failed, perhaps long before the main thread comes to need it: the coordinator hears it at once.
    private func exchangeFailed(
        _ generation: UInt32, _ members: [ExchangeMember], _ rank: Int, _ error: CollectiveError
    ) {
        guard shared.withLock({ $0.state.generation == generation }) else { return }
        let failure = ExchangeFailure(error, members: members)
        var reason = failure.reason
        // Whoever could not be reached is named together with who tried.
        if case .unformed = error {} else { reason = "worker \(members[rank].number): \(reason)" }
        send(.suspect(generation: generation, peer: failure.peer, reason: reason))
    }

    // MARK: The main thread's side

    /// The next job; `nil` when the worker is to end.
    func nextJob() -> WorkerJob? {
        while true {
            let job = shared.update { shared -> WorkerJob? in
                shared.isDirty = false
                return shared.exit == nil ? shared.state.nextJob() : nil
            }
            if let job { return job }
            let ends = shared.wait(
                until: { $0.isDirty || $0.exit != nil }, then: { $0.exit != nil })
            if ends == true { return nil }
        }
    }

    func formation(of generation: UInt32) -> ExchangeFormation? {
        shared.withLock { $0.formation.flatMap { $0.generation == generation ? $0 : nil } }
    }
}
