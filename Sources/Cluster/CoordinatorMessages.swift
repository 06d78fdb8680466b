import Checkpoints
import Runtime
import Transport

/// What the coordinator tells a worker.
public enum CoordinatorMessage: Sendable, Equatable {
    /// You are known now; wait for a `regroup`.
    case welcome(Welcome)
    /// You cannot take part in this run.
    case refused(message: String)
    /// A new generation begins: stop all exchange of older ones and report what you hold.
    case regroup(generation: UInt32)
    /// Everybody of the generation has reported: make the ring.
    case form(generation: UInt32, ring: [ExchangeMember])
    /// What is committed and what to do next.
    case plan(Plan)
    /// Your state is not the committed one: take it from here, then report again.
    case replaceState(generation: UInt32, StateSource)
    /// Stage your part of the state as soon as you have this step, and write it in the background.
    case beginCheckpointShard(CheckpointName, index: Int, count: Int)
    /// I live.
    case heartbeat
    /// You are no member any more; come back with another HELLO, without your state if it is to be discarded.
    case evicted(reason: String, discardState: Bool)
    /// You asked to leave and may go.
    case released
    /// The run is over.
    case ended(exitCode: Int32, message: String)
    /// The run's status for somebody who only looks.
    case status(JSONValue)
}

/// The answer to a HELLO.
public struct Welcome: Sendable, Equatable {
    /// Grows with every start of the coordinator; workers refuse a lower one than they have seen.
    public var term: UInt32
    /// The worker's number for messages and logs, from 1.
    public var number: UInt32
    /// After this long a silent process counts as dead; heartbeats come at an eighth of it.
    public var failureTimeout: Duration
    /// Why the worker has to wait; empty when it will be in the next generation.
    public var notice: String
}

/// A member of the ring.
public struct ExchangeMember: Sendable, Equatable {
    /// The worker.
    public var id: WorkerID
    /// Its number for messages.
    public var number: UInt32
    /// Where it takes data connections.
    public var endpoint: NetworkAddress

    /// A member.
    public init(id: WorkerID, number: UInt32, endpoint: NetworkAddress) {
        self.id = id
        self.number = number
        self.endpoint = endpoint
    }
}

/// What is committed and what to do next: the commit of one step and the plan of the next in one message.
public struct Plan: Sendable, Equatable {
    /// What members do once they hold the committed state.
    public enum Work: Sendable, Equatable {
        /// Nothing: hold the state.
        case hold
        /// The step from the committed state to the next.
        case step(StepWork)
        /// The computation after the last step.
        case close
    }

    /// The generation that it holds in.
    public var generation: UInt32
    /// Number of committed steps: whoever has applied one less applies the sums that it holds.
    public var committed: UInt64
    /// What follows.
    public var work: Work
}

/// One member's part of a step.
public struct StepWork: Sendable, Equatable {
    /// 0, or 1 when the true exponents are known already.
    public var round: UInt8
    /// The true exponents; empty in round 0.
    public var exponents: [UInt8]
    /// The shards that must be in this member's sums, ascending.
    public var shards: [Int]
    /// Whether READY has to carry the digest of the state before the step.
    public var wantsDigest: Bool
}

/// Where a worker takes the committed state from.
public enum StateSource: Sendable, Equatable {
    /// Members that hold it.
    case members([ExchangeMember], step: UInt64)
    /// A checkpoint in the run directory.
    case checkpoint(CheckpointName)
    /// The state before the first step, which the configuration determines.
    case initial
}
