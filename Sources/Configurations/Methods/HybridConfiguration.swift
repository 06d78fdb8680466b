/// The settings of ECG-JEPA with clinical parameters beside the signal.
public struct HybridConfiguration: Sendable, Equatable {
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
    /// Part of the features that the context of a sample does without.
    public let featureDrop: Double
    /// Weight of the loss of features that are told from the signal alone.
    public let auxiliaryWeight: Double

    init(
        from reader: inout ConfigurationReader, shared: SharedSettings
    ) throws(ConfigurationError) {
        jepa = try ECGJEPAConfiguration(from: &reader, shared: shared)
        layout = try reader.choice("hybrid", default: .tokens)
        guard layout == .tokens else {
            // Nothing is dropped and nothing is told: these keys are refused as unknown.
            (columnDrop, featureDrop, auxiliaryWeight) = (0, 0, 0)
            return
        }
        columnDrop = try reader.number("clinical.columnDrop", default: 0.5, in: 0...1)
        featureDrop = try reader.number("clinical.featureDrop", default: 0.1, in: 0...1)
        auxiliaryWeight = try reader.number(
            "clinical.auxiliaryWeight", default: 0.1, in: 0...1_000)
    }
}
