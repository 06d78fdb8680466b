import Runtime

/// The settings of fine-tuning: the encoder of another method, a read-out and a linear head, trained on superclasses.
public struct FinetuneConfiguration: Sendable, Equatable {
    /// The method whose encoder is trained, by the name that it has among methods.
    public enum Base: String, Sendable, CaseIterable {
        case stMEM = "st-mem"
        case ecgJEPA = "ecg-jepa"
        case hybrid
        case vqFull = "vq-full"
        case vqFinetune = "vq-finetune"
        case simCLR = "simclr"
        case cmsc
        case triplet

        var inputDefaults: InputDefaults {
            switch self {
            case .ecgJEPA, .hybrid: Method.ecgJEPA.inputDefaults
            // CMSC's encoder sees segments of half a crop.
            case .cmsc: InputDefaults(cropSamples: 1_125, patchSamples: 75)
            case .stMEM, .vqFull, .vqFinetune, .simCLR, .triplet: Method.stMEM.inputDefaults
            }
        }
    }

    /// What turns a record into tokens or a vector.
    public enum Encoder: Sendable, Equatable {
        /// ST-MEM's encoder, whose position table is trained or not.
        case stMEM(TransformerConfiguration, trainsPositions: Bool)
        /// ECG-JEPA's encoder.
        case ecgJEPA(GridEncoderConfiguration)
        /// ECG-JEPA's encoder with clinical tokens, single features of which are left out in training so often.
        case hybrid(GridEncoderConfiguration, tokens: ClinicalTokenConfiguration)
        /// A small convolutional network.
        case convolutional(ConvolutionalConfiguration)
    }

    /// How tokens become the vector that the head gets.
    public enum Readout: String, Sendable, CaseIterable {
        /// The mean over all tokens.
        case mean
        /// The mean over each lead's tokens, the leads side by side; of the hybrid, their clinical tokens behind them.
        case leads
        /// The mean patch beside the mean clinical token.
        case parts
    }

    /// The method whose encoder is trained.
    public let base: Base
    /// The encoder.
    public let encoder: Encoder
    /// How tokens become the vector that the head gets.
    public let readout: Readout
    /// What the learning rate of a layer is multiplied by, compared with the layer above it.
    public let layerDecay: Double
    /// Part of the vector's numbers that training sets to 0.
    public let dropout: Double
    /// Whether the vector is normalised over the shard, by running statistics outside of training, before the head gets it.
    public let standardises: Bool
    /// What is done to training signals.
    public let augmentation: RandomAugmentationConfiguration
    /// Which labelled records are trained on.
    public let labels: LabelConfiguration

    init(
        _ base: Base, from reader: inout ConfigurationReader, shared: SharedSettings
    ) throws(ConfigurationError) {
        self.base = base
        encoder = try Encoder(base, from: &reader, shared: shared)
        readout = try reader.choice("readout", default: Readout.mean)
        let readouts: [Readout] =
            switch encoder {
            case .stMEM, .ecgJEPA: [.mean, .leads]
            case .hybrid: [.mean, .leads, .parts]
            case .convolutional: [.mean]
            }
        guard readouts.contains(readout) else {
            throw .contradiction(
                keys: ["readout", "base"],
                problem: "the encoder of \(base.rawValue) has no read-out '\(readout.rawValue)'",
                remedy: "choose \(readouts.map(\.rawValue).joined(separator: " or "))")
        }
        layerDecay = try reader.number("layerDecay", default: 0.75, in: 0...1, above: true)
        dropout = try reader.number("head.dropout", default: 0.1, in: 0...0.9)
        standardises = try reader.boolean("head.standardise", default: true)
        augmentation = RandomAugmentationConfiguration(
            operations: try reader.integer("augmentation.operations", default: 0, in: 0...8),
            level: try reader.number("augmentation.level", default: 10, in: 0...10),
            probability: try reader.number("augmentation.probability", default: 0.5, in: 0...1))
        labels = LabelConfiguration(
            fraction: try reader.number("labels.fraction", default: 1, in: 0...1, above: true),
            seed: try reader.optionalInteger("labels.seed", in: 0 ... .max),
            minimumLikelihood: try reader.optionalInteger(
                "labels.minimumLikelihood", in: 0...100),
            dropsUnknown: try reader.boolean("labels.dropUnknown", default: false))
        if standardises { try shared.checkBatchNormalisation(because: "head.standardise") }
    }
}

