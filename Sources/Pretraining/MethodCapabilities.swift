import Electrocardiography
import Kernels
import NeuralNetworks
import Runtime
import Tensors

/// A method whose loss looks at the whole batch.
public protocol GathersEmbeddings: PretrainingMethod {
    /// What every shard needs of all others before its loss; `nil` where its settings make shards independent.
    ///
    /// Where there is something, the method's workspaces are `GatheringWorkspace`s.
    var gathering: Gathering? { get }
}

/// A workspace of a method that gathers embeddings.
public protocol GatheringWorkspace: ShardWorkspace {
    /// Computes what a shard gives to the whole batch: the same embeddings that `forward` will compute again, to the bit.
    ///
    /// - Parameters:
    ///   - shard: Which samples.
    ///   - source: Where they come from.
    ///   - tape: Emptied by the caller; for the whole batch's sake it records nothing.
    /// - Returns: `samples * gathering.numbersPerSample` numbers.
    /// - Throws: When a window cannot be read.
    func embeddings(of shard: Shard, from source: any WindowSource, on tape: Tape) throws -> Value
}

/// A method that chooses its windows, and perhaps which of them form a batch.
public protocol ChoosesWindows: PretrainingMethod {
    /// The windows that the method can use, such as those with a label.
    ///
    /// - Parameters:
    ///   - windows: Those that may be used.
    ///   - source: What is known of them.
    ///   - role: Whether they are to be trained on or measured.
    ///   - seed: The run's seed.
    /// - Returns: Some of them, in the same order.
    /// - Throws: Where none is left to train on.
    func usable(
        _ windows: [Int], of source: any WindowSource, for role: Shard.Role, seed: UInt64
    ) throws -> [Int]

    /// Which windows form a batch.
    var batches: BatchComposition { get }
}

extension ChoosesWindows {
    /// All of them.
    public func usable(
        _ windows: [Int], of source: any WindowSource, for role: Shard.Role, seed: UInt64
    ) throws -> [Int] { windows }
    /// Epochs of all windows.
    public var batches: BatchComposition { .shuffled }
}

/// A method whose parameters of step 0 depend on the data, such as on statistics of the training windows.
public protocol CompletesParameters: PretrainingMethod {
    /// Completes the parameters of step 0.
    ///
    /// Called whenever a state of step 0 is held, drawn or loaded; what is complete already stays as it is, since it belongs
    /// to the weights. Every replica calls it with the same windows.
    ///
    /// - Parameters:
    ///   - parameters: Of step 0.
    ///   - source: Where windows come from.
    ///   - windows: The training windows.
    /// - Throws: When a window cannot be read.
    func complete(_ parameters: Parameters, from source: any WindowSource, windows: [Int]) throws
}

/// A method that begins with an encoder which somebody has trained: it is frozen, or refined.
public protocol RefinesEncoder: PretrainingMethod {}

/// A method whose encoder other methods' weights can be made to fit.
public protocol AdaptsWeights: PretrainingMethod {
    /// Makes an encoder's weights, perhaps another method's, fit this one.
    ///
    /// - Parameters:
    ///   - given: Of an encoder, names without a prefix.
    ///   - parameters: Of step 0, for what is not given.
    /// - Returns: Weights of all parameters of this encoder, where they can be made to fit; `given` otherwise.
    func encoderWeights(from given: [NamedTensor], parameters: Parameters) -> [NamedTensor]
}

/// A method that keeps state beside its weights: a teacher, a codebook, running statistics.
public protocol KeepsState: PretrainingMethod {
    /// Numbers that a training shard reports for `update` beside its metrics.
    var auxiliaryPerShard: Int { get }

    /// Moves frozen parameters after the optimiser has moved the trained ones.
    ///
    /// Every replica calls it with the same numbers, so it must give the same bits everywhere.
    ///
    /// - Returns: Entries of the step's line of metrics.
    func update(_ context: UpdateContext) -> [String: JSONValue]
}

extension KeepsState {
    /// None.
    public var auxiliaryPerShard: Int { 0 }
}

/// A method that says more of the validation set than the means of its metrics.
public protocol ReportsValidation: PretrainingMethod {
    /// Numbers that a validation batch reports for `validationReport` beside its metrics.
    var auxiliaryPerValidationBatch: Int { get }

