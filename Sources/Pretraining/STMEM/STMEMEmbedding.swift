import Configurations
import NeuralNetworks

/// ST-MEM's encoder as it is used downstream: nothing masked, separators dropped, the mean first and then the last
/// normalisation.
struct STMEMEmbedding: SignalEmbedding {
    let encoder: STMEMEncoder
    let input: InputConfiguration

    func dimension(of readout: Readout) -> Int? {
        readout == .leads ? encoder.sizes.leads * encoder.sizes.width : encoder.sizes.width
    }

    /// The first, the middle and the last, as published.
    func cropStarts(windowSamples: Int) -> [Int] {
        let slack = windowSamples - input.cropSamples
        return slack == 0 ? [0] : [0, slack / 2, slack]
    }

    func makeWorkspace() -> any EmbeddingWorkspace { STMEMEmbeddingWorkspace(self) }
}

extension STMEMPretraining {
    /// The encoder as it is used downstream.
    public var embedding: (any SignalEmbedding)? {
        STMEMEmbedding(encoder: model.encoder, input: input)
    }
}

private final class STMEMEmbeddingWorkspace: EmbeddingWorkspace {
    private let embedding: STMEMEmbedding
    private let reader: WindowReader

    init(_ embedding: STMEMEmbedding) {
        self.embedding = embedding
        reader = WindowReader(input: embedding.input)
    }

    func embed(
        window: Int, start: Int, readout: Readout, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        let input = embedding.input
        let patches = tape.input(
            rows: input.leads * input.patchesPerLead, columns: input.patchSamples)
        try reader.read(
            window, start: start, length: input.cropSamples, from: source,
            into: UnsafeMutableBufferPointer(
                start: patches.data, count: input.leads * input.cropSamples))
        switch readout {
        case .mean, .own: return embedding.encoder.pooled(patches, on: tape)
        case .leads: return embedding.encoder.pooledByLead(patches, on: tape)
        }
    }
}

extension STMEMEncoder {
    /// The read-out that keeps leads apart: nothing masked, separators dropped, the mean over each lead's patches, then the
    /// last normalisation.
    ///
    /// - Parameters:
    ///   - patches: Shape `[samples * leads * patches, patchSamples]`.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[samples, leads * width]`.
    public func pooledByLead(_ patches: Value, on tape: Tape) -> Value {
        let samples = patches.rows / (sizes.leads * sizes.patches)
        let choice = PatchChoice.all(
            samples: samples, leads: sizes.leads, patches: sizes.patches, on: tape)
        let tokens = encode(patches, choice: choice, on: tape)
        let inner = tape.gatherRows(
            tokens, indices: choice.tokenRowsWithoutSeparators(on: tape), count: choice.keptCount)
        return normalise(tape.meanOfRows(inner, length: sizes.patches), on: tape)
            .reshaped(columns: sizes.leads * sizes.width)
    }
}
