import Foundation
import Runtime

/// What `launch` does when one of its processes ends: start it again, end the run, or nothing.
///
/// Pure: it owns no process and no clock, so that tests can play any history. The coordinator decides about the run; this
/// decides about processes only.
public struct Supervision: Sendable {
    /// A process of the run.
    public enum Member: Sendable, Hashable, CustomStringConvertible {
        case coordinator
        case worker(Int)

        /// The prefix of its log lines.
        public var description: String {
            switch self {
            case .coordinator: "coordinator"
            case .worker(let number): "worker \(number)"
            }
        }
    }

    /// What is to be done.
    public enum Effect: Sendable, Equatable {
        /// Start the process at a time.
        case start(Member, at: ContinuousClock.Instant)
        /// Ask the process to end, as SIGTERM does; a coordinator is told why where that is not the user's wish.
        case stop(Member, because: String? = nil)
        /// End the process at once.
        case kill(Member)
        /// Tell the user.
        case report(String)
        /// All is over.
        case finish(code: Int32)
    }

    /// How often and how soon processes are started again.
    public struct Policy: Sendable {
        /// A failure this soon after the launch, before any step, is not retried.
        public var trialTime: Duration = .seconds(10)
        /// Restarts of one process within an hour.
        public var restartsPerHour = 20
        /// Before the first restart; doubled for each further one within a minute, up to `longestDelay`.
        public var firstDelay: Duration = .milliseconds(200)
        /// The longest time before a restart.
        public var longestDelay: Duration = .seconds(30)
        /// After which a worker that is still there when the run has ended is told so: one that had no connection to
        /// the coordinator does not know.
        public var noticeTime: Duration = .milliseconds(250)
        /// A process that has shown no sign of life for this long is frozen.
        ///
        /// Half of it is how long a worker may take to
        /// leave when it was told that all is saved: then it is killed, since nothing is lost with it.
        public var failureTimeout: Duration = .seconds(2)
        /// How long workers may take to leave a run that ended otherwise.
        public var leaveTime: Duration = .seconds(5)

        /// The usual policy.
        public init() {}
    }

    private let policy: Policy
    private let launched: ContinuousClock.Instant
    private var alive: Set<Member> = []
    private var waiting: Set<Member> = []
    private var restarts: [Member: [ContinuousClock.Instant]] = [:]
    private var hasStepped = false
    private var isStopping = false
    /// How often a coordinator was killed after it had been asked to end, and started again to save.
    private var rescues = 0
    private var outcome: Int32?
    /// What the run ends with for whatever else the coordinator says, and why.
    private var verdict: (code: Int32, reason: String)?
    private var life: LifeSigns
    private var deadline: ContinuousClock.Instant?
    /// What was done about those that are left when the run has ended, in this order.
    private enum Farewell { case awaited, told, killed }
    private var farewell = Farewell.awaited

    /// Watches over a launch.
    ///
    /// - Parameters:
    ///   - members: The processes, all started.
    ///   - watched: Those that show signs of life.
    ///   - policy: How often to try.
    ///   - now: The time of the launch.
    public init(
        members: [Member], watched: Set<Member> = [], policy: Policy = Policy(),
        now: ContinuousClock.Instant
    ) {
        alive = Set(members)
        self.policy = policy
        launched = now
        life = LifeSigns(of: watched, now: now)
    }

    /// What the launch exits with, once nothing can change it: the coordinator has ended, and is not started again.
    public var settledCode: Int32? { alive.contains(.coordinator) ? nil : outcome }

    /// A process has shown that it is not frozen.
    public mutating func lives(_ member: Member) { life.heard(member) }

    /// A process was started as `start` asked.
    @discardableResult
    public mutating func started(_ member: Member) -> [Effect] {
        waiting.remove(member)
        alive.insert(member)
        life.started(member)
        // It was started for this alone: to collect what the workers hold, and to save it.
        return isStopping && member == .coordinator
            ? [.stop(member, because: verdict?.reason)] : []
    }

    /// The run has made a step since the launch.
    public mutating func stepped() { hasStepped = true }

    /// The user wants the run to end: the coordinator is told, and tells the workers.
    public mutating func stopRequested(at now: ContinuousClock.Instant) -> [Effect] {
        guard !isStopping, outcome == nil else { return [] }
        return end(at: now)
    }

