import Checkpoints
import Runtime

/// What a worker tells the coordinator.
public enum WorkerMessage: Sendable, Equatable {
    /// Who I am and what I hold; the first message on every connection.
    case hello(Hello)
    /// What I hold, in answer to `regroup` and after my state was replaced.
    case report(generation: UInt32, HeldState)
    /// My reduced sums of the step are whole.
    case ready(Ready)
    /// I applied a committed step; sent by the first of the ring.
    case applied(StepReport)
    /// The step's loss or gradients are not finite and the run's policy is to stop.
    case diverged(generation: UInt32, step: UInt64, message: String)
    /// The computation after the last step is done.
    case closed(generation: UInt32, report: JSONValue)
    /// I live.
    case heartbeat(Heartbeat)
    /// An edge of the ring failed.
    case suspect(generation: UInt32, peer: UInt32?, reason: String)
    /// I was asked to end: let me go at the next step boundary.
    case leave
    /// I cannot go on; the process ends after this.
    case failed(message: String)
    /// My part of a checkpoint is on the disk.
    case checkpointShardDone(CheckpointName, index: Int, receipt: JSONValue)
    /// My part of a checkpoint could not be written.
    case checkpointShardFailed(CheckpointName, index: Int, message: String)
    /// The state that I was told to take could not be had.
    case stateFailed(generation: UInt32, message: String)
    /// Somebody who only wants to look asks for the run's status.
    case statusRequest
}

/// The first message on a control connection.
public struct Hello: Sendable, Equatable {
    /// Stays the same over reconnections of one process.
    public var id: WorkerID
    /// The number that an earlier coordinator gave; 0 when none did.
    public var number: UInt32
    /// The version of the software.
    public var softwareVersion: String
    /// The run that the worker was started for, 32 hexadecimal digits.
    public var runID: String
    /// Digest of the configuration keys that decide bits.
    public var configurationDigest: String
    /// The resolved configuration as JSON text, to name differences.
    public var configuration: String
    /// Digest of the prepared data set.
    public var datasetDigest: String
    /// The matrix library and its version.
    public var matrixLibrary: String
    /// The matrix kernel in use, which decides bits.
    public var kernel: String
    /// Name of the machine.
    public var hostName: String
    /// The process.
    public var processID: Int32
    /// Threads that compute.
    public var threads: UInt32
    /// Port of the data listener; its host is the one that the control connection comes from, unless told.
    public var dataPort: UInt16
    /// The address to advertise in place of the control connection's; empty for none.
    public var advertisedHost: String
    /// Highest term that the worker has seen.
    public var term: UInt32
    /// Last generation that the worker was in.
    public var generation: UInt32
    /// What it holds.
    public var held: HeldState
}

/// What a worker holds of the run.
public struct HeldState: Sendable, Equatable {
    /// Finished steps of its state; `nil` when it has no whole state.
    public var applied: UInt64?
    /// Whole sums of the step after `applied`, not applied yet.
    public var reduced: ReducedSums?
    /// Its own part of the sums of the step after `applied`.
    public var sums: LocalSums?
    /// Report of the step that was applied last.
    public var lastReport: StepReport?

    /// What is held.
    public init(
        applied: UInt64?, reduced: ReducedSums? = nil, sums: LocalSums? = nil,
        lastReport: StepReport? = nil
    ) {
        self.applied = applied
        self.reduced = reduced
        self.sums = sums
        self.lastReport = lastReport
    }
}

/// Sums over all shards of a step, whole on this worker.
public struct ReducedSums: Sendable, Equatable {
    /// The step from this state number to the next.
    public var step: UInt64
    /// CRC-32 of the sums and of what the update uses beside them.
    public var checksum: UInt32

    /// Whole sums.
    public init(step: UInt64, checksum: UInt32) {
        self.step = step
        self.checksum = checksum
    }
}

/// A worker's own part of a step's sums.
public struct LocalSums: Sendable, Equatable {
    /// The step from this state number to the next.
    public var step: UInt64
    /// 0, or 1 when the step is computed again with the true exponents.
    public var round: UInt8
    /// The true exponents; empty in round 0.
    public var exponents: [UInt8]
    /// Shards that are in the sums or being added, ascending.
    public var shards: [Int]

    /// A part of the sums.
    public init(step: UInt64, round: UInt8, exponents: [UInt8] = [], shards: [Int]) {
        self.step = step
        self.round = round
        self.exponents = exponents
        self.shards = shards
    }
}

/// A worker's vote for the commit of a step.
public struct Ready: Sendable, Equatable {
    /// The generation in which the sums were made.
    public var generation: UInt32
    /// The step.
    public var step: UInt64
    /// CRC-32 of the reduced sums.
    public var checksum: UInt32
    /// Digest of the state before the step, where the plan asked for it.
    public var stateDigest: Digest?
    /// Whether the step was computed again with the true exponents.
    public var recomputed: Bool
    /// How long the parts of the step took.
    public var timings: StepTimings
}

/// Where a worker's time in a step went.
public struct StepTimings: Sendable, Equatable {
    /// Seconds of computing.
    public var compute = 0.0
    /// Seconds of waiting for others.
    public var wait = 0.0
    /// Seconds of exchanging sums that computing did not hide.
    public var exchange = 0.0
    /// Bytes written to the ring.
    public var wireBytes: UInt64 = 0

    /// No time at all.
    public init() {}
}

/// What an applied step says of itself.
public struct StepReport: Sendable, Equatable {
    /// Finished steps after it.
    public var step: UInt64
    /// Loss, learning rate and whatever else the method reports.
    public var report: JSONValue
    /// Seconds of the update.
    public var updateSeconds: Double

    /// A report.
    public init(step: UInt64, report: JSONValue, updateSeconds: Double) {
        self.step = step
        self.report = report
        self.updateSeconds = updateSeconds
    }
}

/// A sign of life.
public struct Heartbeat: Sendable, Equatable {
    /// Generation of the sender.
    public var generation: UInt32
    /// Finished steps of its state.
    public var step: UInt64
    /// What it does.
    public var activity: String
    /// Resident memory.
    public var residentBytes: UInt64
}
