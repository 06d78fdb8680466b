import Checkpoints
import Runtime

/// A worker's decisions: what it holds, what it was told, and so what it does next.
///
/// Pure, like the coordinator's: messages and results of jobs go in, effects and jobs come out. It compares what
/// the newest plan wants with what is held, and does the first thing that is missing; whatever belongs to an
/// older generation is void. So it does not matter in which job a change of membership strikes.
public struct WorkerState: Sendable {
    /// This process.
    public let id: WorkerID
    /// Number given by the coordinator; 0 before.
    public private(set) var number: UInt32 = 0
    /// Highest term seen.
    public private(set) var term: UInt32 = 0
    /// Newest generation that was announced.
    public private(set) var generation: UInt32 = 0
    /// What it holds.
    public private(set) var held: HeldState
    /// Whether a signal has asked it to leave.
    public private(set) var isLeaving = false
    private var plan: Plan?
    private var source: StateSource?
    private var checkpointShard: (name: CheckpointName, index: Int, count: Int)?
    private var rank: Int?
    private var isBusy = false
    /// Whether the plan's work is done or void until a new plan comes.
    private var isWorkDone = false
    private var wasRecomputed = false

    /// A worker whose replica holds the state of a step; `nil` where it has yet to be taken from somewhere.
    public init(id: WorkerID, step: UInt64?) {
        self.id = id
        held = HeldState(applied: step)
    }

    /// What the worker does, in a word.
    public var activity: String {
        if source != nil || held.applied == nil { return "taking over the state" }
        guard let plan else { return "waiting" }
        switch plan.work {
        case .hold: return "holding"
        case .close: return "closing"
        case .step: return isBusy ? "computing" : "waiting for the commit"
        }
    }

    // MARK: Messages

    /// Takes a message of the coordinator.
    public mutating func receive(_ message: CoordinatorMessage) -> [WorkerEffect] {
        switch message {
        case .welcome(let welcome):
            guard welcome.term >= term else {
                return [.reconnect(reason: "an older coordinator (term \(welcome.term)) answered")]
            }
            term = welcome.term
            number = welcome.number
            return isLeaving ? [.send(.leave)] : []
        case .refused(let message):
            return [.exit(code: ExitCode.refused.rawValue, message: message)]
        case .regroup(let next):
            guard next > generation else { return [] }
            generation = next
            plan = nil
            source = nil
            rank = nil
            return [.abandon(below: next), .send(.report(generation: next, held))]
        case .form(let formed, let ring):
            guard formed == generation else { return [] }
            rank = ring.firstIndex { $0.id == id }
            return [.form(generation: formed, ring: ring)]
        case .plan(let next):
            guard next.generation == generation else { return [] }
            plan = next
            isWorkDone = false
            return []
        case .replaceState(let wanted, let source):
            guard wanted == generation else { return [] }
            self.source = source
            return []
        case .beginCheckpointShard(let name, let index, let count):
            checkpointShard = (name, index, count)
            return []
        case .heartbeat, .status: return []
        case .evicted(let reason, let discardState):
            if discardState { discard() }
            plan = nil
            source = nil
            return [.abandon(below: .max), .reconnect(reason: reason)]
        case .released: return [.exit(code: ExitCode.success.rawValue, message: "left the run")]
        case .ended(let code, let message):
            // The run's own failures are the coordinator's to report; a worker that was told has done its part.
            return [
                .exit(
                    code: code == ExitCode.interrupted.rawValue ? ExitCode.success.rawValue : code,
                    message: message)
            ]
        }
    }

    /// A signal asks this worker to go at the next step boundary.
    public mutating func leave() -> [WorkerEffect] {
        isLeaving = true
        return [.send(.leave)]
    }

    private mutating func discard() {
        held = HeldState(applied: nil)
    }

    // MARK: Jobs

    /// The next thing to do, if there is any; the worker is busy until `finish`.
    public mutating func nextJob() -> WorkerJob? {
        guard !isBusy, let job = missingJob() else { return nil }
        isBusy = true
        return job
    }

