import Configurations
import NeuralNetworks

extension STMEMPretraining {
    /// The encoder as it is used downstream.
    public var embedding: (any SignalEmbedding)? { model.encoder.embedding(input: input) }
}

extension STMEMEncoder {
    /// The encoder as it is used downstream: nothing masked, separators dropped, the mean first and then the last
    /// normalisation.
    ///
    /// - Parameters:
    ///   - input: What a sample is.
    ///   - own: What a method makes of one window's patches beside that, with its number of numbers.
    /// - Returns: Something that turns windows into vectors.
    func embedding(
        input: InputConfiguration,
        own: (dimension: Int, vector: @Sendable (_ patches: Value, _ tape: Tape) -> Value)? = nil
    ) -> CropEmbedding {
        CropEmbedding(
            input: input, samples: sizes.patches * sizes.patchSamples, tokens: tokenPlaces,
            dimensions: { [sizes] readout in
                switch readout {
                case .mean: sizes.width
                case .leads: sizes.leads * sizes.width
                case .own: own?.dimension ?? sizes.width
                }
            }
        ) { crop, readout, tape in
            let patches = crop.reshaped(columns: sizes.patchSamples)
            return switch readout {
            case .mean: pooled(patches, on: tape)
            case .leads: pooledByLead(patches, on: tape)
            case .own: own?.vector(patches, tape) ?? pooled(patches, on: tape)
            }
        }
    }

    /// Each lead's patches stand between two separators.
    var tokenPlaces: TokenPlaces {
        TokenPlaces(
            leads: Array(0..<sizes.leads), columns: sizes.patches + 2,
            patches: 1..<sizes.patches + 1, patchSamples: sizes.patchSamples)
    }

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
