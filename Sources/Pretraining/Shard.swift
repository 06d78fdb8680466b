import Kernels

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

    /// The same samples, of other windows.
    func replacing(windows: [Int]) -> Shard {
        Shard(
            seed: seed, step: step, firstPosition: firstPosition, windows: windows, role: role,
            gathered: gathered)
    }

    /// Where a sample's crop begins: drawn from seed, step and position in training, in the middle otherwise.
    ///
    /// - Parameters:
    ///   - sample: Its place in the shard.
    ///   - slack: Numbers by which its window is longer than a crop.
    /// - Returns: The crop's first number.
    func cropStart(ofSample sample: Int, slack: Int) -> Int {
        guard role == .training else { return slack / 2 }
        var random = RandomStream(
            seed: seed, purpose: .crop, step: step, position: UInt32(firstPosition + sample))
        return random.nextInteger(below: slack + 1)
    }
}