/// The sizes of ECG-JEPA's encoder, and how it is trained.
public struct GridEncoderConfiguration: Sendable, Equatable {
    /// The sizes.
    public let sizes: TransformerConfiguration
    /// Whether queries, keys and values have a bias.
    public let qkvBias: Bool
    /// Part of samples whose branches the last block drops.
    public let dropPath: Double
    /// What signals in mV are multiplied by.
    public let signalGain: Double
}

/// Random augmentation: some operations by lot for each sample, each applied or not.
public struct RandomAugmentationConfiguration: Sendable, Equatable {
    /// Different operations that a sample is given; 0 leaves signals as they are.
    public let operations: Int
    /// How strong they are; 10 is as published.
    public let level: Double
    /// How probably each of a sample's operations is applied.
    public let probability: Double

    /// A way to augment.
    public init(operations: Int, level: Double, probability: Double) {
        self.operations = operations
        self.level = level
        self.probability = probability
    }
}

/// Which labelled records are trained on.
public struct LabelConfiguration: Sendable, Equatable {
    /// Part of the patients with labelled records.
    public let fraction: Double
    /// What they are drawn from; the run's seed where `nil`.
    public let seed: Int?
    /// Codes of a lower likelihood, in percent, do not count; `nil` counts every listed code.
    public let minimumLikelihood: Int?
    /// Whether codes of likelihood 0, which means unknown, do not count.
    public let dropsUnknown: Bool
}

extension FinetuneConfiguration.Encoder {
    init(
        _ base: FinetuneConfiguration.Base, from reader: inout ConfigurationReader,
        shared: SharedSettings
    ) throws(ConfigurationError) {
        switch base {
        case .stMEM, .vqFull, .vqFinetune, .triplet:
            try shared.input.checkPatches()
            self = .stMEM(
                try reader.transformer("encoder", width: 192, depth: 6, heads: 3),
                trainsPositions: try reader.boolean("trainPositions", default: true))
        case .ecgJEPA: self = .ecgJEPA(try reader.gridEncoder(shared.input))
        case .hybrid:
            self = .hybrid(
                try reader.gridEncoder(shared.input), tokens: try reader.clinicalTokens())
        case .simCLR, .cmsc:
            let backbone = try reader.backbone(
                samples: shared.input.cropSamples, given: "input.cropSamples", shared: shared)
            switch backbone {
            case .transformer(let sizes):
                self = .stMEM(
                    sizes, trainsPositions: try reader.boolean("trainPositions", default: true))
            case .convolutional(let sizes): self = .convolutional(sizes)
            }
        }
    }
}

extension ConfigurationReader {
    fileprivate mutating func gridEncoder(
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

extension Configuration {
    /// A configuration that fine-tunes the encoder of a run with this one.
    ///
    /// - Parameters:
    ///   - settings: Values beside those that the encoder decides, such as `steps`.
    ///   - overrides: Texts `key=value`, the last of which wins.
    /// - Returns: One whose encoder has the same names and sizes and sees the same signals.
    /// - Throws: `ConfigurationError` where the method has no encoder that can be fine-tuned, or for a wrong value.
    public func finetuning(
        _ settings: [String: JSONValue], overrides: [String]
    ) throws(ConfigurationError) -> Configuration {
        let isChannels: Bool =
            if case .hybrid(let hybrid) = details { hybrid.layout == .channels } else { false }
        guard let base = FinetuneConfiguration.Base(rawValue: method.rawValue), !isChannels else {
            let names = FinetuneConfiguration.Base.allCases.map(\.rawValue)
            throw .contradiction(
                keys: ["base"],
                problem:
                    "the encoder of \(method.rawValue)\(isChannels ? " (channels)" : "") cannot "
                    + "be fine-tuned",
                remedy: "choose a run of \(names.joined(separator: ", "))")
        }
        let whole = resolved
        var members = settings
        members["method"] = .string(Method.finetune.rawValue)
        members["base"] = .string(base.rawValue)
        members["seed"] = members["seed"] ?? whole["seed"]
        var kept = ["data", "encoder", "dropPath", "signalGain", "backbone", "cnn"]
        if base == .cmsc {
            // Its encoder sees segments of half a crop.
            var input = whole["input"]?.objectValue ?? [:]
            input["cropSamples"] = .integer(Int64(self.input.cropSamples / 2))
            members["input"] = .object(input)
        } else {
            kept.append("input")
        }
        for key in kept { if let value = whole[key] { members[key] = value } }
        if let share = whole["clinical"]?["featureDrop"],
            let segments = whole["clinical"]?["segments"]
        {
            members["clinical"] = ["featureDrop": share, "segments": segments]
        }
        return try Configuration(
            .object(members), name: "the fine-tuning of \(method.rawValue)", overrides: overrides)
    }
}
