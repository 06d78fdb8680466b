import Checkpoints
import Runtime

/// One thing for the worker's main thread to do.
public enum WorkerJob: Sendable, Equatable {
    /// Take the state from somewhere else.
    case replaceState(generation: UInt32, StateSource)
    /// Update the state with the whole sums of this step.
    case apply(step: UInt64)
    /// Copy this part of the state aside and write it in the background.
    case stageCheckpointShard(CheckpointName, index: Int, count: Int)
    /// Make the sums of a step whole.
    case round(RoundJob)
    /// Compute what comes after the last step.
    case close(generation: UInt32, step: UInt64)
}

/// The part of a step that ends with whole sums.
public struct RoundJob: Sendable, Equatable {
    /// The ring to use.
    public var generation: UInt32
    /// The step.
    public var step: UInt64
    /// 0, or 1 with the true exponents.
    public var round: UInt8
    /// Empty in round 0.
    public var exponents: [UInt8]
    /// Whether the local sums begin empty.
    public var begins: Bool
    /// All shards that this worker has in this step.
    public var shards: [Int]
    /// Those that are still to be added.
    public var missing: [Int]
    /// Whether the digest of the state is wanted.
    public var wantsDigest: Bool
}

/// How a job ended.
public enum WorkerResult: Sendable, Equatable {
    /// The state is whole and its step as named; the report of that step came with it.
    case stateReplaced(generation: UInt32, step: UInt64, report: StepReport?)
    /// The state could not be had.
    case stateFailed(generation: UInt32, message: String)
    /// The step was applied.
    case applied(StepReport)
    /// The shard is staged, or could not be.
    case checkpointShardStaged
    /// The sums are whole.
    case whole(RoundJob, checksum: UInt32, stateDigest: Digest?, recomputed: Bool, StepTimings)
    /// The step has to be computed again with these exponents.
    case recompute(RoundJob, exponents: [UInt8])
    /// The step diverged.
    case diverged(RoundJob, message: String)
    /// The ring broke; `isAdded` says whether the shards that the job was to add are in the sums, for it may have
    /// broken before they were.
    case broken(generation: UInt32, peer: UInt32?, reason: String, isAdded: Bool)
    /// What comes after the last step is done.
    case closed(generation: UInt32, report: JSONValue)
    /// The replica failed; the process cannot go on. Where the cause stays, another process could not either.
    case failed(message: String, stays: Bool)
}

/// What the worker's state machine wants done at once, beside jobs.
public enum WorkerEffect: Sendable, Equatable {
    /// Send to the coordinator, if it is there.
    case send(WorkerMessage)
    /// Make every exchange of a generation below this one fail.
    case abandon(below: UInt32)
    /// Make the ring.
    case form(generation: UInt32, ring: [ExchangeMember])
    /// Connect anew, after a while.
    case reconnect(reason: String)
    /// The worker's life is over.
    case exit(code: Int32, message: String)
}
