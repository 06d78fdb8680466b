import NeuralNetworks

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

    /// A part of a batch.
    public init(seed: UInt64, step: UInt64, firstPosition: Int, windows: [Int], role: Role) {
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

    /// Floating-point operations of the matrix products for one sample, forward and backward.
    var operationsPerSample: Double { get }

    /// Buffers for one thread.
    func makeWorkspace() -> any ShardWorkspace
}

/// A thread's buffers for a method, and the method's computation on them.
public protocol ShardWorkspace: AnyObject {
    /// Reads a shard's windows and computes what is minimised.
    ///
    /// - Parameters:
    ///   - shard: Which samples.
    ///   - source: Where they come from.
    ///   - scalars: Receives the method's numbers, in the order of `scalarNames`.
    ///   - tape: Emptied by the caller.
    /// - Returns: A 1 x 1 value, the mean loss of the shard.
    /// - Throws: When a window cannot be read.
    func forward(
        _ shard: Shard, from source: any WindowSource,
        scalars: UnsafeMutableBufferPointer<Double>, on tape: Tape
    ) throws -> Value
}
