import Runtime

extension MethodDescriptor {
    /// Supervised training of another method's encoder on diagnoses.
    public static let finetune = MethodDescriptor(
        "finetune", FinetuneConfiguration.self,
        optimizer: OptimizerDefaults(
            learningRate: 5e-4, weightDecay: 0.05, warmupDivisor: 10, noDecay1d: true),
        trainsEncoderOfBase: true)
}

/// The settings of fine-tuning: the encoder of another method, a read-out and a linear head, trained on superclasses.
public struct FinetuneConfiguration: MethodConfiguration {
    /// How tokens become the vector that the head gets.
    public enum Pooling: String, Sendable, CaseIterable {
        /// The mean over all tokens.
        case mean
        /// The mean over each lead's tokens, the leads side by side; of the hybrid, their clinical tokens behind them.
        case leads
        /// The mean patch beside the mean clinical token.
        case parts
        /// Mean, largest number and deviation of the last layer over time, of each lead where tokens belong to leads.
        case moments
        /// The same of an early layer and of the last, side by side.
        case layers
        /// Attention of a learned query over all tokens of the last layer, trained with the head.
        case attention
    }

    /// The method whose encoder is trained.
    public let base: MethodDescriptor
    /// The encoder.
    public let encoder: any EncoderConfiguration
    /// How tokens become the vector that the head gets; the key is `readout`.
    public let pooling: Pooling
    /// The same as one of the encoder's read-outs; `nil` for attention.
    public let readout: Readout?
    /// What the learning rate of a layer is multiplied by, compared with the layer above it.
    public let layerDecay: Double
    /// What the learning rate of the encoder's layers is multiplied by, and once more that of what makes tokens of the
    /// signal.
    public let learningRateFactor: Double
    /// Part of the vector's numbers that training sets to 0.
    public let dropout: Double
    /// Whether the vector is normalised over the shard, by running statistics outside of training, before the head gets it.
    public let standardises: Bool
    /// What is done to training signals.
    public let augmentation: RandomAugmentationConfiguration
    /// Which labelled records are trained on.
    public let labels: LabelConfiguration

    /// Reads the keys, those of the encoder as its method declares them.
    public init(
        from reader: inout ConfigurationReader, shared: SharedSettings
    ) throws(ConfigurationError) {
        guard let base = shared.base, let descriptor = base.encoder else {
            throw .missing(key: "base", remedy: "name the method whose encoder is trained")
        }
        self.base = base
        let encoder = try descriptor.configuration(&reader, shared)
        pooling = try reader.choice("readout", default: Pooling.mean)
        guard encoder.allows(pooling) else {
            let words = Pooling.allCases.filter(encoder.allows)
            throw .contradiction(
                keys: ["readout", "base"],
                problem: "the encoder of \(base.name) has no read-out '\(pooling.rawValue)'",
                remedy: "choose \(words.map(\.rawValue).joined(separator: " or "))")
        }
        self.encoder = encoder
        readout = encoder.readout(for: pooling)
        layerDecay = try reader.number("layerDecay", default: 0.75, in: 0...1, above: true)
        learningRateFactor = try reader.number(
            "learningRateFactor", default: 1, in: 0...1, above: true, isInDigestByDefault: false)
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

extension FinetuneConfiguration {
    /// Whether both train the same encoder in the same way.
    public static func == (first: Self, second: Self) -> Bool {
        first.base == second.base && first.encoder.isEqual(to: second.encoder)
            && first.pooling == second.pooling && first.layerDecay == second.layerDecay
            && first.learningRateFactor == second.learningRateFactor
            && first.dropout == second.dropout && first.standardises == second.standardises
            && first.augmentation == second.augmentation && first.labels == second.labels
    }
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

extension Configuration {
    /// A configuration that fine-tunes the encoder of a run with this one.
    ///
    /// - Parameters:
    ///   - settings: Values beside those that the encoder decides, such as `steps`.
    ///   - overrides: Texts `key=value`, the last of which wins.
    ///   - methods: Those that there are.
    /// - Returns: One whose encoder has the same names and sizes and sees the same signals.
    /// - Throws: `ConfigurationError` where the method has no encoder that can be fine-tuned, or for a wrong value.
    public func finetuning(
        _ settings: [String: JSONValue], overrides: [String],
        methods: [MethodDescriptor] = MethodDescriptor.all
    ) throws(ConfigurationError) -> Configuration {
        let variant = details.variantWithoutFinetuning
        guard let encoder = method.encoder, variant == nil else {
            let names = methods.filter { $0.encoder != nil }.map(\.name)
            throw .contradiction(
                keys: ["base"],
                problem:
                    "the encoder of \(method.name)\(variant.map { " (\($0))" } ?? "") cannot be "
                    + "fine-tuned",
                remedy: "choose a run of \(names.joined(separator: ", "))")
        }
        let whole = resolved
        var members = settings
        members["method"] = .string(MethodDescriptor.finetune.name)
        members["base"] = .string(method.name)
        members["seed"] = members["seed"] ?? whole["seed"]
        for key in ["data", "input"] + encoder.keys {
            members.take(key.split(separator: ".").map(String.init)[...], from: whole)
        }
        if encoder.segmentsPerCrop > 1 {
            var input = whole["input"]?.objectValue ?? [:]
            input["cropSamples"] = .integer(Int64(self.input.cropSamples / encoder.segmentsPerCrop))
            members["input"] = .object(input)
        }
        return try Configuration(
            .object(members), name: "the fine-tuning of \(method.name)", overrides: overrides,
            methods: methods)
    }
}

extension [String: JSONValue] {
    /// Takes over what another object has at a path.
    fileprivate mutating func take(_ path: ArraySlice<String>, from other: JSONValue) {
        guard let first = path.first, let value = other[first] else { return }
        guard path.count > 1 else {
            self[first] = value
            return
        }
        var members = self[first]?.objectValue ?? [:]
        members.take(path.dropFirst(), from: value)
        self[first] = .object(members)
    }
}
