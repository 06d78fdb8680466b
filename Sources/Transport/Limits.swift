/// How long is waited for others: every interval that follows from the one knob, `--failure-timeout`.
///
/// The factors are judgements of how much longer than a sign of life something may take, and stand here together so that
/// they can be compared.
public struct Patience: Sendable, Equatable {
    /// A process that is silent for this long is dead.
    public let failureTimeout: Duration

    /// The intervals of a failure timeout.
    public init(_ failureTimeout: Duration) { self.failureTimeout = failureTimeout }

    /// From one heartbeat to the next: several may be lost before somebody counts as dead.
    public var heartbeat: Duration { failureTimeout / 8 }
    /// From one frame on an edge of the ring to the next, if need be one that says nothing.
    public var signOfLife: Duration { failureTimeout / 4 }
    /// For a message of the coordinator to leave: a buffer that takes none of it for so long belongs to a dead process.
    public var coordinatorSend: Duration { failureTimeout / 4 }
    /// For a heartbeat to say whether a neighbour that is suspected is dead, before the ring is made anew with it.
    public var suspicion: Duration { failureTimeout / 4 }
    /// How late a timer of this process may be before it judges nobody: it was stopped itself.
    public var ownDelay: Duration { failureTimeout / 2 }
    /// For any other message to leave or arrive, and for a connection to be closed by the other end.
    public var message: Duration { failureTimeout }
    /// For members that are gone to come back, with the state or the sums that only they may hold.
    ///
    /// - Parameter isAwaited: False where somebody wants to leave, or they said that they would not return.
    /// - Returns: How long they are waited for.
    public func comingBack(isAwaited: Bool) -> Duration { failureTimeout * (isAwaited ? 3 : 1) }
    /// For a connection to another worker to be made, and for one that another worker has to make.
    public var connection: Duration { failureTimeout * 2 }
    /// For a member to finish the step that a joiner wants the state of.
    public var heldStep: Duration { failureTimeout * 4 }
    /// For the answer to a joiner's first request, which waits for that step.
    public var stateOffer: Duration { failureTimeout * 5 }
    /// For the coordinator to say anything before it counts as gone although its connection stands.
    public var silentCoordinator: Duration { failureTimeout * 5 }
    /// For a piece of the state, 4 MiB at most, to travel.
    public var statePiece: Duration { failureTimeout * 8 }
    /// For the digest of a large state to be computed by a member that is busy; and for a joiner, which digests what it
    /// got, to ask for the next piece.
    public var stateDigest: Duration { failureTimeout * 30 }
}

/// Every wait and bound that no option governs and no peer's silence decides, in one table.
///
/// They bound work at this end, such as writing to a disk, or keep it from being done too often.
public enum Limits {
    // MARK: Connecting

    /// How long one address of a host has for itself before the next one is tried beside it.
    public static let dialStagger = Duration.milliseconds(250)
    /// How long a new connection may take to send its first message.
    public static let handshake = Duration.seconds(10)
    /// Connections whose first message is awaited at a time; further ones wait in the kernel.
    public static let pendingConnections = 64
    /// Payload of a first message: who says more is no peer.
    public static let firstPayloadBytes = 64 << 10
    /// How long an acceptor rests when the system has no descriptor or memory left.
    public static let acceptorRest = Duration.milliseconds(100)
    /// How long a peer that is refused may take to hear why.
    public static let refusal = Duration.milliseconds(200)

    // MARK: A worker that looks for its coordinator

    /// The first rest between two attempts; each further one is twice as long.
    public static let firstRest = Duration.milliseconds(50)
    /// The longest rest while no coordinator answers.
    public static let longestRest = Duration.seconds(1)
    /// The longest rest of a worker that is thrown out again and again.
    public static let longestRestWhenEvicted = Duration.seconds(60)
    /// How long a worker must have been a member for its rests to be short again.
    public static let steadyMembership = Duration.seconds(30)
    /// The rest of a worker that wants to leave and looks for a coordinator that could let it go.
    public static let leaverRest = Duration.milliseconds(100)

    // MARK: The coordinator

    /// How long a step may take, ten times its usual time aside, before the coordinator says who is waited for.
    public static let longStep = Duration.seconds(30)
    /// The same for what is not a step: forming, saving, and what comes after the last step.
    public static let longWait = Duration.seconds(120)
    /// From one line about missing workers to the next.
    public static let notice = Duration.seconds(5)
    /// From one synchronisation of the journal and the metrics with the disk to the next.
    public static let synchronisation = Duration.seconds(1)
    /// Events that may wait in the coordinator's queue before whoever sends more is made to wait.
    public static let queuedEvents = 4_096
    /// The highest number that a worker can have: they are given one after the other.
    public static let workerNumbers: UInt32 = 1 << 24
    /// By how much a worker can know a higher generation than the coordinator, whose journal may have lost its end.
    public static let generationLead: UInt32 = 1 << 20
    /// How long such a sender waits at a time.
    public static let queueRest = Duration.seconds(1)

    // MARK: Checkpoints

    /// How long a worker that leaves waits for its checkpoint shard to be written.
    public static let lastCheckpointShard = Duration.seconds(30)
    /// How long the coordinator waits for the folder of a checkpoint that was given up to be gone: less than a worker's
    /// patience, since it hears nobody meanwhile.
    public static let folderRemoval = Duration.seconds(2)
    /// How long a checkpoint shard waits for the writing of one that was given up.
    public static let formerCheckpointShard = Duration.seconds(60)
}
