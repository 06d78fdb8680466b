extension MethodDescriptor {
    /// ECG-JEPA with clinical parameters beside the signal.
    public static let hybrid = MethodDescriptor(
        "hybrid", HybridConfiguration.self, input: .jepa, optimizer: .jepa,
        encoder: EncoderDescriptor(
            keys: [
                "encoder", "dropPath", "signalGain", "clinical.featureDrop", "clinical.segments",
            ], pooling: .parts
        ) { (reader, shared) throws(ConfigurationError) in
            try shared.input.checkCropsEndInWindow()
            return ClinicalEncoderConfiguration(
                grid: try reader.gridEncoder(shared.input), tokens: try reader.clinicalTokens())
        })
}

/// The settings of ECG-JEPA with clinical parameters beside the signal.
public struct HybridConfiguration: MethodConfiguration {
    /// How clinical parameters come in.
    public enum Layout: String, Sendable, CaseIterable {
        /// As tokens in a column of their own.
        case tokens
        /// As curves beside the leads, as in the study.
        case channels
    }

    /// How clinical parameters come in.
    public let layout: Layout
    /// The settings that it shares with ECG-JEPA.
    public let jepa: ECGJEPAConfiguration
    /// Part of the steps in which the context does without the clinical tokens.
    public let columnDrop: Double
    /// What clinical tokens are made of; the context of a sample does without the dropped part of features.
    public let tokens: ClinicalTokenConfiguration
    /// Weight of the loss of features that are told from the signal alone.
    public let auxiliaryWeight: Double

    /// The study's layout makes curves while windows are read, which fine-tuning does not.
    public var variantWithoutFinetuning: String? {
        layout == .channels ? layout.rawValue : nil
    }

    /// Reads the keys.
    public init(
        from reader: inout ConfigurationReader, shared: SharedSettings
    ) throws(ConfigurationError) {
        jepa = try ECGJEPAConfiguration(from: &reader, shared: shared)
        try shared.input.checkCropsEndInWindow()
        layout = try reader.choice("hybrid", default: .tokens)
        guard layout == .tokens else {
            // Nothing is dropped and nothing is told: these keys are refused as unknown.
            (columnDrop, auxiliaryWeight) = (0, 0)
            tokens = ClinicalTokenConfiguration(featureDrop: 0, segments: 1)
            return
        }
        columnDrop = try reader.number("clinical.columnDrop", default: 0.5, in: 0...1)
        tokens = try reader.clinicalTokens()
        auxiliaryWeight = try reader.number(
            "clinical.auxiliaryWeight", default: 0.1, in: 0...1_000)
    }
}

/// What clinical tokens are made of.
public struct ClinicalTokenConfiguration: Sendable, Equatable {
    /// Part of the features that a training sample does without.
    public let featureDrop: Double
    /// Segments between quantiles that a feature is told by; 1 for its normalised value.
    public let segments: Int
}

extension ConfigurationReader {
    /// The keys that `hybrid` and its fine-tuning share.
    mutating func clinicalTokens() throws(ConfigurationError) -> ClinicalTokenConfiguration {
        ClinicalTokenConfiguration(
            featureDrop: try number("clinical.featureDrop", default: 0.1, in: 0...1),
            segments: try integer("clinical.segments", default: 1, in: 1...64))
    }
}
