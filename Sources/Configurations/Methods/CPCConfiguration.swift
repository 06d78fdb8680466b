extension MethodDescriptor {
    /// Predictions of what comes next in a record.
    public static let cpc = MethodDescriptor(
        "cpc", CPCConfiguration.self,
        optimizer: OptimizerDefaults(learningRate: 5e-4, weightDecay: 1e-3))
}

/// The settings of contrastive predictive coding.
public struct CPCConfiguration: MethodConfiguration {
    /// What the context network's cells are.
    public enum ContextKind: String, Sendable, CaseIterable {
        /// Gated recurrent units.
        case gru
        /// Long short-term memory.
        case lstm
    }

    /// Where latents come from that a prediction must not fit.
    public enum Negatives: String, Sendable, CaseIterable {
        /// Other times of the same record, drawn with replacement, for every time of prediction.
        case sequence
        /// The same time of the other records of the batch, for one time of prediction a step.
        case batch
    }

    /// Kernels of the encoder's four convolutions.
    public static let kernels = [10, 8, 4, 4]
    /// Their strides.
    public static let strides = [5, 4, 2, 2]

    /// Channels of the encoder, and numbers of a latent.
    public let channels: Int
    /// Numbers of the context.
    public let contextWidth: Int
    /// Layers of the context network.
    public let contextLayers: Int
    /// What its cells are.
    public let contextKind: ContextKind
    /// Predictions are made for 1 to this many latents ahead.
    public let horizons: Int
    /// Where negatives come from.
    public let negatives: Negatives
    /// Negatives of a prediction, where they come from the same record.
    public let negativeCount: Int
    /// Latents of a record.
    public let time: Int

    /// Reads the keys.
    public init(
        from reader: inout ConfigurationReader, shared: SharedSettings
    ) throws(ConfigurationError) {
        channels = try reader.integer("encoder.channels", default: 256, in: 1...65_536)
        contextWidth = try reader.integer("context.width", default: 256, in: 1...65_536)
        contextLayers = try reader.integer("context.layers", default: 1, in: 1...8)
        contextKind = try reader.choice("context.kind", default: ContextKind.gru)
        horizons = try reader.integer("horizons", default: 8, in: 1...1_000)
        negatives = try reader.choice("negatives.from", default: Negatives.sequence)
        negativeCount = try reader.negativeCount(
            default: 64, areDrawn: negatives == .sequence, from: negatives.rawValue)
        time = zip(Self.kernels, Self.strides).reduce(shared.input.cropSamples) {
            $0 < $1.0 ? 0 : ($0 - $1.0) / $1.1 + 1
        }
        guard time > horizons else {
            throw .contradiction(
                keys: ["horizons", "input.cropSamples"],
                problem: "\(shared.input.cropSamples) samples give \(time) latents, none of which "
                    + "has \(horizons) after it",
                remedy: "choose a longer crop (80 samples a latent) or fewer horizons")
        }
        guard negatives == .sequence || shared.batchSize > 1 else {
            throw .contradiction(
                keys: ["negatives.from", "batchSize"],
                problem: "one record has no other of its batch",
                remedy: "choose a batch of two samples or more, or negatives from the sequence")
        }
    }
}
