extension MethodDescriptor {
    /// Masked spatio-temporal modelling.
    public static let stMEM = MethodDescriptor(
        "st-mem", STMEMConfiguration.self, encoder: .stMEM)
}

/// The settings of ST-MEM.
public struct STMEMConfiguration: MethodConfiguration {
    /// The encoder's sizes.
    public let encoder: TransformerConfiguration
    /// The decoder's sizes.
    public let decoder: TransformerConfiguration
    /// Part of a lead's patches that is removed.
    public let maskRatio: Double
    /// Whether the target of a patch is its standardised signal.
    public let normalisePatches: Bool

    /// Reads the keys.
    public init(
        from reader: inout ConfigurationReader, shared: SharedSettings
    ) throws(ConfigurationError) {
        encoder = try reader.transformer("encoder", width: 192, depth: 6, heads: 3)
        decoder = try reader.transformer("decoder", width: 128, depth: 2, heads: 2)
        maskRatio = try reader.number("masking.ratio", default: 0.75, in: 0...1)
        normalisePatches = try reader.boolean("normalisePatches", default: true)
        try shared.input.checkPatches()
        let patches = shared.input.patchesPerLead
        let kept = Int(Double(patches) * (1 - maskRatio))
        guard kept >= 1, kept < patches else {
            throw .contradiction(
                keys: ["masking.ratio", "input.cropSamples", "input.patchSamples"],
                problem: "ratio \(maskRatio) keeps \(kept) of the \(patches) patches of a lead",
                remedy: "choose a ratio that keeps and removes at least one")
        }
    }
}
