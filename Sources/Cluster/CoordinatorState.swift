import Checkpoints
import Runtime
import Transport

/// The coordinator's decisions: who is a member, which generation it is, what is committed and what is next.
///
/// Pure: it owns no clock, socket, file or random source, so a test can replay any history. It is told events
/// and the time, and answers with effects that are carried out in order.
///
/// The life of a generation: `regroup` goes to everybody who is to be a member, everybody answers with a
/// report of what it holds; whoever lacks the committed state takes it from those who have it (or everybody
/// from a checkpoint, when nobody has) and reports again; when all hold it, `form` names the ring and `plan`
/// the work. Every change of membership, at any moment, is this same sequence with the next number. So are the
/// start of a run, a resume and the return of a coordinator.
public struct CoordinatorState: Sendable {
    /// What the run as a whole is doing.
    enum Phase: Equatable, Sendable {
        /// Waiting for the first workers, or for those of before a restart.
        case gathering
        /// Waiting for reports of the current generation.
        case regrouping
        /// Fewer members than the minimum.
        case paused
        /// The members compute the step after the last committed one.
        case stepping
        /// The members hold the state while a checkpoint of it is written.
        case saving
        /// The members compute what comes after the last step.
        case closing
        /// Over.
        case ended
    }

    /// A worker with a live connection.
    struct Worker: Sendable {
        let id: WorkerID
        let number: UInt32
        let link: LinkID
        let name: String
        let endpoint: NetworkAddress
        let joinedAt: ContinuousClock.Instant
        var lastHeard: ContinuousClock.Instant
        var held: HeldState
        /// Generation of the last report.
        var reported: UInt32 = 0
        /// Generation in which it was told to replace its state.
        var replacing: UInt32 = 0
        /// What it was told to take the state from in that generation.
        var source: StateSource?
        /// Why it could not load a checkpoint in this generation.
        var loadFailure: String?
        var ready: Ready?
        var closingReport: JSONValue?
        var isLeaving = false
        var complaints = 0
        var heartbeat: Heartbeat?
    }

    /// A checkpoint in the making.
    struct Save: Sendable {
        let name: CheckpointName
        let writers: [WorkerID]
        var receipts: [JSONValue?]
        /// Writers that have said how it went, by index.
        var answers: Set<Int> = []
        /// Why a part could not be written; the first reason.
        var failure: String?
        var isSealing = false
        /// Whether it was said that a later one has to wait for it.
        var delaysAnother = false
    }

    /// Why the run is to stop.
    struct Stop: Sendable {
        var outcome: Outcome
        let wantsCheckpoint: Bool
        /// Whether somebody has asked for it, and may be told that nothing could be saved.
        var isRequested = false
        /// Why the run cannot go on; `nil` where it could.
        var reason: String?
        let since: ContinuousClock.Instant
    }

    let settings: CoordinatorSettings
    let term: UInt32
    var phase = Phase.gathering
    var generation: UInt32
    /// The highest that any worker has seen: a journal may have lost its tail with its host.
    var highestGeneration: UInt32 = 0
    var committed: UInt64
    /// What was committed before this coordinator started: of other steps it was to keep the state.
    let committedAtStart: UInt64
    /// All workers with a live connection, by identity; go through `workersByNumber` where order can show.
    var workers: [WorkerID: Worker] = [:]
    var links: [LinkID: WorkerID] = [:]
    /// Members of the current generation in ring order.
    var members: [WorkerID] = []
    var nextNumber: UInt32 = 1
    /// Members of the last generation before this coordinator started that have not come back.
    var awaited: [WorkerID: UInt32]
    var someReturned = false
    /// Checksums of the steps that were committed since the newest checkpoint, also those of a former course.
    var checksums: [UInt64: UInt32]
    var checkpoints: [CheckpointName]
    /// Checkpoints that could not be loaded: they are not counted among those that are kept.
    var passedOver: Set<CheckpointName>
    var save: Save?
    /// Tries to save the state that the members hold for it, since they began to.
    var failedHeldSaves = 0
    var stop: Stop?
    var closingIsDone = false
    var metricsStep: UInt64
    var recent: [CommittedStep] = []
    var phaseSince: ContinuousClock.Instant
    var lastTick: ContinuousClock.Instant
    var lastNotice: ContinuousClock.Instant
    var lastHeartbeat: ContinuousClock.Instant
    var lastCommit: ContinuousClock.Instant?
    /// Until when a lost holder of the state may still come back.
    var holderAwaitedUntil: ContinuousClock.Instant?
    /// Until the first generation is formed; never after a rewind, from before which a worker may hold more.
    var adoptsLaterState: Bool
    var suspectedAt: ContinuousClock.Instant?
    var ringFailures = 0
    var mismatches = 0
    var saveDue = false
    var warnedOfStall = false
    /// Set while nobody holds the committed state and frozen holders may still come back.
    var waitsForHolder = false
    var faultAt: ContinuousClock.Instant?
    var effects: [CoordinatorEffect] = []

