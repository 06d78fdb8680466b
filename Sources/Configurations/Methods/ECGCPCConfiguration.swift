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
    /// How much the loss of telling clinical parameters counts beside the contrastive one; 0: they are not told.
    public let clinicalWeight: Double
    /// Segments that a clinical parameter is told by; 1: by its normalised value.
    public let clinicalSegments: Int
    /// What the learning rate of the state spaces is multiplied by, and that of the stem once more; published is 0.1.
    public let learningRateFactor: Double

    /// Reads the keys.
    public init(
        from reader: inout ConfigurationReader, shared: SharedSettings
    ) throws(ConfigurationError) {
        encoder = try reader.stateSpaceEncoder(shared)
        guard !encoder.isBidirectional else {
            throw .contradiction(
                keys: ["encoder.bidirectional", "method"],
                problem: "a context that has seen what comes after it has nothing to predict",
                remedy: "choose false here; true is for fine-tuning and other methods")
        }
        horizon = try reader.integer("horizon", default: 14, in: 1...100_000)
        negatives = try reader.choice("negatives.from", default: Negatives.drawn)
        negativeCount = try reader.negativeCount(
            default: 128, areDrawn: negatives == .drawn, from: negatives.rawValue)
        reduction = try reader.choice("reduction", default: Reduction.mean)
        scalesScores = try reader.boolean("scaleScores", default: false)
        clinicalWeight = try reader.number(
            "clinical.weight", default: 0, in: 0...1_000, isInDigestByDefault: false)
        if clinicalWeight > 0 {
            try shared.checkBatchNormalisation(because: "clinical.weight")
            clinicalSegments = try reader.integer(
                "clinical.segments", default: 1, in: 1...64)
        } else {
            clinicalSegments = 1
            reader.passOver(
                "clinical.segments", because: "with clinical.weight 0 no parameters are told")
        }
        learningRateFactor = try reader.number(
            "learningRateFactor", default: 1, in: 0...1, above: true)
        let tokens = encoder.tokens(of: shared.input)
        guard tokens > horizon + 1 else {
            throw .contradiction(
                keys: ["horizon", "input.cropSamples"],
                problem: "\(shared.input.cropSamples) samples give \(tokens) tokens, none of "
                    + "which has \(horizon) after it and one to be told from",
                remedy: "choose a longer crop (\(encoder.tokenRateHz(of: shared.input)) tokens a "
                    + "second) or a nearer horizon")
        }
    }
}
