import Runtime

/// How the tokens that an encoder makes of a record become one vector.
public enum Readout: String, Sendable, CaseIterable {
    /// The mean over all tokens.
    case mean
    /// The mean over each lead's tokens, the leads side by side.
    case leads
    /// The vector of the method itself: what its authors use, or what it adds to the encoder.
    case method
    /// Mean, largest number and deviation of the last layer over time, of each lead where tokens belong to leads.
    case moments
    /// The same of an early layer and of the last, side by side.
    case layers
}

/// The settings of a network that turns windows into tokens and vectors.
public protocol EncoderConfiguration: Sendable, Equatable {
    /// The read-out that a pooling of fine-tuning is with this network; `nil` where it has none, and for attention,
    /// which is no part of the network.
    func readout(for pooling: FinetuneConfiguration.Pooling) -> Readout?

    /// Layers, the last of them at the end, whose tokens the network gives: for `moments`, `layers` and attention.
    var summedLayers: Int { get }
}

extension EncoderConfiguration {
    /// There are none.
    public var summedLayers: Int { 0 }

    /// All tokens, or each lead's.
    public func readout(for pooling: FinetuneConfiguration.Pooling) -> Readout? {
        readout(ofTokens: pooling)
    }

    /// The read-out that a pooling is of tokens of one kind, as far as there are layers of them.
    func readout(ofTokens pooling: FinetuneConfiguration.Pooling) -> Readout? {
        switch pooling {
        case .mean: .mean
        case .leads: .leads
        case .moments: summedLayers > 0 ? .moments : nil
        case .layers: summedLayers > 1 ? .layers : nil
        case .parts, .attention: nil
        }
    }

    /// Whether the network can be fine-tuned with a pooling.
    func allows(_ pooling: FinetuneConfiguration.Pooling) -> Bool {
        pooling == .attention ? summedLayers > 0 : readout(for: pooling) != nil
    }

    /// Whether another network's settings are these.
    public func isEqual(to other: any EncoderConfiguration) -> Bool { (other as? Self) == self }
}

/// A method's encoder as it is fine-tuned.
public struct EncoderDescriptor: Sendable {
    /// Reads the network's settings from a configuration of fine-tuning.
    public typealias Reading =
        @Sendable (inout ConfigurationReader, SharedSettings) throws(ConfigurationError)
        -> any EncoderConfiguration

    /// Reads the network's settings.
    let configuration: Reading
    /// What it sees where nobody says anything; `nil` for what the method takes.
    let input: InputDefaults?
    /// In how many equal parts, of which the encoder sees one at a time, the method cuts its crop.
    let segmentsPerCrop: Int
    /// Keys of the method's configuration, sections too, that the fine-tuning of its encoder takes over.
    let keys: [String]
    /// The pooling that fine-tuning gets in an evaluation where nobody says anything.
    public let pooling: FinetuneConfiguration.Pooling

    /// An encoder as it is fine-tuned.
    public init(
        keys: [String], input: InputDefaults? = nil, segmentsPerCrop: Int = 1,
        pooling: FinetuneConfiguration.Pooling = .mean, configuration: @escaping Reading
    ) {
        self.configuration = configuration
        self.input = input
        self.segmentsPerCrop = segmentsPerCrop
        self.keys = keys
        self.pooling = pooling
    }
}

extension EncoderDescriptor {
    /// ST-MEM's encoder under the keys of all methods that train it.
    static let stMEM = EncoderDescriptor(keys: ["encoder"]) {
        (reader, shared) throws(ConfigurationError) in
        try shared.input.checkPatches()
        return try STMEMEncoderConfiguration(
            sizes: reader.transformer("encoder", width: 192, depth: 6, heads: 3),
            trainsPositions: reader.boolean("trainPositions", default: true))
    }
}

/// The settings of ST-MEM's encoder.
public struct STMEMEncoderConfiguration: EncoderConfiguration {
    /// Sizes of its blocks.
    public let sizes: TransformerConfiguration
    /// Whether the position table is trained, as it is downstream.
    public let trainsPositions: Bool

    /// A block in the middle, and the last.
    public var summedLayers: Int { sizes.summedLayers }
}

/// The settings of ECG-JEPA's encoder, and how it is trained.
public struct GridEncoderConfiguration: EncoderConfiguration {
    /// The sizes.
    public let sizes: TransformerConfiguration
    /// Whether queries, keys and values have a bias.
    public let qkvBias: Bool
    /// Part of samples whose branches the last block drops.
    public let dropPath: Double
    /// What signals in mV are multiplied by.
    public let signalGain: Double

    /// A block in the middle, and the last.
    public var summedLayers: Int { sizes.summedLayers }
}

extension TransformerConfiguration {
    /// Layers that read-outs look at: a block in the middle, where it is not the last, and the last.
    public var summedLayers: Int { min(depth, 2) }
}

/// The settings of ECG-JEPA's encoder with clinical tokens.
public struct ClinicalEncoderConfiguration: EncoderConfiguration {
    /// The encoder without them.
    public let grid: GridEncoderConfiguration
    /// What clinical tokens are made of.
    public let tokens: ClinicalTokenConfiguration

    /// A block in the middle, and the last.
    public var summedLayers: Int { grid.summedLayers }

    /// All tokens, each lead's, or patches and clinical tokens apart.
    public func readout(for pooling: FinetuneConfiguration.Pooling) -> Readout? {
        pooling == .parts ? .method : readout(ofTokens: pooling)
    }
}

extension ConfigurationReader {
    /// The settings of ECG-JEPA's encoder.
    mutating func gridEncoder(
        _ input: InputConfiguration
    ) throws(ConfigurationError) -> GridEncoderConfiguration {
        let sizes = try gridTransformer("encoder", width: 192, depth: 6, heads: 4)
        try input.checkPatches()
        try input.checkUnfiltered()
        return GridEncoderConfiguration(
            sizes: sizes, qkvBias: try boolean("encoder.qkvBias", default: false),
            dropPath: try number("dropPath", default: 0.1, in: 0...0.9),
            signalGain: try signalGain())
    }
}
