import Collectives
import Runtime
import Tensors

/// What a worker drives: the trainer of one process, with its copy of the training state.
///
/// Everything is called from one thread unless said otherwise, in the order that `StepRunner` has. Nothing but `apply`
/// and `adoptState` changes the state.
public protocol Replica: AnyObject {
    /// The number of logical shards of a global batch.
    var logicalShards: Int { get }
    /// How the sums are laid out, the same on every worker of the run.
    var layout: ReductionLayout { get }
    /// Finished steps of the state that is held.
    var step: UInt64 { get }
    /// Length of the schedule: the configuration's `steps`.
    var finalStep: UInt64 { get }
    /// The whole training state, sorted by name.
    ///
    /// The storage is stable for the run's life; it is written only in `apply` and by whoever calls
    /// `adoptState` afterwards.
    var state: [NamedTensor] { get }
    /// The bytes of `state` were replaced (a join, a load): reads the step and derived values again.
    func adoptState() throws

    /// Empties the local sums for the step that follows the held state.
    ///
    /// - Parameter exponents: `nil` for round 0 with predicted exponents, else the true ones for round 1.
    func beginRound(exponents: [UInt8]?)
    /// Whether shards need each other's embeddings before they can be added: a step then begins with an exchange of these.
    var gathersEmbeddings: Bool { get }
    /// The embeddings of shards of the step that follows the held state, computed where they are not known yet.
    ///
    /// - Throws: Whatever kept a shard from being computed.
    func embeddings(of shards: [Int]) throws -> [UInt8]
    /// Takes the embeddings that all members gave; those of every shard are among them.
    func adoptEmbeddings(_ payloads: [[UInt8]]) throws
    /// Computes shards on the compute threads and adds them to the local sums; returns when all are added.
    ///
    /// - Parameters:
    ///   - shards: Shards that were not yet added in this round; may be empty.
    ///   - bucketReady: Called from any thread when a bucket of the layout holds all shards asked for; once a bucket.
    /// - Throws: Whatever kept a shard from being computed, such as a damaged record.
    func add(shards: [Int], bucketReady: @escaping @Sendable (Int) -> Void) throws
    /// The sums of the shards that were added here, as `layout` says.
    var localSums: UnsafeMutableRawBufferPointer { get }
    /// Where the sums over all members go.
    var reducedSums: UnsafeMutableRawBufferPointer { get }

    /// The small exchange of this round: block maxima, flags and scalars of all shards that were added here,
    /// and the validation scalars of those batches that a member of this rank owns.
    func summary(rank: Int, worldSize: Int) throws -> [UInt8]
    /// Looks at all members' summaries, by rank, once `reducedSums` is whole.
    func conclude(summaries: [[UInt8]]) throws -> RoundOutcome
    /// CRC-32 of the reduced sums and of all that `apply` will use beside them; equal on all members.
    func reducedChecksum() -> UInt32
    /// Updates the state with the concluded sums: `step` grows by one.
    ///
    /// - Returns: The step's report for the metrics: `loss`, `learning_rate`, `validation_loss`, ….
    func apply() throws -> JSONValue

    /// What is left to compute after the last step (a final validation); `nil` when nothing is.
    func closingSummary(rank: Int, worldSize: Int) throws -> [UInt8]?
    /// Joins all members' closing summaries, by rank.
    ///
    /// - Returns: A report like that of `apply`, without a step of its own.
    func close(summaries: [[UInt8]]) throws -> JSONValue
}

/// What the summaries of a round say about its sums.
public enum RoundOutcome: Sendable, Equatable {
    /// The sums are exact: the step may be committed.
    case whole
    /// A value did not fit the predicted exponents: all shards are to be added again with these.
    case recompute(exponents: [UInt8])
    /// The loss or a gradient is not finite and the run's policy is to stop.
    case diverged(message: String)
}
