import Electrocardiography
import NeuralNetworks
import Runtime
import Tensors

/// Where windows of signal come from.
public protocol WindowSource: Sendable {
    /// Samples in a window, each lead.
    var samplesPerWindow: Int { get }

    /// Reads one window in mV.
    ///
    /// - Parameters:
    ///   - window: Its number.
    ///   - signal: Shape `[12, samplesPerWindow]`, lead-major.
    /// - Throws: When the window cannot be read, naming file and record.
    func readMillivolts(window: Int, into signal: UnsafeMutableBufferPointer<Float>) throws

    /// What is known of a window beside its signal.
    func facts(of window: Int) -> WindowFacts

    /// The superclasses of a window's record by a rule of its own.
    func superclasses(of window: Int, rule: LabelRule) -> Superclasses

    /// Clinical features of a window; 0 where the source has none.
    var clinicalFeatureCount: Int { get }

    /// Gives the clinical features of a window, NaN where one was not measured.
    ///
    /// - Parameters:
    ///   - window: Its number.
    ///   - features: `clinicalFeatureCount` numbers.
    func clinicalFeatures(of window: Int, into features: UnsafeMutableBufferPointer<Float>)
}

extension WindowSource {
    /// None.
    public var clinicalFeatureCount: Int { 0 }
    /// There are none to give.
    public func clinicalFeatures(
        of window: Int, into features: UnsafeMutableBufferPointer<Float>
    ) {}
    /// Those of the facts: a source without codes knows no likelihoods.
    public func superclasses(of window: Int, rule: LabelRule) -> Superclasses {
        facts(of: window).superclasses
    }
}

/// What is known of a window beside its signal, as far as methods use it.
public struct WindowFacts: Sendable, Equatable {
    /// The record that it is cut from.
    public let record: String
    /// Number of the patient within the data set; windows of records without one have a number of their own record.
    public let patient: Int
    /// The record's diagnostic superclasses; empty where it has none.
    public let superclasses: Superclasses
    /// The fold that the record's source puts it in; `nil` where there are none.
    public let fold: Int?

    /// Facts by name.
    public init(record: String, patient: Int, superclasses: Superclasses, fold: Int? = nil) {
        self.record = record
        self.patient = patient
        self.superclasses = superclasses
        self.fold = fold
    }
}

/// What all shards of a step have in common where a loss looks at the whole batch: every sample's rows.
public struct GatheredBatch: Sendable {
    /// Rows of all samples, `Gathering.numbersPerSample` numbers each, in the order of the batch.
    public let rows: [Float]
    /// The windows of the whole batch.
    public let windows: [Int]
    /// Number of logical shards.
    public let logicalShards: Int

    /// The rows of a batch.
    public init(rows: [Float], windows: [Int], logicalShards: Int) {
        self.rows = rows
        self.windows = windows
        self.logicalShards = logicalShards
    }
}

/// A fixed part of a batch, computed whole by one thread.
///
/// What is drawn at random depends on the seed, the step and the samples' positions in the batch alone.
public struct Shard: Sendable {
    /// Whether the shard is trained on or only measured.
    public enum Role: Sendable {
        case training
        case validation
    }

    /// The run's seed.
    public let seed: UInt64
    /// The step that the shard belongs to; for validation a constant, so that its draws are always the same.
    public let step: UInt64
    /// Position of the first sample in the global batch.
    public let firstPosition: Int
    /// The windows, one a sample.
    public let windows: [Int]
    /// What the shard is for.
    public let role: Role
    /// The rows of the whole batch, where the method gathers them and the shard is trained on; `nil` means that the
    /// shard is all there is to look at.
    public let gathered: GatheredBatch?

    /// A part of a batch.
    public init(
        seed: UInt64, step: UInt64, firstPosition: Int, windows: [Int], role: Role,
        gathered: GatheredBatch? = nil
    ) {
        self.gathered = gathered
        self.seed = seed
        self.step = role == .validation ? (1 << 56) - 1 : step
        self.firstPosition = firstPosition
        self.windows = windows
        self.role = role
    }
}

