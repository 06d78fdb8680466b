import Configurations
import NeuralNetworks

/// ECG-JEPA's encoder as it is used downstream: nothing masked, the mean over normalised tokens.
struct ECGJEPAEmbedding: SignalEmbedding {
    let model: ECGJEPA
    let input: InputConfiguration

    func dimension(of readout: Readout) -> Int? {
        readout == .leads ? model.sizes.leads * model.sizes.width : model.sizes.width
    }

    /// The middle, as published; windows are as long as crops unless the configuration says otherwise.
    func cropStarts(windowSamples: Int) -> [Int] { [(windowSamples - input.cropSamples) / 2] }

    func makeWorkspace() -> any EmbeddingWorkspace { ECGJEPAEmbeddingWorkspace(self) }
}

extension ECGJEPAPretraining {
    /// The encoder as it is used downstream.
    public var embedding: (any SignalEmbedding)? { ECGJEPAEmbedding(model: model, input: input) }
}

private final class ECGJEPAEmbeddingWorkspace: EmbeddingWorkspace {
    private let embedding: ECGJEPAEmbedding
    private let reader: IndependentLeadReader

    init(_ embedding: ECGJEPAEmbedding) {
        self.embedding = embedding
        reader = IndependentLeadReader(input: embedding.input)
    }

    func embed(
        window: Int, start: Int, readout: Readout, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        let middle = Shard(
            seed: 0, step: 0, firstPosition: 0, windows: [window], role: .validation)
        let patches = try reader.patches(of: middle, from: source, on: tape)
        let sizes = embedding.model.sizes
        switch readout {
        case .mean, .own: return embedding.model.representation(patches, on: tape)
        case .leads:
            let tokens = embedding.model.encode(patches, on: tape)
            return tape.meanOfRows(tokens, length: sizes.patches)
                .reshaped(columns: sizes.leads * sizes.width)
        }
    }
}
