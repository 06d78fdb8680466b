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
        /// Ask the process to end, as SIGTERM does.
        case stop(Member)
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
        public var noticeTime: Duration = .seconds(1)
        /// How long it may then take to leave.
        public var leaveTime: Duration = .seconds(20)

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
    private var deadline: ContinuousClock.Instant?
    /// How often those that are left were asked to end.
    private var requests = 0

    /// Watches over a launch.
    ///
    /// - Parameters:
    ///   - members: The processes, all started.
    ///   - policy: How often to try.
    ///   - now: The time of the launch.
    public init(members: [Member], policy: Policy = Policy(), now: ContinuousClock.Instant) {
        alive = Set(members)
        self.policy = policy
        launched = now
    }

    /// A process was started as `start` asked.
    @discardableResult
    public mutating func started(_ member: Member) -> [Effect] {
        waiting.remove(member)
        alive.insert(member)
        // It was started for this alone: to collect what the workers hold, and to save it.
        return isStopping && member == .coordinator ? [.stop(member)] : []
    }

    /// The run has made a step since the launch.
    public mutating func stepped() { hasStepped = true }

    /// The user wants the run to end: the coordinator is told, and tells the workers.
    public mutating func stopRequested(at now: ContinuousClock.Instant) -> [Effect] {
        guard !isStopping, outcome == nil else { return [] }
        isStopping = true
        if alive.contains(.coordinator) { return [.stop(.coordinator)] }
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
        case (.coordinator, .exited(let code)) where Self.finalCodes.contains(code):
            return conclude(code, at: now)
        case (.worker, .exited(0)):
            // It was asked to leave; the run goes on without it, or has just ended.
            return alive.isEmpty && waiting.isEmpty ? conclude(0, at: now) : []
        case (_, .exited(2)), (_, .exited(3)):
            guard case .exited(let code) = termination else { return [] }
            if member != .coordinator && hasStepped {
                return [.report("\(what); not started again")]
            }
            return [.report(what)] + conclude(code, at: now)
        default:
            return restart(member, termination, what: what, at: now)
        }
    }

    /// Time has passed.
    public mutating func tick(at now: ContinuousClock.Instant) -> [Effect] {
        guard let deadline, now >= deadline else { return [] }
        let rest = sorted(alive)
        guard requests < 2 else {
            self.deadline = nil
            return rest.map { .kill($0) }
        }
        requests += 1
        self.deadline = now + (requests == 1 ? policy.leaveTime : .seconds(5))
        return rest.map { .stop($0) }
    }

    /// Killed more often than this, it is not wanted to save.
    private static let mostRescues = 3

    /// Codes with which a coordinator says that the run has ended.
    private static let finalCodes: Set<Int32> = [0, 2, 3, 5, 6, 130]

    private mutating func restart(
        _ member: Member, _ termination: Termination, what: String,
        at now: ContinuousClock.Instant
    ) -> [Effect] {
        if isStopping {
            // The same signal has reached it before it could handle any: it had nothing to save yet.
            if case .killed(let signal) = termination, member == .coordinator, !hasStepped,
                [SIGINT, SIGTERM, SIGHUP].contains(signal)
            {
                return conclude(130, at: now)
            }
            guard member == .coordinator else { return [.report(what)] }
            // The workers still hold the steps, and only a coordinator can save them.
            if case .killed = termination, hasStepped, rescues < Self.mostRescues {
                rescues += 1
                return [
                    .report("\(what); starting it again, to save what the workers hold"),
                    .start(.coordinator, at: now),
                ]
            }
            return [.report(what)] + conclude(1, at: now)
        }
        if !hasStepped && now - launched < policy.trialTime {
            // A code of its own says more than that the coordinator is lost.
            let code: Int32
            if case .exited(let own) = termination, own != 0 {
                code = own
            } else {
                code = Self.failureCode(what: member)
            }
            return [.report("\(what); it failed before the first step, so it is not tried again")]
                + conclude(code, at: now)
        }
        var times = restarts[member, default: []].filter { now - $0 < .seconds(3600) }
        guard times.count < policy.restartsPerHour else {
            let text = "\(what); \(times.count) restarts within an hour are the limit"
            return [.report(text)] + conclude(Self.failureCode(what: member), at: now)
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
        member == .coordinator ? 4 : 1
    }

    /// The run has ended: processes that are left get time to leave, then a signal, then a harder one.
    private mutating func conclude(_ code: Int32, at now: ContinuousClock.Instant) -> [Effect] {
        outcome = code
        waiting = []
        let rest = sorted(alive)
        guard !rest.isEmpty else { return [.finish(code: code)] }
        // A coordinator that ends the run tells the workers; otherwise nobody does.
        let isOrderly = [0, 5, 6, 130].contains(code)
        deadline = now + (isOrderly ? policy.noticeTime : .seconds(5))
        requests = isOrderly ? 0 : 2
        return isOrderly ? [] : rest.map { .stop($0) }
    }

    private func finishIfAlone() -> [Effect] {
        guard let outcome, alive.isEmpty else { return [] }
        return [.finish(code: outcome)]
    }

    private func sorted(_ members: Set<Member>) -> [Member] {
        members.sorted { $0.description < $1.description }
    }
}
