import Configurations
import Kernels
import NeuralNetworks
import Tensors

/// A way to pretrain an encoder.
///
/// A value without state: what is trained is in its parameters. What only some methods do is in the protocols of
/// `MethodCapabilities.swift`.
public protocol PretrainingMethod: Sendable {
    /// The parameters by their official names.
    var parameters: ParameterList { get }

    /// The numbers that a shard reports beside its gradient; the first is the loss.
    var metrics: [Metric] { get }

    /// Floating-point operations of the matrix products for one sample, forward and backward.
    var operationsPerSample: Double { get }

    /// Numbers that the backward pass needs of one sample, for estimates of memory.
    var activationsPerSample: Int { get }

    /// The trained method as something that turns windows into vectors; `nil` where it cannot.
    var embedding: SignalEmbedding? { get }

    /// Whether training needs windows' clinical parameters beside their signal.
    var needsClinicalFeatures: Bool { get }

    /// Buffers for one thread.
    func makeWorkspace() -> any ShardWorkspace
}

extension PretrainingMethod {
    /// Where its encoder does.
    public var needsClinicalFeatures: Bool { embedding?.encoder.needsClinicalFeatures ?? false }
}

/// Settings that a method can be made of.
public protocol MethodBuilding: MethodConfiguration {
    /// Makes the method.
    ///
    /// - Parameter configuration: The whole one, of which these settings are part.
    /// - Returns: The method.
    func makeMethod(of configuration: Configuration) -> any PretrainingMethod
}

extension Configuration {
    /// The method that the configuration names.
    public func makeMethod() -> any PretrainingMethod {
        guard let settings = details as? any MethodBuilding else {
            preconditionFailure("\(method.name) is not trainable: its settings make no method")
        }
        return settings.makeMethod(of: self)
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
}

/// A number that a method reports of every shard, by its name in `metrics.jsonl`.
public struct Metric: Sendable, Hashable {
    /// The name.
    public let key: String

    /// A number by its name.
    public init(_ key: String) { self.key = key }

    /// What is minimised.
    public static let loss = Metric("loss")
}

/// Where a shard's numbers go.
public struct ShardReport {
    private let metrics: [Metric]
    private let values: Numbers<Double>
    /// What a method says of a shard beside its metrics, as many numbers as it has for the shard's role, zeros at first.
    public let auxiliary: Numbers<Double>

    /// Places for numbers.
    ///
    /// - Parameters:
    ///   - metrics: The method's.
    ///   - values: As many places.
    ///   - auxiliary: Places for what the method says beside them.
    public init(
        _ metrics: [Metric], values: Numbers<Double>, auxiliary: Numbers<Double>
    ) {
        self.metrics = metrics
        self.values = values
        self.auxiliary = auxiliary
    }

    /// A number of the shard; one of the method's metrics.
    public subscript(metric: Metric) -> Double {
        get { values[place(of: metric)] }
        nonmutating set { values[place(of: metric)] = newValue }
    }

    /// The metrics, and the auxiliary numbers behind them.
    public var numbers: [Double] { Array(values) + Array(auxiliary) }

    private func place(of metric: Metric) -> Int {
        guard let place = metrics.firstIndex(of: metric) else {
            preconditionFailure("the method does not list the metric '\(metric.key)'")
        }
        return place
    }
}
