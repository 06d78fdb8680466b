/// What turns a signal into one vector.
public enum BackboneConfiguration: Sendable, Equatable {
    /// The encoder of ST-MEM, nothing masked.
    case transformer(TransformerConfiguration)
    /// A small convolutional network.
    case convolutional(ConvolutionalConfiguration)
    /// A network of state spaces.
    case stateSpaces(StateSpaceEncoderConfiguration)

    /// The keys that name it and its sizes.
    static let keys = ["backbone", "encoder", "cnn"]

    /// The network, whose position table is not trained.
    public var encoder: any EncoderConfiguration {
        switch self {
        case .transformer(let sizes):
            STMEMEncoderConfiguration(sizes: sizes, trainsPositions: false)
        case .convolutional(let sizes): sizes
        case .stateSpaces(let sizes): sizes
        }
    }

    /// Numbers of the vector.
    public var width: Int {
        switch self {
        case .transformer(let sizes): sizes.width
        case .convolutional(let sizes): sizes.width
        case .stateSpaces(let sizes): sizes.width
        }
    }
}

/// The sizes of the convolutional network: blocks of convolution, batch normalisation, ReLU, pool and
/// dropout, each with twice the channels of the one before, then one affine map.
public struct ConvolutionalConfiguration: EncoderConfiguration {
    /// What the affine map gets of the time steps that are left.
    public enum TimePooling: String, Sendable, CaseIterable {
        /// All of them side by side, so that it matters when something happens.
        case flat
        /// Their mean.
        case mean
    }

    /// Channels of the first block.
    public let channels: Int
    /// Number of blocks.
    public let blocks: Int
    /// Samples that a kernel covers.
    public let kernel: Int
    /// Samples from one place of the kernel to the next.
    public let stride: Int
    /// Places that are pooled into one.
    public let pool: Int
    /// Part of the numbers that training sets to 0 after each block.
    public let dropout: Double
    /// What the affine map gets of the time steps that are left.
    public let timePooling: TimePooling
    /// Numbers of the result.
    public let width: Int

    /// Time steps that are left of a signal after each block; the last is 0 where the signal is too short.
    public func times(samples: Int) -> [Int] {
        var (time, times) = (samples, [Int]())
        for _ in 0..<blocks {
            time = time < kernel ? 0 : ((time - kernel) / stride + 1) / pool
            times.append(time)
        }
        return times
    }

    /// Channels after a block.
    public func channels(after block: Int) -> Int { channels << block }

    /// The last two blocks, or the only one.
    public var summedLayers: Int { min(blocks, 2) }

    /// Its one vector, or what its last blocks are over time; it mixes the leads in its first layer, so nothing of it belongs
    /// to one.
    public func readout(for pooling: FinetuneConfiguration.Pooling) -> Readout? {
        switch pooling {
        case .mean: .method
        case .leads: nil
        default: readout(ofTokens: pooling)
        }
    }
}

/// The words for backbones.
private enum BackboneKind: String, CaseIterable {
    case stMEM = "st-mem"
    case convolutional = "cnn"
    case stateSpaces = "s4"
}

extension ConfigurationReader {
    /// A backbone for signals of a length.
    ///
    /// - Parameters:
    ///   - samples: Samples of a lead that it gets at a time.
    ///   - name: The key that gives this length, for messages.
    ///   - shared: What it has to fit to.
    /// - Returns: Which network, and its sizes.
    /// - Throws: `ConfigurationError` where the signal does not fit the network, or the shards its normalisation.
    mutating func backbone(
        samples: Int, given name: String, shared: SharedSettings
    ) throws(ConfigurationError) -> BackboneConfiguration {
        switch try choice("backbone", default: BackboneKind.stMEM) {
        case .stMEM:
            let sizes = try transformer("encoder", width: 192, depth: 6, heads: 3)
            guard samples.isMultiple(of: shared.input.patchSamples) else {
                throw .contradiction(
                    keys: [name, "input.patchSamples"],
                    problem: "\(samples) samples are not whole patches of "
                        + "\(shared.input.patchSamples)",
                    remedy: "choose a patch length that divides them")
            }
            return .transformer(sizes)
        case .convolutional:
            let sizes = ConvolutionalConfiguration(
                channels: try integer("cnn.channels", default: 32, in: 1...4_096),
                blocks: try integer("cnn.blocks", default: 3, in: 1...8),
                kernel: try integer("cnn.kernel", default: 7, in: 1...1_024),
                stride: try integer("cnn.stride", default: 3, in: 1...1_024),
                pool: try integer("cnn.pool", default: 2, in: 1...64),
                dropout: try number("cnn.dropout", default: 0.1, in: 0...0.9),
                timePooling: try choice(
                    "cnn.readOut", default: ConvolutionalConfiguration.TimePooling.flat),
                width: try integer("cnn.width", default: 256, in: 1...65_536))
            guard let left = sizes.times(samples: samples).last, left > 0 else {
                throw .contradiction(
                    keys: ["cnn.blocks", "cnn.kernel", "cnn.stride", "cnn.pool", name],
                    problem: "nothing is left of \(samples) samples after \(sizes.blocks) blocks",
                    remedy: "choose fewer blocks, or a smaller stride or pool")
            }
            try shared.checkBatchNormalisation(because: "backbone")
            return .convolutional(sizes)
        case .stateSpaces:
            return .stateSpaces(
                try stateSpaceEncoder(
                    shared, input: shared.input.cropped(to: samples), signals: .standardised))
        }
    }
}

extension ConfigurationReader {
    /// A backbone as it is fine-tuned.
    mutating func finetunedBackbone(
        _ shared: SharedSettings
    ) throws(ConfigurationError) -> any EncoderConfiguration {
        switch try backbone(
            samples: shared.input.cropSamples, given: "input.cropSamples", shared: shared)
        {
        case .transformer(let sizes):
            STMEMEncoderConfiguration(
                sizes: sizes, trainsPositions: try boolean("trainPositions", default: true))
        case .convolutional(let sizes): sizes
        case .stateSpaces(let sizes): sizes
        }
    }
}

extension SharedSettings {
    /// Samples that a shard needs at least where its own mean and variance normalise it.
    static let smallestNormalisedShard = 8

    /// Refuses shards that are too small for batch normalisation, and gradients too narrow for its statistics.
    func checkBatchNormalisation(because key: String) throws(ConfigurationError) {
        guard shardSize >= Self.smallestNormalisedShard else {
            throw .contradiction(
                keys: [key, "batchSize", "logicalShards"],
                problem: "a shard of \(shardSize) samples has no mean and variance to normalise by",
                remedy:
                    "batch normalisation needs \(Self.smallestNormalisedShard) samples a shard: "
                    + "choose a larger batch or fewer shards, or do without it")
        }
        try checkGradientBits(because: key)
    }

    /// Refuses gradients that are too narrow for sums of running statistics.
    func checkGradientBits(because key: String) throws(ConfigurationError) {
        guard gradientBits == 32 else {
            throw .contradiction(
                keys: [key, "exchange.gradientBits"],
                problem: "sums for running means and variances do not fit \(gradientBits) bits",
                remedy: "choose 32 bits, or do without batch normalisation")
        }
    }
}
