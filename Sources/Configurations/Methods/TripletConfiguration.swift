extension MethodDescriptor {
    /// Refinement of an ST-MEM encoder by diagnoses.
    public static let triplet = MethodDescriptor(
        "triplet", TripletConfiguration.self,
        optimizer: OptimizerDefaults(learningRate: 1.5e-4, weightDecay: 0), encoder: .stMEM)
}

/// The settings of the triplet refinement of an ST-MEM encoder.
public struct TripletConfiguration: MethodConfiguration {
    /// Which triplets of a batch are trained on.
    public enum Mining: String, Sendable, CaseIterable {
        /// For each anchor one positive and one negative by lot.
        case random
        /// For each pair of an anchor and a positive the nearest negative that is farther than the positive, or the
        /// farthest one where there is none (Schroff et al., "FaceNet", 2015).
        case semiHard = "semi-hard"
        /// For each anchor the farthest positive and the nearest negative (Hermans et al., "In defense of the triplet
        /// loss", 2017).
        case batchHard = "batch-hard"
    }

    /// How far apart two outputs are.
    public enum Distance: String, Sendable, CaseIterable {
        /// The sum of squared differences.
        case squared
        /// Its root, with 1e-6 added to every difference as PyTorch does, so that equal rows have a gradient.
        case euclidean
    }

    /// Which records take part, and when they belong together.
    public enum Labels: String, Sendable, CaseIterable {
        /// Records with exactly one superclass.
        case single
        /// All with any: positive where the sets are equal, negative where they have nothing in common.
        case sets
    }

    /// The encoder's sizes, those of the run whose weights it starts from.
    public let encoder: TransformerConfiguration
    /// Blocks at the encoder's end that are trained, at a tenth of the learning rate.
    public let unfreeze: Int
    /// Hidden numbers of the head.
    public let hiddenWidth: Int
    /// Numbers of the head's output.
    public let outputWidth: Int
    /// Which triplets of a batch are trained on.
    public let mining: Mining
    /// By how much negatives are to be farther than positives.
    public let margin: Double
    /// How far apart two outputs are.
    public let distance: Distance
    /// Which records take part.
    public let labels: Labels

    /// Reads the keys.
    public init(
        from reader: inout ConfigurationReader, shared: SharedSettings
    ) throws(ConfigurationError) {
        encoder = try reader.transformer("encoder", width: 192, depth: 6, heads: 3)
        unfreeze = try reader.integer("unfreeze", default: 0, in: 0...1_000)
        hiddenWidth = try reader.integer("head.hiddenWidth", default: 64, in: 1...65_536)
        outputWidth = try reader.integer("head.outputWidth", default: 9, in: 2...65_536)
        mining = try reader.choice("mining", default: Mining.random)
        margin = try reader.number("margin", default: 1, in: 0...100, above: true)
        distance = try reader.choice("distance", default: Distance.squared)
        labels = try reader.choice("labels", default: Labels.single)
        try shared.input.checkPatches()
        guard unfreeze <= encoder.depth else {
            throw .contradiction(
                keys: ["unfreeze", "encoder.depth"],
                problem: "the encoder has \(encoder.depth) blocks, not \(unfreeze)",
                remedy: "choose at most \(encoder.depth)")
        }
        guard shared.batchSize >= 4 else {
            throw .contradiction(
                keys: ["batchSize"],
                problem: "\(shared.batchSize) samples are fewer than two of each of two classes",
                remedy: "choose a batch of several samples for each class, such as 64")
        }
    }
}