/// A way to pretrain an encoder.
///
/// A value without state: what is trained is in its parameters.
public protocol PretrainingMethod: Sendable {
    /// The parameters by their official names.
    var parameters: ParameterList { get }

    /// Names of the numbers that a shard reports beside its gradient; the first is `loss`.
    var scalarNames: [String] { get }

    /// Numbers that a training shard reports for `update` beside its scalars.
    var notesPerShard: Int { get }

    /// Numbers that a validation unit reports for `validationReport` beside its scalars.
    var notesPerValidationUnit: Int { get }

    /// Floating-point operations of the matrix products for one sample, forward and backward.
    var operationsPerSample: Double { get }

    /// Numbers that the backward pass needs of one sample, for estimates of memory.
    var activationsPerSample: Int { get }

    /// Whether the encoder is not meant to begin with drawn weights: it is frozen, or refined.
    var needsTrainedEncoder: Bool { get }

    /// Whether windows need clinical features beside their signal.
    var needsClinicalFeatures: Bool { get }

    /// Which windows form a batch.
    var batches: BatchComposition { get }

    /// What every shard needs of all others before its loss; `nil` where shards are independent.
    var gathering: Gathering? { get }

    /// The trained method as something that turns windows into vectors; `nil` where it cannot.
    var embedding: (any SignalEmbedding)? { get }

    /// The same without the clinical parameters that stand beside the signal; `nil` where it takes none, or cannot do
    /// without.
    var signalEmbedding: (any SignalEmbedding)? { get }

    /// The trained method as something that turns windows into probabilities of the superclasses, whatever the read-out;
    /// `nil` where it knows nothing of them.
    var classifier: (any SignalEmbedding)? { get }

    /// Buffers for one thread.
    func makeWorkspace() -> any ShardWorkspace

    /// Completes the parameters of step 0 with what depends on the data, such as statistics of the training windows.
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

    /// Makes an encoder's weights, perhaps another method's, fit this one.
    ///
    /// - Parameters:
    ///   - given: Of an encoder, names without a prefix.
    ///   - parameters: Of step 0, for what is not given.
    /// - Returns: Weights of all parameters of this encoder, where they can be made to fit; `given` otherwise.
    func encoderWeights(from given: [NamedTensor], parameters: Parameters) -> [NamedTensor]

    /// Moves frozen parameters after the optimiser has moved the trained ones.
    ///
    /// Every replica calls it with the same numbers, so it must give the same bits everywhere.
    ///
    /// - Returns: Entries of the step's line of metrics.
    func update(_ context: UpdateContext) -> [String: JSONValue]

    /// Entries of the validation line, beside the means of the scalars.
    ///
    /// - Parameters:
    ///   - notes: Of all units, in their order.
    ///   - parameters: As they were measured.
    /// - Returns: By name, without the `validation_` that is put before it.
    func validationReport(notes: [[Double]], parameters: Parameters) -> [String: JSONValue]
}

