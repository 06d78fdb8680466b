extension MethodDescriptor {
    /// Two augmented views of a record find each other in the batch.
    public static let simCLR = MethodDescriptor(
        "simclr", SimCLRConfiguration.self,
        optimizer: OptimizerDefaults(
            learningRate: 2.5e-4, weightDecay: 1e-6, noDecay1d: true),
        encoder: EncoderDescriptor(keys: BackboneConfiguration.keys) {
            (reader, shared) throws(ConfigurationError) in
            try reader.finetunedBackbone(shared)
        })
}

/// The settings of SimCLR.
public struct SimCLRConfiguration: MethodConfiguration {
    /// What turns a view into one vector, which is the representation.
    public let backbone: BackboneConfiguration
    /// Numbers of the projection that views are compared by.
    public let projectionWidth: Int
    /// What cosines are divided by.
    public let temperature: Double
    /// How views are made.
    public let augmentation: AugmentationConfiguration

    /// Reads the keys.
    public init(
        from reader: inout ConfigurationReader, shared: SharedSettings
    ) throws(ConfigurationError) {
        backbone = try reader.backbone(
            samples: shared.input.cropSamples, given: "input.cropSamples", shared: shared)
        projectionWidth = try reader.integer("projectionWidth", default: 128, in: 2...65_536)
        temperature = try reader.number("temperature", default: 0.1, in: 0.01...100)
        augmentation = AugmentationConfiguration(
            smallestCrop: try reader.number(
                "augmentation.smallestCrop", default: 0.5, in: 0.05...1),
            largestTimeOut: try reader.number(
                "augmentation.largestTimeOut", default: 0.4, in: 0...0.9),
            noise: try reader.number("augmentation.noise", default: 0.05, in: 0...10),
            largestGain: try reader.number("augmentation.largestGain", default: 2, in: 1...100),
            leadMask: try reader.number("augmentation.leadMask", default: 0.3, in: 0...0.95),
            baselineWander: try reader.number(
                "augmentation.baselineWander", default: 0.1, in: 0...10))
        guard shared.batchSize > 1 else {
            throw .contradiction(
                keys: ["batchSize"], problem: "one sample has nothing to be told from",
                remedy: "choose a batch of two samples or more, the larger the better")
        }
    }
}

/// How two views of one record come to differ.
public struct AugmentationConfiguration: Sendable, Equatable {
    /// Smallest part of a window that is stretched to a view's length.
    public let smallestCrop: Double
    /// Largest part of a view that is set to 0 in all leads.
    public let largestTimeOut: Double
    /// Deviation of noise on the standardised signal.
    public let noise: Double
    /// A lead is multiplied by a factor between one over this and this.
    public let largestGain: Double
    /// Probability that a lead is set to 0.
    public let leadMask: Double
    /// Largest amplitude of a slow sine on each lead of the standardised signal.
    public let baselineWander: Double

    /// Augmentations by their strengths.
    ///
    /// - Parameters:
    ///   - smallestCrop: Smallest part of a window that is stretched to a view's length.
    ///   - largestTimeOut: Largest part of a view that is set to 0 in all leads.
    ///   - noise: Deviation of noise on the standardised signal.
    ///   - largestGain: A lead is multiplied by a factor between one over this and this.
    ///   - leadMask: Probability that a lead is set to 0.
    ///   - baselineWander: Largest amplitude of a slow sine on each lead.
    public init(
        smallestCrop: Double, largestTimeOut: Double, noise: Double, largestGain: Double,
        leadMask: Double, baselineWander: Double
    ) {
        self.smallestCrop = smallestCrop
        self.largestTimeOut = largestTimeOut
        self.noise = noise
        self.largestGain = largestGain
        self.leadMask = leadMask
        self.baselineWander = baselineWander
    }
}
