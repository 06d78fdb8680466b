import Runtime

/// The sizes of a stack of transformer blocks.
public struct TransformerConfiguration: Sendable, Equatable {
    /// Numbers in a token.
    public let width: Int
    /// Blocks.
    public let depth: Int
    /// Attention heads of a block.
    public let heads: Int
    /// Numbers of a head's queries, keys and values.
    public let headWidth: Int
    /// Numbers in the hidden layer of a block's perceptron.
    public let mlpWidth: Int

    /// Sizes by name; the hidden layer is four times as wide as a token unless told otherwise.
    public init(width: Int, depth: Int, heads: Int, headWidth: Int = 64, mlpWidth: Int? = nil) {
        self.width = width
        self.depth = depth
        self.heads = heads
        self.headWidth = headWidth
        self.mlpWidth = mlpWidth ?? 4 * width
    }
}

/// What a sample is.
public struct InputConfiguration: Sendable, Equatable {
    /// Where random crops may end.
    public enum Crops: String, Sendable, CaseIterable {
        /// In the window that they begin in.
        case window
        /// In the next one, where the record goes on.
        case record
    }

    /// Leads, in the standard order.
    public let leads: Int
    /// Rate of the prepared data set.
    public let sampleRateHz: Double
    /// Length of the random crop.
    public let cropSamples: Int
    /// Length of a patch.
    public let patchSamples: Int
    /// Whether the whole window is filtered and the crop taken then, instead of the published other
    /// way round.
    public let filterBeforeCrop: Bool
    /// Where random crops may end.
    public let crops: Crops

    /// Patches of one lead.
    public var patchesPerLead: Int { cropSamples / patchSamples }

    /// The same with crops of another length.
    ///
    /// - Parameter samples: Of a lead.
    /// - Returns: What a sample is.
    public func cropped(to samples: Int) -> InputConfiguration {
        InputConfiguration(
            leads: leads, sampleRateHz: sampleRateHz, cropSamples: samples,
            patchSamples: patchSamples, filterBeforeCrop: filterBeforeCrop, crops: crops)
    }
}

/// AdamW and its schedule: linear warm-up, then a cosine.
public struct OptimizerConfiguration: Sendable, Equatable {
    /// When the cosine begins.
    public enum Schedule: String, Sendable, CaseIterable {
        /// When warm-up from 0 has ended (published ST-MEM).
        case cosineAfterWarmup = "cosine-after-warmup"
        /// With step 0, so that the rate drops when warm-up ends (published ECG-JEPA).
        case cosineFromStart = "cosine-from-start"
    }

    /// The highest rate, at this batch size.
    public let learningRate: Double
    /// Decoupled decay.
    public let weightDecay: Double
    /// Memory of the first moment.
    public let beta1: Double
    /// Memory of the second moment.
    public let beta2: Double
    /// Added to the root of the second moment.
    public let epsilon: Double
    /// Steps of the linear warm-up; the first step has rate 0 where there are any.
    public let warmupSteps: Int
    /// Where the cosine ends.
    public let minimumLearningRate: Double
    /// When the cosine begins.
    public let schedule: Schedule
    /// Where the warm-up of `cosineFromStart` begins.
    public let initialLearningRate: Double
    /// Whether vectors (biases, norms, tokens) do not decay.
    public let noDecay1d: Bool
    /// The gradient is scaled down to this norm; `nil` leaves it as it is.
    public let clipNorm: Double?
}

/// How gradients are rounded and sent.
public struct ExchangeConfiguration: Sendable, Equatable {
    /// Compression on the wire.
    public let compression: Compression
    /// Width of an integer lane: 32, 16 or 8.
    public let gradientBits: Int
    /// Bits of room above a block's predicted exponent.
    public let marginBits: Int
}

/// When the state is saved.
public struct CheckpointConfiguration: Sendable, Equatable {
    /// After every so many steps; 0 saves at the end only.
    public let everySteps: Int
    /// How many of the newest are kept.
    public let keep: Int
}

/// When the validation loss is computed.
public struct ValidationConfiguration: Sendable, Equatable {
    /// After every so many steps; 0 for never.
    public let everySteps: Int
    /// Of the fixed masks; the run's seed where `nil`.
    public let seed: Int?
}

/// Which records are for what: these folds do not train.
public struct FoldConfiguration: Sendable, Equatable {
    /// For the validation loss.
    public let validationFold: Int
    /// For tests of the finished encoder alone.
    public let testFold: Int
}

/// What happens to a step whose gradient has a NaN or an infinity in any shard.
public enum NonFinitePolicy: String, Sendable, CaseIterable {
    /// The run stops with the state before that step saved.
    case stop
    /// The step moves step and data order, and nothing else.
    case skip
}

/// Which kernels of the matrix library compute, on which the last bits of a result depend.
public enum MatrixKernel: String, Sendable, CaseIterable {
    /// Those that the library has for the processor: the fastest, and the same bits on equal processors.
    case native
    /// Those of Haswell, which every processor with AVX2 can run: the same bits on all of these.
    case portable
}
