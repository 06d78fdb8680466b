extension MethodDescriptor {
    /// One code for a record, on a pretrained encoder.
    public static let vqFinetune = MethodDescriptor(
        "vq-finetune", VQFinetuneConfiguration.self, encoder: .stMEM)
}

/// The settings of `vq-finetune`: one code for a whole record, from the pooled feature of a pretrained encoder.
public struct VQFinetuneConfiguration: MethodConfiguration {
    /// The encoder's sizes.
    public let encoder: TransformerConfiguration
    /// Whether the encoder stays as it is.
    public let freezeEncoder: Bool
    /// Whether pooled features are standardised by running statistics.
    public let standardiseFeature: Bool
    /// Numbers of a latent vector.
    public let latentWidth: Int
    /// Numbers of the decoder's first hidden layer; the second has twice as many.
    public let hiddenWidth: Int
    /// The share of the decoder's hidden numbers that is dropped in training.
    public let dropout: Double
    /// How latent vectors become codes.
    public let quantiser: QuantiserConfiguration

    /// Reads the keys.
    public init(
        from reader: inout ConfigurationReader, shared: SharedSettings
    ) throws(ConfigurationError) {
        encoder = try reader.transformer("encoder", width: 192, depth: 6, heads: 3)
        freezeEncoder = try reader.boolean("freezeEncoder", default: true)
        standardiseFeature = try reader.boolean("standardiseFeature", default: true)
        latentWidth = try reader.integer("head.latentWidth", default: 512, in: 1...65_536)
        hiddenWidth = try reader.integer(
            "head.hiddenWidth", default: encoder.width, in: 1...65_536)
        dropout = try reader.number("head.dropout", default: 0.1, in: 0...0.99)
        try shared.input.checkPatches()
        quantiser = try QuantiserConfiguration(
            from: &reader, shared: shared, vectorsPerSample: 1, codes: 64)
    }
}
