import Configurations
import NeuralNetworks

/// A method with codes as something that turns windows into vectors: what its encoder says, or what is left of it in
/// codes.
struct CodeEmbedding: SignalEmbedding {
    let input: InputConfiguration
    /// Numbers of a vector; `nil` where there is no such read-out.
    let dimensions: @Sendable (Readout) -> Int?
    /// One row from a record's patches, shape `[leads * patches, patchSamples]`.
    let row: @Sendable (_ patches: Value, _ readout: Readout, _ tape: Tape) -> Value

    func dimension(of readout: Readout) -> Int? { dimensions(readout) }

    /// As ST-MEM's: the first, the middle and the last.
    func cropStarts(windowSamples: Int) -> [Int] {
        let slack = windowSamples - input.cropSamples
        return slack == 0 ? [0] : [0, slack / 2, slack]
    }

    func makeWorkspace() -> any EmbeddingWorkspace { Workspace(self) }

    private final class Workspace: EmbeddingWorkspace {
        private let embedding: CodeEmbedding
        private let reader: WindowReader

        init(_ embedding: CodeEmbedding) {
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
            return embedding.row(patches, readout, tape)
        }
    }
}

extension VQFullPretraining {
    /// The mean of a record's tokens; the method's own read-out is that of their codes.
    public var embedding: (any SignalEmbedding)? {
        CodeEmbedding(
            input: input,
            dimensions: { [settings] in $0 == .leads ? nil : settings.encoder.width }
        ) { [model] patches, readout, tape in
            let tokens = model.tokens(of: patches, on: tape)
            return tape.meanOfRows(
                readout == .own ? model.quantiser.replaced(tokens, on: tape) : tokens,
                length: tokens.rows)
        }
    }
}

extension VQFinetunePretraining {
    /// ST-MEM's read-outs of the encoder; the method's own is the record's code.
    public var embedding: (any SignalEmbedding)? {
        let width = settings.encoder.width
        return CodeEmbedding(
            input: input,
            dimensions: { [input, settings] readout in
                switch readout {
                case .mean: width
                case .leads: input.leads * width
                case .own: settings.latentWidth
                }
            }
        ) { [model] patches, readout, tape in
            switch readout {
            case .mean: model.encoder.pooled(patches, on: tape)
            case .leads: model.encoder.pooledByLead(patches, on: tape)
            case .own: model.quantiser.replaced(model.latent(of: patches, on: tape), on: tape)
            }
        }
    }
}