    private mutating func missingJob() -> WorkerJob? {
        if let source {
            self.source = nil
            discard()
            checkpointShard = nil
            return .replaceState(generation: generation, source)
        }
        guard let applied = held.applied else { return nil }
        if let plan, plan.committed == applied + 1, held.reduced?.step == applied {
            return .apply(step: applied)
        }
        if let due = checkpointShard, due.name.step <= applied {
            checkpointShard = nil
            if due.name.step == applied {
                return .stageCheckpointShard(due.name, index: due.index, count: due.count)
            }
        }
        guard let plan, plan.committed == applied, !isWorkDone else { return nil }
        switch plan.work {
        case .hold: return nil
        case .close: return .close(generation: plan.generation, step: applied)
        case .step(let work): return .round(begin(work, plan, step: applied))
        }
    }

    private mutating func begin(_ work: StepWork, _ plan: Plan, step: UInt64) -> RoundJob {
        var added: [Int]?
        if let sums = held.sums, sums.step == step, sums.round == work.round,
            !sums.shards.isEmpty, Set(sums.shards).isSubset(of: work.shards)
        {
            added = sums.shards
        }
        let missing = work.shards.filter { added?.contains($0) != true }
        // Claimed from now on, so that a change of membership does not assign them to others.
        held.sums = LocalSums(
            step: step, round: work.round, exponents: work.exponents, shards: work.shards)
        held.reduced = nil
        wasRecomputed = work.round > 0
        return RoundJob(
            generation: plan.generation, step: step, round: work.round, exponents: work.exponents,
            begins: added == nil, shards: work.shards, missing: missing,
            wantsDigest: work.wantsDigest)
    }

    /// Takes the result of the job in hand.
    public mutating func finish(_ result: WorkerResult) -> [WorkerEffect] {
        isBusy = false
        switch result {
        case .stateReplaced(let replaced, let step, let report):
            held = HeldState(applied: step, lastReport: report)
            guard replaced == generation, source == nil else { return [] }
            return [.send(.report(generation: generation, held))]
        case .stateFailed(let failed, let message):
            guard failed == generation else { return [] }
            return [.send(.stateFailed(generation: failed, message: message))]
        case .applied(let report):
            held = HeldState(applied: report.step, lastReport: report)
            // Without a rank the generation is changing and nobody knows who is first: the coordinator wants one.
            return rank ?? 0 == 0 ? [.send(.applied(report))] : []
        case .checkpointShardStaged: return []
        case .whole(let job, let checksum, let digest, let recomputed, let timings):
            guard isCurrent(job) else { return [] }
            isWorkDone = true
            held.reduced = ReducedSums(step: job.step, checksum: checksum)
            return [
                .send(
                    .ready(
                        Ready(
                            generation: job.generation, step: job.step, checksum: checksum,
                            stateDigest: digest, recomputed: recomputed, timings: timings)))
            ]
        case .recompute(let job, let exponents):
            guard isCurrent(job), case .step(var work) = plan?.work else { return [] }
            work.round = 1
            work.exponents = exponents
            plan?.work = .step(work)
            // Known from now on, so that a new generation starts in round 1; nothing is added yet.
            held.sums = LocalSums(
                step: job.step, round: 1, exponents: exponents, shards: [])
            return []
        case .diverged(let job, let message):
            guard isCurrent(job) else { return [] }
            isWorkDone = true
            return [
                .send(
                    .diverged(generation: job.generation, step: job.step, message: message))
            ]
        case .broken(let broken, let peer, let reason, let isAdded):
            // What was claimed and not added is assigned to this worker again, and then computed.
            if !isAdded { held.sums?.shards = [] }
            guard broken == generation else { return [] }
            isWorkDone = true
            return [.send(.suspect(generation: broken, peer: peer, reason: reason))]
        case .closed(let closed, let report):
            guard closed == generation else { return [] }
            isWorkDone = true
            return [.send(.closed(generation: closed, report: report))]
        case .failed(let message, let stays):
            let code = (stays ? ExitCode.inputDamaged : .failure).rawValue
            return [.send(.failed(message: message)), .exit(code: code, message: message)]
        }
    }

    private func isCurrent(_ job: RoundJob) -> Bool {
        job.generation == generation && plan?.generation == generation
            && plan?.committed == job.step && held.applied == job.step
    }
}
