import Configurations
import NeuralNetworks

/// ST-MEM's encoder as it is used downstream: nothing masked, separators dropped, the mean first and then the last
/// normalisation.
struct STMEMEmbedding: SignalEmbedding {
    let encoder: STMEMEncoder
    let input: InputConfiguration
    /// What a method makes of one window's patches beside that, with its number of numbers.
    var own: (dimension: Int, vector: @Sendable (Value, Tape) -> Value)?

    func dimension(of readout: Readout) -> Int? {
        switch readout {
        case .mean: encoder.sizes.width
        case .leads: encoder.sizes.leads * encoder.sizes.width
        case .own: own?.dimension ?? encoder.sizes.width
        }
    }

    /// Samples that the encoder takes of a lead.
    var samples: Int { encoder.sizes.patches * encoder.sizes.patchSamples }

    /// The first, the middle and the last, as published.
    func cropStarts(windowSamples: Int) -> [Int] {
        let slack = windowSamples - samples
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
        let sizes = embedding.encoder.sizes
        let patches = tape.input(rows: sizes.leads * sizes.patches, columns: sizes.patchSamples)
        try reader.read(
            window, start: start, length: embedding.samples, from: source,
            into: UnsafeMutableBufferPointer(start: patches.data, count: patches.count))
        switch readout {
        case .mean: return embedding.encoder.pooled(patches, on: tape)
        case .own:
            return embedding.own?.vector(patches, tape)
                ?? embedding.encoder.pooled(patches, on: tape)
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
