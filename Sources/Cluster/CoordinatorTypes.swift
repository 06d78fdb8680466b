import Checkpoints
import Runs
import Runtime
import Transport

/// What the coordinator's state machine is told once.
public struct CoordinatorSettings: Sendable, Equatable {
    /// Workers that are awaited before the first step.
    public var workers = 1
    /// With fewer members than this the run pauses.
    public var minimumWorkers = 1
    /// Logical shards of a step, which bound the number of members.
    public var logicalShards = 1
    /// Length of the schedule.
    public var finalStep: UInt64 = 1
    /// Where this start of the run stops; `nil` for the end of the schedule.
    public var stopStep: UInt64?
    /// Steps from one checkpoint to the next.
    public var checkpointEvery: UInt64 = 500
    /// Steps from one comparison of state digests to the next; 0 compares none.
    public var digestEvery: UInt64 = 50
    /// A process that is silent for this long is dead; every other interval follows from it.
    public var failureTimeout: Duration = .seconds(2)
    /// How long joiners are collected, so that ten of them cost one pause.
    public var joinWindow: Duration = .seconds(1)
    /// How long a start or a pause waits for workers.
    public var waitForWorkers: Duration = .seconds(300)
    /// What a person types to go on with the run.
    public var resumeCommand = "purkinje resume"

    /// Defaults, to be changed field by field.
    public init() {}

    /// How often everybody shows that it lives.
    public var heartbeatInterval: Duration { patience.heartbeat }
    /// The intervals that follow from the failure timeout.
    public var patience: Patience { Patience(failureTimeout) }
    /// The last step of this start.
    public var lastStep: UInt64 { min(stopStep ?? finalStep, finalStep) }
}

/// What is known of the run when a coordinator starts.
public struct RecoveredRun: Sendable, Equatable {
    /// This coordinator's term.
    public var term: UInt32 = 1
    /// Highest generation of the journal.
    public var generation: UInt32 = 0
    /// Number of committed steps.
    public var committed: UInt64 = 0
    /// Members of the last generation, with their numbers.
    public var members: [WorkerID: UInt32] = [:]
    /// Checksums of steps that were committed before, by step.
    public var checksums: [UInt64: UInt32] = [:]
    /// Whole checkpoints, oldest first.
    public var checkpoints: [CheckpointName] = []
    /// Checkpoints that were found damaged.
    public var passedOver: Set<CheckpointName> = []
    /// Steps whose metrics are written.
    public var metricsStep: UInt64 = 0
    /// Whether the run ever went back to a checkpoint.
    public var hasRewound = false

    /// A run that begins.
    public init() {}
}

/// What the coordinator's state machine reacts to.
public enum CoordinatorEvent: Sendable {
    /// A worker that may take part said HELLO.
    case joined(LinkID, Hello, NetworkAddress)
    /// A known worker sent something.
    case message(LinkID, WorkerMessage)
    /// A control connection ended.
    case closed(LinkID, reason: String)
    /// Time has passed.
    case tick
    /// Somebody wants the run to stop after the step; with a reason, because the run cannot go on.
    case stopRequested(because: String? = nil)
    /// A checkpoint was committed to the disk, or could not be and why.
    case checkpointSealed(CheckpointName, CheckpointFailure?)
}

/// Why a checkpoint could not be written.
public struct CheckpointFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// What, where and why.
    public var description: String

    /// A failure with its text.
    public init(_ description: String) { self.description = description }
}

/// What the coordinator's state machine wants done, in this order.
public enum CoordinatorEffect: Sendable, Equatable {
    /// Send a message.
    case send(LinkID, CoordinatorMessage)
    /// Close a connection once everything is sent.
    case close(LinkID)
    /// Append to the journal before anything that follows is sent.
    case journal(JournalRecord)
    /// Make the folder that the members' parts go to.
    case openCheckpoint(CheckpointName)
    /// All parts are there: write the manifest, put the checkpoint in place, and remove old ones; those that were passed
    /// over do not count among the ones that stay.
    case sealCheckpoint(CheckpointName, receipts: [JSONValue], passedOver: Set<CheckpointName>)
    /// The parts of this checkpoint will never be whole.
    case abandonCheckpoint(CheckpointName)
    /// A step was committed and applied: write its metrics.
    case metrics(StepReport, CommittedStep?)
    /// The work after the last step has a report of its own.
    case closingReport(JSONValue)
    /// The run goes back: metrics of later steps are void.
    case rewind(toStep: UInt64)
    /// Something that the run's log of events and the user should know.
    case event(RunEvent)
    /// The coordinator's work is over.
    case end(Outcome)
}

/// How a step was made.
public struct CommittedStep: Sendable, Equatable {
    /// Finished steps after it.
    public var step: UInt64
    /// Members that made it.
    public var worldSize: Int
    /// Whether it was computed again with the true exponents.
    public var recomputed: Bool
    /// The longest of every part over all members; compute of the slowest, for instance.
    public var timings: StepTimings
    /// Seconds from the commit before to this one.
    public var seconds: Double
}

extension RunBook.Making {
    /// What the run's book says of a committed step.
    init(_ step: CommittedStep) {
        self.init(
            seconds: step.seconds, worldSize: step.worldSize, recomputed: step.recomputed,
            compute: step.timings.compute, wait: step.timings.wait,
            exchange: step.timings.exchange)
    }
}

/// Something that happened to the run.
public struct RunEvent: Sendable, Equatable {
    /// The kinds of events, as `events.jsonl` names them.
    public enum Kind: String, Sendable {
        case started, joined, left, lost, generation, paused, rewind, resumed, checkpoint, warning
        case ended, notice

        /// As `events.jsonl` sorts it; `nil` for what is for the console alone.
        var logged: EventLog.Kind? {
            switch self {
            case .started: .start
            case .joined: .join
            case .left: .leave
            case .lost, .paused, .warning: .fault
            case .generation: .recovery
            case .rewind, .resumed: .resume
            case .checkpoint: .checkpoint
            case .ended: .end
            case .notice: nil
            }
        }
    }

    /// What kind it is.
    public var kind: Kind
    /// One readable sentence or paragraph.
    public var message: String
    /// What programs want to know of it.
    public var details: [String: JSONValue]
}

/// How the run ended.
public struct Outcome: Sendable, Equatable {
    /// The coordinator's exit code.
    public var exitCode: Int32
    /// What the user reads.
    public var message: String

    /// An end.
    public init(exitCode: Int32, message: String) {
        self.exitCode = exitCode
        self.message = message
    }
}

/// What the journal remembers.
public enum JournalRecord: Sendable, Equatable {
    /// A coordinator took the run over.
    case start(term: UInt32, configurationDigest: String)
    /// A generation is about to be announced.
    case generation(UInt32, committed: UInt64, members: [WorkerID], numbers: [UInt32])
    /// A step is committed; the checksum is unknown where the journal had lost it.
    case commit(step: UInt64, checksum: UInt32?)
    /// A checkpoint is whole.
    case checkpoint(CheckpointName)
    /// The run goes back to an earlier state.
    case rewind(toStep: UInt64)
    /// The run ended.
    case end(exitCode: Int32)
}
