/// How vectors become codes.
public struct QuantiserConfiguration: Sendable, Equatable {
    /// What a code is.
    public enum Kind: String, Sendable, CaseIterable {
        /// One of a list of vectors that follow the data.
        case codebook
        /// A combination of levels, a few for each number: nothing that could collapse.
        case finiteScalar = "finite-scalar"
    }

    /// By what a vector chooses its code.
    public enum Lookup: String, Sendable, CaseIterable {
        /// The least Euclidean distance.
        case euclidean
        /// The least angle, of vectors and codes of unit length.
        case cosine
    }

    /// How the gradient of a code gets to the vector that chose it.
    public enum Gradient: String, Sendable, CaseIterable {
        /// As it is.
        case straightThrough = "straight-through"
        /// Turned and scaled as the vector would have to be to become its code.
        case rotation
    }

    /// What a codebook is told.
    public struct Codebook: Sendable, Equatable {
        /// Number of codes.
        public let codes: Int
        /// Numbers of a code.
        public let dimension: Int
        /// What is nearest.
        public let lookup: Lookup
        /// How gradients pass.
        public let gradient: Gradient
        /// Weight of what draws vectors to their codes.
        public let commitment: Double
        /// How much of the past stays in the running means at each step.
        public let decay: Double
        /// A code is dead when its running count is below this part of a fair share.
        public let restartBelow: Double
        /// Weight of the entropy of soft assignments.
        public let entropyWeight: Double
        /// Temperature of soft assignments, over squared distances.
        public let entropyTemperature: Double
        /// Vectors that k-means starts the codes from, at least.
        public let collectedVectors: Int
        /// Vectors that each shard hands on at each step, for the start and for restarts.
        public let candidatesPerShard: Int
    }

    /// What a code is, with its settings.
    public enum Codes: Sendable, Equatable {
        /// A list of vectors.
        case codebook(Codebook)
        /// Levels of each number.
        case finiteScalar(levels: [Int])
    }

    /// Batches whose candidates dead codes are restarted from.
    public static let restartBatches = 8

    /// What a code is.
    public let codes: Codes
    /// Steps without quantisation at the beginning.
    public let warmupSteps: Int

    /// Number of different codes.
    public var codeCount: Int {
        switch codes {
        case .codebook(let codebook): codebook.codes
        case .finiteScalar(let levels): levels.reduce(1, *)
        }
    }

    /// Numbers of a vector at the lookup.
    public var dimension: Int {
        switch codes {
        case .codebook(let codebook): codebook.dimension
        case .finiteScalar(let levels): levels.count
        }
    }

    init(
        from reader: inout ConfigurationReader, shared: SharedSettings, vectorsPerSample: Int,
        codes defaultCodes: Int
    ) throws(ConfigurationError) {
        let kind = try reader.choice("quantiser.kind", default: Kind.codebook)
        let needed: Int
        switch kind {
        case .codebook:
            let codebook = try Codebook(
                from: &reader, shared: shared, vectorsPerSample: vectorsPerSample,
                codes: defaultCodes)
            codes = .codebook(codebook)
            let perStep = shared.logicalShards * codebook.candidatesPerShard
            needed = (codebook.collectedVectors + perStep - 1) / perStep
        case .finiteScalar:
            codes = .finiteScalar(
                levels: try reader.integers(
                    "quantiser.levels", default: [8, 5, 5, 5], counts: 1...16, in: 2...64))
            needed = 0
        }
        warmupSteps = try reader.integer(
            "quantiser.warmupSteps", default: max(needed, shared.steps / 20), in: 0 ... .max)
        guard warmupSteps < shared.steps else {
            throw .contradiction(
                keys: ["quantiser.warmupSteps", "steps"],
                problem: "nothing would be quantised: \(warmupSteps) steps of warm-up in a run of "
                    + "\(shared.steps)",
                remedy: "choose more steps, or a shorter warm-up")
        }
        guard warmupSteps >= needed else {
            throw .contradiction(
                keys: [
                    "quantiser.warmupSteps", "quantiser.collectedVectors",
                    "quantiser.candidatesPerShard",
                ],
                problem: "the codes start after \(warmupSteps) steps, when fewer vectors are "
                    + "collected than k-means is to have",
                remedy: "choose at least \(needed) steps of warm-up, or more candidates a shard")
        }
        try checkStatistics(shared)
    }

    private func checkStatistics(_ shared: SharedSettings) throws(ConfigurationError) {
        guard shared.gradientBits == 32 else {
            throw .contradiction(
                keys: ["exchange.gradientBits", "method"],
                problem: "counts of codes are summed over shards as gradients are, and "
                    + "\(shared.gradientBits) bits would round them",
                remedy: "choose 32")
        }
    }
}

extension QuantiserConfiguration.Codebook {
    fileprivate init(
        from reader: inout ConfigurationReader, shared: SharedSettings, vectorsPerSample: Int,
        codes defaultCodes: Int
    ) throws(ConfigurationError) {
        codes = try reader.integer("quantiser.codes", default: defaultCodes, in: 2...65_536)
        dimension = try reader.integer("quantiser.codeDimension", default: 16, in: 1...4_096)
        lookup = try reader.choice("quantiser.lookup", default: .cosine)
        gradient = try reader.choice("quantiser.gradient", default: .rotation)
        commitment = try reader.number("quantiser.commitment", default: 0.25, in: 0...1_000)
        decay = try reader.number("quantiser.decay", default: 0.99, in: 0...0.999_999)
        restartBelow = try reader.number("quantiser.restartBelow", default: 0.25, in: 0...1)
        entropyWeight = try reader.number("quantiser.entropyWeight", default: 0.1, in: 0...1_000)
        entropyTemperature = try reader.number(
            "quantiser.entropyTemperature", default: 0.1, in: 0...1_000, above: true)
        collectedVectors = try reader.integer(
            "quantiser.collectedVectors", default: 4 * codes, in: 1...16_777_216)
        let perShard = max(1, shared.shardSize * vectorsPerSample)
        let batches = QuantiserConfiguration.restartBatches * shared.logicalShards
        candidatesPerShard = try reader.integer(
            "quantiser.candidatesPerShard",
            default: min(perShard, max(16, (4 * codes + batches - 1) / batches)),
            in: 1...1_048_576)
        guard collectedVectors >= codes else {
            throw .contradiction(
                keys: ["quantiser.collectedVectors", "quantiser.codes"],
                problem: "k-means cannot start \(codes) codes from \(collectedVectors) vectors",
                remedy: "collect at least as many as there are codes; 4 for each is usual")
        }
        guard candidatesPerShard <= perShard else {
            throw .contradiction(
                keys: ["quantiser.candidatesPerShard", "batchSize", "logicalShards"],
                problem: "a shard has \(perShard) vectors, not \(candidatesPerShard)",
                remedy: "choose at most \(perShard), or larger shards")
        }
        guard lookup == .euclidean || dimension > 1 || codes == 2 else {
            throw .contradiction(
                keys: ["quantiser.codeDimension", "quantiser.lookup"],
                problem:
                    "one number of unit length has two directions, so \(codes) codes are too many",
                remedy: "choose 8 to 32 numbers, or the lookup euclidean")
        }
    }
}