    private mutating func end(at now: ContinuousClock.Instant) -> [Effect] {
        isStopping = true
        if alive.contains(.coordinator) {
            return [.stop(.coordinator, because: verdict?.reason)]
        }
        // Only a coordinator can save what the workers hold.
        return [.start(.coordinator, at: now)]
    }

    /// A process ended.
    public mutating func ended(
        _ member: Member, _ termination: Termination, lastLine: String?,
        at now: ContinuousClock.Instant
    ) -> [Effect] {
        alive.remove(member)
        if outcome != nil { return finishIfAlone() }
        let what = "\(member) \(termination)" + (lastLine.map { ": \($0)" } ?? "")
        switch (member, termination) {
        case (.coordinator, .exited(let code)) where Self.isFinal(code):
            return conclude(verdict?.code ?? code, at: now)
        case (.worker, .exited(ExitCode.success.rawValue)):
            // It was asked to leave; the run goes on without it, or has just ended.
            return alive.isEmpty && waiting.isEmpty
                ? conclude(ExitCode.success.rawValue, at: now) : []
        case (.worker, .exited(let code)) where Self.isLasting(code):
            // Another start would end in the same way.
            guard hasStepped else { return [.report(what)] + conclude(Self.code(code), at: now) }
            return [.report("\(what); not started again")]
                + endWithoutWorkers(code, what: "\(member): \(lastLine ?? what)", at: now)
        default:
            return restart(member, termination, what: what, at: now)
        }
    }

    /// Time has passed.
    public mutating func tick(at now: ContinuousClock.Instant) -> [Effect] {
        life.pass(until: now)
        let frozen = giveUpFrozen()
        guard let deadline, now >= deadline else { return frozen }
        let rest = sorted(alive)
        self.deadline = now + policy.failureTimeout / 2
        switch farewell {
        case .awaited:
            farewell = .told
            return frozen + rest.map { .stop($0) }
        case .told:
            farewell = .killed
            return frozen + rest.map { .kill($0) }
        case .killed:
            self.deadline = nil
            let names = rest.map(\.description).joined(separator: ", ")
            return [
                .report("cannot be killed, and left behind (it may wait for a disk): \(names)"),
                .finish(code: outcome ?? ExitCode.failure.rawValue),
            ]
        }
    }

    /// Kills what has shown no sign of life for too long.
    ///
    /// A frozen coordinator holds nothing that the next one does not find on the disk, so it is given up after the failure
    /// timeout. A frozen worker may hold the only copy of the newest steps, for which its coordinator waits three times as long
    /// after it was given up; until then it is let be. Once the run has ended, nothing in it is needed.
    private mutating func giveUpFrozen() -> [Effect] {
        var effects: [Effect] = []
        for member in sorted(alive) {
            var limit = policy.failureTimeout
            if member != .coordinator, outcome == nil {
                guard !isStopping else { continue }
                limit = limit * 4
            }
            // What has just been started is given time to begin, unless nothing could be lost with it.
            if !life.hasBegun(member), outcome == nil, hasStepped || !isStopping {
                limit = max(limit, policy.failureTimeout * 5)
            }
            guard let silence = life.silence(of: member), silence >= limit,
                life.giveUp(member)
            else { continue }
            if outcome == nil {
                let milliseconds = Int(silence / .milliseconds(1))
                effects.append(
                    .report(
                        "\(member) is frozen: no sign of life for \(milliseconds) ms of this process's own time; "
                            + "killing it (--failure-timeout)"))
            }
            effects.append(.kill(member))
        }
        return effects
    }

    /// Killed more often than this, it is not wanted to save.
    private static let mostRescues = 3

    /// Codes with which a coordinator says that the run has ended.
    private static func isFinal(_ code: Int32) -> Bool {
        switch ExitCode(rawValue: code) {
        case .success, .usage, .refused, .tooFewWorkers, .diverged, .interrupted: true
        case .failure, .coordinatorLost, .inputDamaged, .notReproduced, .outputClosed, nil: false
        }
    }

    /// Codes of workers that would end in the same way again: wrong usage, refused, what they compute with is damaged.
    private static func isLasting(_ code: Int32) -> Bool {
        switch ExitCode(rawValue: code) {
        case .usage, .refused, .inputDamaged: true
        default: false
        }
    }

