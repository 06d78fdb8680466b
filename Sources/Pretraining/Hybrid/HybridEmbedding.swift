import ClinicalParameters
import Configurations
import NeuralNetworks

/// The hybrid's encoder as it is used downstream, with its clinical tokens: the mean over all tokens; as the method's own
/// the mean patch beside the mean clinical token.
struct HybridEmbedding: SignalEmbedding {
    let model: Hybrid
    let input: InputConfiguration

    func dimension(of readout: Readout) -> Int? {
        switch readout {
        case .mean: model.sizes.width
        case .leads: nil
        case .own: 2 * model.sizes.width
        }
    }

    /// The middle, as ECG-JEPA's.
    func cropStarts(windowSamples: Int) -> [Int] { [(windowSamples - input.cropSamples) / 2] }

    func makeWorkspace() -> any EmbeddingWorkspace { HybridEmbeddingWorkspace(self) }
}

extension HybridPretraining {
    /// The encoder as it is used downstream.
    public var embedding: (any SignalEmbedding)? { HybridEmbedding(model: model, input: input) }
}

private final class HybridEmbeddingWorkspace: EmbeddingWorkspace {
    private let model: Hybrid
    private let reader: IndependentLeadReader

    init(_ embedding: HybridEmbedding) {
        model = embedding.model
        reader = IndependentLeadReader(input: embedding.input)
    }

    func embed(
        window: Int, start: Int, readout: Readout, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        guard let statistics = model.statistics(in: tape.parameters) else {
            throw HybridError.noStatistics(of: "encoder.clin_scales")
        }
        let middle = Shard(
            seed: 0, step: 0, firstPosition: 0, windows: [window], role: .validation)
        let patches = try reader.patches(of: middle, from: source, on: tape)
        let clinical = ClinicalBatch(of: middle, from: source, statistics: statistics, on: tape)
        let found = model.representation(patches, features: clinical.inputs(on: tape), on: tape)
        guard readout == .own, let parts = found.parts else { return found.mean }
        return parts
    }
}
