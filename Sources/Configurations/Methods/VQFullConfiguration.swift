extension MethodDescriptor {
    /// One code for each token, trained from scratch.
    public static let vqFull = MethodDescriptor(
        "vq-full", VQFullConfiguration.self, encoder: .stMEM)
}

/// The settings of `vq-full`: an encoder trained from scratch through a bottleneck of codes.
public struct VQFullConfiguration: MethodConfiguration {
    /// What gets a code of its own.
    public enum Tokens: String, Sendable, CaseIterable {
        /// Each patch of time, as the mean over the leads.
        case time
        /// Each patch of each lead.
        case leadTime = "lead-time"
    }

    /// The encoder's sizes.
    public let encoder: TransformerConfiguration
    /// The decoder's sizes.
    public let decoder: TransformerConfiguration
    /// What gets a code of its own.
    public let tokens: Tokens
    /// Whether the target of a patch is its standardised signal.
    public let normalisePatches: Bool
    /// How tokens become codes.
    public let quantiser: QuantiserConfiguration

    /// Reads the keys.
    public init(
        from reader: inout ConfigurationReader, shared: SharedSettings
    ) throws(ConfigurationError) {
        encoder = try reader.transformer("encoder", width: 192, depth: 6, heads: 3)
        decoder = try reader.transformer("decoder", width: 128, depth: 2, heads: 2)
        tokens = try reader.choice("tokens", default: .time)
        normalisePatches = try reader.boolean("normalisePatches", default: true)
        try shared.input.checkPatches()
        let patches = shared.input.patchesPerLead
        quantiser = try QuantiserConfiguration(
            from: &reader, shared: shared,
            vectorsPerSample: tokens == .time ? patches : patches * shared.input.leads,
            codes: 256)
    }
}