    /// Entries of the validation line, beside the means of the metrics.
    ///
    /// - Parameters:
    ///   - auxiliary: What all batches reported, in their order.
    ///   - parameters: As they were measured.
    /// - Returns: By name, without the `validation_` that is put before it.
    func validationReport(
        auxiliary: [[Double]], parameters: Parameters
    ) -> [String: JSONValue]
}

/// A method that knows the superclasses.
public protocol Classifies: PretrainingMethod {
    /// The trained method as something that turns windows into probabilities of the superclasses; its read-out is `method`.
    var classifier: SignalEmbedding { get }
}

/// A method whose encoder takes clinical parameters beside the signal, and can do without.
public protocol EmbedsSignalAlone: PretrainingMethod {
    /// The encoder without them.
    var signalEmbedding: SignalEmbedding { get }
}

/// A method that rebuilds what it did not see of a window.
public protocol Reconstructs: PretrainingMethod {
    /// Hides parts of a window's middle and rebuilds them.
    ///
    /// - Parameters:
    ///   - window: The window.
    ///   - source: Where it comes from.
    ///   - parameters: Trained ones.
    ///   - seed: Decides which parts are hidden.
    /// - Returns: Signal and reconstruction.
    /// - Throws: When the window cannot be read.
    func reconstruct(
        window: Int, from source: any WindowSource, parameters: Parameters, seed: UInt64
    ) throws -> SignalReconstruction
}

extension PretrainingMethod {
    /// What every shard needs of all others before its loss; `nil` where shards are independent.
    public var gatheredEmbeddings: Gathering? { (self as? any GathersEmbeddings)?.gathering }

    /// Numbers beside its metrics that a training shard and a validation batch report.
    public var auxiliaryCounts: (training: Int, validation: Int) {
        (
            (self as? any KeepsState)?.auxiliaryPerShard ?? 0,
            (self as? any ReportsValidation)?.auxiliaryPerValidationBatch ?? 0
        )
    }
}

/// The size of what a sample gives to the whole batch.
public struct Gathering: Sendable, Equatable {
    /// Rows of a sample, such as one for each of its views.
    public let rowsPerSample: Int
    /// Numbers in a row.
    public let columns: Int

    /// A size.
    public init(rowsPerSample: Int, columns: Int) {
        self.rowsPerSample = rowsPerSample
        self.columns = columns
    }

    /// Numbers of a sample.
    public var numbersPerSample: Int { rowsPerSample * columns }
}

/// Which windows form a batch.
public enum BatchComposition: Sendable, Equatable {
    /// Epochs: each is a permutation of all training windows.
    case shuffled
    /// Windows of all classes in turn, drawn from the seed and the step alone; there are no epochs.
    case balanced(ClassRule)
}

/// How a window's set of superclasses becomes one class.
public enum ClassRule: Sendable, Equatable {
    /// Windows with exactly one superclass; others take no part.
    case single
    /// Every set of superclasses is a class; windows without any take no part.
    case equalSets
}

/// What a method may use when it moves its own state after a step.
public struct UpdateContext {
    /// All parameters; the trained ones have moved already.
    public let parameters: Parameters
    /// The run's seed.
    public let seed: UInt64
    /// Number of the step that was just done, counted from 0.
    public let step: UInt64
    /// Length of the run.
    public let totalSteps: Int
    /// Shards of a batch.
    public let logicalShards: Int
    /// What each shard reported for this, in the order of shards.
    public let auxiliary: [[Double]]
    /// The mean over shards of what was added to a statistic; valid until asked for the same one again.
    public let statistic: (_ index: Int) -> Numbers<Float>
    /// Runs tasks with numbers from 0 on all compute threads and waits for them.
    public let parallel: (_ count: Int, _ task: @escaping @Sendable (Int) -> Void) -> Void

    /// What a method may use.
    public init(
        parameters: Parameters, seed: UInt64, step: UInt64, totalSteps: Int, logicalShards: Int,
        auxiliary: [[Double]], statistic: @escaping (_ index: Int) -> Numbers<Float>,
        parallel: @escaping (_ count: Int, _ task: @escaping @Sendable (Int) -> Void) -> Void
    ) {
        self.parameters = parameters
        self.seed = seed
        self.step = step
        self.totalSteps = totalSteps
        self.logicalShards = logicalShards
        self.auxiliary = auxiliary
        self.statistic = statistic
        self.parallel = parallel
    }
}
