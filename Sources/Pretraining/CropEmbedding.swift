import Configurations
import NeuralNetworks

/// An encoder of crops of twelve leads, filtered and standardised, as something that turns windows into vectors.
struct CropEmbedding: SignalEmbedding {
    let input: InputConfiguration
    /// Samples that the encoder takes of a lead.
    let samples: Int
    var tokens: TokenPlaces?
    /// Numbers of a vector; `nil` where there is no such read-out.
    let dimensions: @Sendable (Readout) -> Int?
    /// One row from a record's crop, shape `[leads, samples]`.
    let row: @Sendable (_ crop: Value, _ readout: Readout, _ tape: Tape) -> Value

    func dimension(of readout: Readout) -> Int? { dimensions(readout) }

    /// The first, the middle and the last, as ST-MEM's authors do.
    func cropStarts(windowSamples: Int) -> [Int] {
        let slack = windowSamples - samples
        return slack == 0 ? [0] : [0, slack / 2, slack]
    }

    func makeWorkspace() -> any EmbeddingWorkspace { Workspace(self) }

    private final class Workspace: EmbeddingWorkspace {
        private let embedding: CropEmbedding
        private let reader: WindowReader

        init(_ embedding: CropEmbedding) {
            self.embedding = embedding
            reader = WindowReader(input: embedding.input)
        }

        func embed(
            window: Int, start: Int, readout: Readout, from source: any WindowSource, on tape: Tape
        ) throws -> Value {
            let crop = tape.input(rows: embedding.input.leads, columns: embedding.samples)
            try reader.read(
                window, start: start, length: embedding.samples, from: source,
                into: UnsafeMutableBufferPointer(start: crop.data, count: crop.count))
            return embedding.row(crop, readout, tape)
        }
    }
}
