extension MethodDescriptor {
    /// Predictions of what comes 14 tokens later, by a network of state spaces.
    public static let ecgCPC = MethodDescriptor(
        "ecg-cpc", ECGCPCConfiguration.self,
        input: InputDefaults(cropSamples: 2_500, patchSamples: 25),
        optimizer: OptimizerDefaults(
            learningRate: 1e-3, weightDecay: 1e-3, warmupDivisor: 20),
        encoder: EncoderDescriptor(keys: ["encoder"]) {
            (reader, shared) throws(ConfigurationError) in
            try reader.stateSpaceEncoder(shared)
        })
}

/// The settings of ECG-CPC.
public struct ECGCPCConfiguration: MethodConfiguration {
    /// Which times of the same record a prediction must not fit.
    public enum Negatives: String, Sendable, CaseIterable {
        /// Some of the others, drawn with replacement, as published.
        case drawn
        /// All others, once each.
        case all
    }

    /// How terms become the loss.
    public enum Reduction: String, Sendable, CaseIterable {
        /// The mean over records and times.
        case mean
        /// The sum over times of the mean over records, as published.
        case sum
    }

    /// The encoder.
    public let encoder: StateSpaceEncoderConfiguration
    /// Tokens between a context and the token that it predicts.
    public let horizon: Int
    /// Which times a prediction must not fit.
    public let negatives: Negatives
    /// How many, where they are drawn.
    public let negativeCount: Int
    /// How terms become the loss.
    public let reduction: Reduction
    /// Whether scores are divided by the root of the width; published ones are not.
    public let scalesScores: Bool
    /// What the learning rate of the state spaces is multiplied by, and that of the stem once more; published is 0.1.
    public let learningRateFactor: Double

    /// Reads the keys.
    public init(
        from reader: inout ConfigurationReader, shared: SharedSettings
    ) throws(ConfigurationError) {
        encoder = try reader.stateSpaceEncoder(shared)
        horizon = try reader.integer("horizon", default: 14, in: 1...100_000)
        negatives = try reader.choice("negatives.from", default: Negatives.drawn)
        negativeCount =
            negatives == .drawn
            ? try reader.integer("negatives.count", default: 128, in: 1...65_536) : 0
        reduction = try reader.choice("reduction", default: Reduction.mean)
        scalesScores = try reader.boolean("scaleScores", default: false)
        learningRateFactor = try reader.number(
            "learningRateFactor", default: 1, in: 0...1, above: true)
        let tokens = StateSpaceEncoderConfiguration.tokens(of: shared.input)
        guard tokens > horizon + 1 else {
            throw .contradiction(
                keys: ["horizon", "input.cropSamples"],
                problem: "\(shared.input.cropSamples) samples give \(tokens) tokens, none of "
                    + "which has \(horizon) after it and one to be told from",
                remedy: "choose a longer crop (120 tokens a second) or a nearer horizon")
        }
    }
}

/// The sizes of the encoder of ECG-CPC: a strided convolution and three maps of single times, each normalised over the
/// batch, then layers of state spaces.
public struct StateSpaceEncoderConfiguration: EncoderConfiguration {
    /// Samples a second that the network sees, whatever the windows have.
    public static let sampleRateHz = 240.0
    /// Samples from one token to the next.
    public static let samplesPerToken = 2

    /// Channels.
    public let width: Int
    /// Layers of state spaces.
    public let depth: Int
    /// Numbers of a channel's state.
    public let state: Int
    /// Tokens of a chunk, which decides the last bits of a result.
    public let chunk: Int
    /// The length that stored weights are for, in tokens.
    public let length: Int
    /// Part of the channels that training sets to 0 in each layer, twice.
    public let dropout: Double

    /// Samples of a crop as the network sees it; no more than any length that it takes.
    public static func samples(of input: InputConfiguration) -> Int {
        Int(min(Double(input.cropSamples) * sampleRateHz / input.sampleRateHz, 1e9))
    }

    /// Tokens of a crop.
    public static func tokens(of input: InputConfiguration) -> Int {
        (samples(of: input) + samplesPerToken - 1) / samplesPerToken
    }

    /// The mean over all tokens; tokens have seen all leads.
    public func readout(for pooling: FinetuneConfiguration.Pooling) -> Readout? {
        pooling == .mean ? .mean : nil
    }
}

extension ConfigurationReader {
    /// The sizes of the encoder of ECG-CPC.
    mutating func stateSpaceEncoder(
        _ shared: SharedSettings
    ) throws(ConfigurationError) -> StateSpaceEncoderConfiguration {
        try shared.input.checkUnfiltered()
        try shared.checkGradientBits(because: "method")
        let samples = StateSpaceEncoderConfiguration.samples(of: shared.input)
        guard samples >= 4 else {
            throw .contradiction(
                keys: ["input.cropSamples", "input.sampleRateHz"],
                problem:
                    "a crop has \(samples) samples at \(StateSpaceEncoderConfiguration.sampleRateHz) Hz",
                remedy: "choose a longer crop")
        }
        let width = try integer("encoder.width", default: 128, in: 1...65_536)
        // A dropout of a sample has one place for random numbers in each of eight layers.
        let depth = try integer("encoder.depth", default: 4, in: 1...8)
        let state = try integer("encoder.state", default: 8, in: 2...64)
        guard state.isMultiple(of: 2) else {
            throw .contradiction(
                keys: ["encoder.state"], problem: "\(state) is odd",
                remedy: "choose an even number: states are conjugate pairs")
        }
        return StateSpaceEncoderConfiguration(
            width: width, depth: depth, state: state,
            chunk: try integer("encoder.chunk", default: 24, in: 1...256),
            length: try integer(
                "encoder.length",
                default: StateSpaceEncoderConfiguration.tokens(of: shared.input), in: 1...1_000_000),
            dropout: try number("encoder.dropout", default: 0.2, in: 0...0.9))
    }
}
