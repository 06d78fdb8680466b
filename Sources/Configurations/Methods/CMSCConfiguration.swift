extension MethodDescriptor {
    /// Two segments of a record find each other in the batch.
    public static let cmsc = MethodDescriptor(
        "cmsc", CMSCConfiguration.self,
        optimizer: OptimizerDefaults(learningRate: 1e-4, weightDecay: 0),
        encoder: EncoderDescriptor(
            keys: BackboneConfiguration.keys,
            input: InputDefaults(cropSamples: 1_125, patchSamples: 75), segmentsPerCrop: 2
        ) { (reader, shared) throws(ConfigurationError) in
            try reader.finetunedBackbone(shared)
        })
}

/// The settings of contrastive multi-segment coding.
public struct CMSCConfiguration: MethodConfiguration {
    /// How the table of similarities is averaged.
    public enum Terms: String, Sendable, CaseIterable {
        /// The diagonal by rows and by columns and, where two rows share a patient, the entries above the diagonal by
        /// rows and those below by columns: the mean of two or four means, as published.
        case four
        /// All entries of the same patient, by rows and by columns: the mean of two means.
        case two
    }

    /// What turns a segment into one vector, which is the representation.
    public let backbone: BackboneConfiguration
    /// What cosines are divided by.
    public let temperature: Double
    /// How the table of similarities is averaged.
    public let terms: Terms
    /// Samples of a segment: half the crop.
    public let segmentSamples: Int

    /// Reads the keys.
    public init(
        from reader: inout ConfigurationReader, shared: SharedSettings
    ) throws(ConfigurationError) {
        let crop = shared.input.cropSamples
        guard crop.isMultiple(of: 2) else {
            throw .contradiction(
                keys: ["input.cropSamples"],
                problem: "\(crop) samples cannot be cut into two equal segments",
                remedy: "choose an even number")
        }
        segmentSamples = crop / 2
        backbone = try reader.backbone(
            samples: segmentSamples, given: "half of input.cropSamples", shared: shared)
        temperature = try reader.number("temperature", default: 0.1, in: 0.01...100)
        terms = try reader.choice("terms", default: Terms.four)
        guard shared.batchSize > 1 else {
            throw .contradiction(
                keys: ["batchSize"], problem: "one record has nothing to be told from",
                remedy: "choose a batch of two samples or more, the larger the better")
        }
    }
}