    /// What a launch exits with for a worker's lasting code: damage has no code of its own there.
    private static func code(_ code: Int32) -> Int32 {
        code == ExitCode.inputDamaged.rawValue ? ExitCode.failure.rawValue : code
    }

    /// Ends the run when no worker is left and none will be started again: nobody else could go on with it.
    private mutating func endWithoutWorkers(
        _ code: Int32, what: String, at now: ContinuousClock.Instant
    ) -> [Effect] {
        guard !isStopping, alive.union(waiting).isSubset(of: [.coordinator]) else { return [] }
        verdict = (Self.code(code), "no worker can go on: \(what)")
        return end(at: now)
    }

    private mutating func restart(
        _ member: Member, _ termination: Termination, what: String,
        at now: ContinuousClock.Instant
    ) -> [Effect] {
        if isStopping {
            // The same signal has reached it before it could handle any: it had nothing to save yet.
            if case .killed(let signal) = termination, member == .coordinator, !hasStepped,
                [SIGINT, SIGTERM, SIGHUP].contains(signal)
            {
                return conclude(ExitCode.interrupted.rawValue, at: now)
            }
            guard member == .coordinator else { return [.report(what)] }
            // The workers still hold the steps, and only a coordinator can save them.
            let isWanted = hasStepped || life.isGivenUp(member)
            if case .killed = termination, isWanted, rescues < Self.mostRescues {
                rescues += 1
                return [
                    .report("\(what); starting it again, to save what the workers hold"),
                    .start(.coordinator, at: now),
                ]
            }
            return [.report(what)] + conclude(verdict?.code ?? ExitCode.failure.rawValue, at: now)
        }
        // A process that was found frozen did not end by itself.
        if !hasStepped, now - launched < policy.trialTime, !life.isGivenUp(member) {
            // A code of its own says more than that the coordinator is lost.
            let code: Int32
            if case .exited(let own) = termination, own != ExitCode.success.rawValue {
                code = Self.code(own)
            } else {
                code = Self.failureCode(what: member)
            }
            return [.report("\(what); it failed before the first step, so it is not tried again")]
                + conclude(code, at: now)
        }
        var times = restarts[member, default: []].filter { now - $0 < .seconds(3600) }
        guard times.count < policy.restartsPerHour else {
            let text = "\(what); \(times.count) restarts within an hour are the limit"
            if member == .coordinator || !hasStepped {
                return [.report(text)] + conclude(Self.failureCode(what: member), at: now)
            }
            return [.report("\(text); not started again")]
                + endWithoutWorkers(ExitCode.failure.rawValue, what: text, at: now)
        }
        let recent = times.filter { now - $0 < .seconds(60) }.count
        let delay = min(policy.longestDelay, policy.firstDelay * (1 << min(recent, 16)))
        times.append(now)
        restarts[member] = times
        waiting.insert(member)
        return [.report("\(what); starting it again"), .start(member, at: now + delay)]
    }

    /// A coordinator that cannot be brought back is lost; a worker that cannot is a failure.
    private static func failureCode(what member: Member) -> Int32 {
        (member == .coordinator ? ExitCode.coordinatorLost : .failure).rawValue
    }

    /// The run has ended: processes that are left get time to leave, then a signal, then a harder one.
    private mutating func conclude(_ code: Int32, at now: ContinuousClock.Instant) -> [Effect] {
        outcome = code
        waiting = []
        let rest = sorted(alive)
        guard !rest.isEmpty else { return [.finish(code: code)] }
        let frozen = giveUpFrozen()
        // A coordinator that ends the run tells the workers; otherwise nobody does.
        let isOrderly =
            switch ExitCode(rawValue: code) {
            case .success, .tooFewWorkers, .diverged, .interrupted: true
            default: false
            }
        farewell = isOrderly ? .awaited : .told
        // Once somebody waits for the end and it has failed, nothing can be saved any more either.
        let leaveTime = isStopping ? policy.failureTimeout / 2 : policy.leaveTime
        deadline = now + (isOrderly ? policy.noticeTime : leaveTime)
        return frozen + (isOrderly ? [] : rest.map { .stop($0) })
    }

    private func finishIfAlone() -> [Effect] {
        guard let outcome, alive.isEmpty else { return [] }
        return [.finish(code: outcome)]
    }

    private func sorted(_ members: Set<Member>) -> [Member] {
        members.sorted { $0.description < $1.description }
    }
}