    /// A coordinator that has just started.
    ///
    /// - Parameters:
    ///   - settings: What the user asked for.
    ///   - recovered: What journal and checkpoints say.
    ///   - now: The time.
    public init(
        settings: CoordinatorSettings, recovered: RecoveredRun, now: ContinuousClock.Instant
    ) {
        self.settings = settings
        term = recovered.term
        generation = recovered.generation
        committed = recovered.committed
        committedAtStart = recovered.committed
        awaited = recovered.members
        nextNumber = (recovered.members.values.max() ?? 0) + 1
        checksums = recovered.checksums
        checkpoints = recovered.checkpoints
        passedOver = recovered.passedOver
        metricsStep = recovered.metricsStep
        adoptsLaterState = !recovered.hasRewound
        phaseSince = now
        lastTick = now
        lastNotice = now
        lastHeartbeat = now
    }

    /// Takes an event and says what to do about it.
    public mutating func handle(_ event: CoordinatorEvent, at now: ContinuousClock.Instant)
        -> [CoordinatorEffect]
    {
        if phase != .ended {
            grantTimeAfterPause(now)
            switch event {
            case .joined(let link, let hello, let endpoint): join(link, hello, endpoint, now)
            case .message(let link, let message):
                if let id = links[link] { receive(message, from: id, now) }
            case .closed(let link, let reason):
                if let id = links[link] { lose(id, reason: reason, now) }
            case .tick: tick(now)
            case .stopRequested(let reason): requestStop(because: reason, now)
            case .checkpointSealed(let name, let failure): checkpointSealed(name, failure, now)
            }
        }
        defer { effects.removeAll() }
        return effects
    }

    /// Number of committed steps.
    public var committedSteps: UInt64 { committed }
    /// Whether the run is over.
    public var hasEnded: Bool { phase == .ended }
    /// Number of members of the current generation.
    public var worldSize: Int { members.count }

    private mutating func receive(
        _ message: WorkerMessage, from id: WorkerID, _ now: ContinuousClock.Instant
    ) {
        workers[id]?.lastHeard = now
        switch message {
        case .hello, .statusRequest: break
        case .heartbeat(let heartbeat): workers[id]?.heartbeat = heartbeat
        case .report(let reported, let held):
            guard reported == generation, members.contains(id) else { return }
            if let reason = objection(to: held) {
                evict(id, reason: reason, discardState: true, now)
                return
            }
            workers[id]?.held = held
            workers[id]?.reported = reported
            if let report = held.lastReport { note(report) }
            judgeLoadFailures(now)
            tryForm(now)
        case .stateFailed(let failed, let message):
            guard failed == generation else { return }
            stateFailed(id, message, now)
        case .ready(let ready): receive(ready, from: id, now)
        case .applied(let report): note(report)
        case .diverged(let diverged, let step, let message):
            guard diverged == generation, step == committed, phase == .stepping else { return }
            event(
                .warning, "step \(step + 1) diverged: \(message)", ["step": .integer(Int64(step))])
            stop = Stop(
                outcome: Outcome(
                    exitCode: ExitCode.diverged.rawValue,
                    message: "training diverged in step \(step + 1): \(message); "
                        + "the state before it is saved as step \(step)"), wantsCheckpoint: true,
                since: now)
            proceed(now)
        case .closed(let closed, let report):
            guard closed == generation, phase == .closing else { return }
            workers[id]?.closingReport = report
            finishClosing(now)
        case .suspect(let suspected, let peer, let reason):
            suspect(by: id, generation: suspected, peer: peer, reason: reason, now)
        case .leave: leave(id, now)
        case .failed(let message):
            lose(id, reason: "it failed: \(message)", failure: message, now)
        case .checkpointShardDone(let name, let index, let receipt):
            checkpointShardAnswered(name, index, .success(receipt), now)
        case .checkpointShardFailed(let name, let index, let message):
            checkpointShardAnswered(name, index, .failure(CheckpointFailure(message)), now)
        }
    }

    /// A timer that fires late says that this process was paused, and then silence proves nothing.
    private mutating func grantTimeAfterPause(_ now: ContinuousClock.Instant) {
        if now - lastTick > settings.patience.ownDelay {
            for id in workers.keys { workers[id]?.lastHeard = now }
        }
        lastTick = now
    }

    // MARK: What the parts share

    var workersByNumber: [Worker] { workers.values.sorted { $0.number < $1.number } }

    mutating func enter(_ next: Phase, _ now: ContinuousClock.Instant) {
        if phase != next {
            phaseSince = now
            warnedOfStall = false
        }
        phase = next
    }

    mutating func send(_ message: CoordinatorMessage, to id: WorkerID) {
        if let worker = workers[id] { effects.append(.send(worker.link, message)) }
    }

    mutating func event(
        _ kind: RunEvent.Kind, _ message: String, _ details: [String: JSONValue] = [:]
    ) {
        effects.append(.event(RunEvent(kind: kind, message: message, details: details)))
    }

    mutating func finish(_ outcome: Outcome) {
        for worker in workersByNumber {
            effects.append(
                .send(
                    worker.link, .ended(exitCode: outcome.exitCode, message: outcome.message)))
            effects.append(.close(worker.link))
        }
        if let save {
            effects.append(.abandonCheckpoint(save.name))
            self.save = nil
        }
        effects.append(.journal(.end(exitCode: outcome.exitCode)))
        event(.ended, outcome.message, ["exit_code": .integer(Int64(outcome.exitCode))])
        effects.append(.end(outcome))
        phase = .ended
    }

    /// Metrics are one line a step, in order, whoever reports first.
    mutating func note(_ report: StepReport) {
        guard report.step > metricsStep, report.step <= committed else { return }
        metricsStep = report.step
        effects.append(.metrics(report, recent.first { $0.step == report.step }))
    }
}