extension PretrainingMethod {
    /// None that could be left out.
    public var signalEmbedding: (any SignalEmbedding)? { nil }
    /// None.
    public var notesPerShard: Int { 0 }
    /// None.
    public var notesPerValidationUnit: Int { 0 }
    /// The signal is enough.
    public var needsClinicalFeatures: Bool { false }
    /// They are complete.
    public func complete(
        _ parameters: Parameters, from source: any WindowSource, windows: [Int]
    ) {}
    /// As they are.
    public func encoderWeights(
        from given: [NamedTensor], parameters: Parameters
    ) -> [NamedTensor] { given }
    /// It begins with drawn weights.
    public var needsTrainedEncoder: Bool { false }
    /// Epochs of all windows.
    public var batches: BatchComposition { .shuffled }
    /// Nothing.
    public var gathering: Gathering? { nil }
    /// It makes no vectors.
    public var embedding: (any SignalEmbedding)? { nil }
    /// It knows nothing of superclasses.
    public var classifier: (any SignalEmbedding)? { nil }
    /// All of them.
    public func usable(
        _ windows: [Int], of source: any WindowSource, for role: Shard.Role, seed: UInt64
    ) throws -> [Int] { windows }
    /// Nothing to move.
    public func update(_ context: UpdateContext) -> [String: JSONValue] { [:] }
    /// Nothing to add.
    public func validationReport(
        notes: [[Double]], parameters: Parameters
    ) -> [String: JSONValue] { [:] }
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
    /// Each shard's notes, in the order of shards.
    public let notes: [[Double]]
    /// The mean over shards of what was added to a statistic; valid until asked for the same one again.
    public let statistic: (_ index: Int) -> UnsafeBufferPointer<Float>
    /// Runs tasks with numbers from 0 on all compute threads and waits for them.
    public let parallel: (_ count: Int, _ task: @escaping @Sendable (Int) -> Void) -> Void

    /// What a method may use.
    public init(
        parameters: Parameters, seed: UInt64, step: UInt64, totalSteps: Int, logicalShards: Int,
        notes: [[Double]], statistic: @escaping (_ index: Int) -> UnsafeBufferPointer<Float>,
        parallel: @escaping (_ count: Int, _ task: @escaping @Sendable (Int) -> Void) -> Void
    ) {
        self.parameters = parameters
        self.seed = seed
        self.step = step
        self.totalSteps = totalSteps
        self.logicalShards = logicalShards
        self.notes = notes
        self.statistic = statistic
        self.parallel = parallel
    }
}

/// A thread's buffers for a method, and the method's computation on them.
public protocol ShardWorkspace: AnyObject {
    /// Reads a shard's windows and computes what is minimised.
    ///
    /// - Parameters:
    ///   - shard: Which samples.
    ///   - source: Where they come from.
    ///   - report: Receives the method's numbers.
    ///   - tape: Emptied by the caller.
    /// - Returns: A 1 x 1 value, the mean loss of the shard. Where the loss looks at `shard.gathered`, the value is the
    ///   loss of the whole batch, and its gradient reaches the shard's own rows only, times the number of shards: the
    ///   step takes the mean over shards.
    /// - Throws: When a window cannot be read.
    func forward(
        _ shard: Shard, from source: any WindowSource, report: ShardReport, on tape: Tape
    ) throws -> Value

    /// Computes what a shard gives to the whole batch: the same rows that `forward` will compute again, to the bit.
    ///
    /// - Parameters:
    ///   - shard: Which samples.
    ///   - source: Where they come from.
    ///   - rows: Receives `samples * gathering.numbersPerSample` numbers.
    ///   - tape: Emptied by the caller; it records nothing.
    /// - Throws: When a window cannot be read.
    func gather(
        _ shard: Shard, from source: any WindowSource, into rows: UnsafeMutableBufferPointer<Float>,
        on tape: Tape
    ) throws
}

extension ShardWorkspace {
    /// For methods whose `gathering` is `nil`.
    public func gather(
        _ shard: Shard, from source: any WindowSource, into rows: UnsafeMutableBufferPointer<Float>,
        on tape: Tape
    ) throws {
        preconditionFailure("the method has rows to gather, but its workspace does not compute any")
    }
}

/// Where a shard's numbers go.
public struct ShardReport {
    /// In the order of `scalarNames`.
    public let scalars: UnsafeMutableBufferPointer<Double>
    /// As many as the method has for the shard's role, zeros at first.
    public let notes: UnsafeMutableBufferPointer<Double>

    /// Places for numbers.
    public init(
        scalars: UnsafeMutableBufferPointer<Double>, notes: UnsafeMutableBufferPointer<Double>
    ) {
        self.scalars = scalars
        self.notes = notes
    }
}
