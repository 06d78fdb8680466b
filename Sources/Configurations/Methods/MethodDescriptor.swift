/// What a method has of its own in a configuration, beside what all share.
public protocol MethodConfiguration: Sendable, Equatable {
    /// Reads the method's keys.
    ///
    /// - Parameters:
    ///   - reader: Gives values and keeps account of them.
    ///   - shared: What they have to fit to.
    /// - Throws: `ConfigurationError` for the first value that is wrong.
    init(
        from reader: inout ConfigurationReader, shared: SharedSettings
    ) throws(ConfigurationError)

    /// The variant of the method whose encoder cannot be fine-tuned; `nil` where it can, or the method has none.
    var variantWithoutFinetuning: String? { get }
}

extension MethodConfiguration {
    /// Every variant's encoder can be.
    public var variantWithoutFinetuning: String? { nil }

    /// Whether another method's settings are these.
    public func isEqual(to other: any MethodConfiguration) -> Bool { (other as? Self) == self }
}

/// A method as a configuration knows it: its name, what it does where nobody says anything, and its own keys.
///
/// A method is declared once, in the file of its configuration, and listed in `all`. The room `Pretraining` makes the
/// trainable method of its configuration.
public struct MethodDescriptor: Sendable, Equatable {
    /// The word for it, in configurations and messages.
    public let name: String
    /// Its own keys.
    public let configuration: any MethodConfiguration.Type
    /// What a sample is where nobody says anything.
    public let input: InputDefaults
    /// How parameters move where nobody says anything.
    public let optimizer: OptimizerDefaults
    /// Its encoder as it is fine-tuned; `nil` where it cannot be.
    public let encoder: EncoderDescriptor?
    /// Whether it trains the encoder of another method, which the key `base` names.
    public let trainsEncoderOfBase: Bool

    /// A method by what it does where nobody says anything.
    public init(
        _ name: String, _ configuration: any MethodConfiguration.Type,
        input: InputDefaults = InputDefaults(cropSamples: 2_250, patchSamples: 75),
        optimizer: OptimizerDefaults = OptimizerDefaults(), encoder: EncoderDescriptor? = nil,
        trainsEncoderOfBase: Bool = false
    ) {
        self.name = name
        self.configuration = configuration
        self.input = input
        self.optimizer = optimizer
        self.encoder = encoder
        self.trainsEncoderOfBase = trainsEncoderOfBase
    }

    /// Whether both have one name, which no two methods of a build share.
    public static func == (first: Self, second: Self) -> Bool { first.name == second.name }

    /// The methods of this build.
    public static let all: [MethodDescriptor] = [
        stMEM, ecgJEPA, hybrid, vqFull, vqFinetune, simCLR, cmsc, cpc, ecgCPC, triplet, finetune,
    ]
}

/// How a method's parameters move where nobody says anything; as published, where something is.
public struct OptimizerDefaults: Sendable {
    /// The highest rate.
    public var learningRate = 1.5e-4
    /// Decoupled decay.
    public var weightDecay = 0.01
    /// Memory of the second moment.
    public var beta2 = 0.95
    /// The run warms up for one step in so many.
    public var warmupDivisor = 50
    /// The rate at the end.
    public var minimumLearningRate = 0.0
    /// When the cosine begins.
    public var schedule = OptimizerConfiguration.Schedule.cosineAfterWarmup
    /// The rate at the beginning.
    public var initialLearningRate = 0.0
    /// Whether parameters of one dimension do not decay.
    public var noDecay1d = false

    /// Those of masked modelling.
    public init() {}

    /// Those of masked modelling, changed.
    init(
        learningRate: Double, weightDecay: Double, beta2: Double = 0.999, warmupDivisor: Int = 50,
        noDecay1d: Bool = false
    ) {
        self.learningRate = learningRate
        self.weightDecay = weightDecay
        self.beta2 = beta2
        self.warmupDivisor = warmupDivisor
        self.noDecay1d = noDecay1d
    }
}

/// What a method takes for a sample where nobody says anything.
public struct InputDefaults: Sendable {
    let cropSamples: Int
    let patchSamples: Int

    /// A crop and its patches, in samples of a lead.
    public init(cropSamples: Int, patchSamples: Int) {
        self.cropSamples = cropSamples
        self.patchSamples = patchSamples
    }
}

/// What a method's own settings have to fit to.
public struct SharedSettings: Sendable {
    /// What a sample is.
    public let input: InputConfiguration
    /// Samples in the global batch.
    public let batchSize: Int
    /// Fixed equal parts of the global batch.
    public let logicalShards: Int
    /// Length of the schedule.
    public let steps: Int
    /// Width of a gradient's integers.
    public let gradientBits: Int
    /// The method whose encoder is trained, where the method trains that of another one.
    public let base: MethodDescriptor?

    /// Samples of one logical shard, where the batch can be cut.
    public var shardSize: Int { batchSize / logicalShards }
}
