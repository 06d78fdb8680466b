import Configurations
import NeuralNetworks

/// An encoder that takes the middle of a window, as ECG-JEPA's does, as something that turns windows into vectors.
struct MiddleEmbedding: SignalEmbedding {
    /// One row from the window of a shard of one.
    typealias Embedder = (
        _ middle: Shard, _ readout: Readout, _ source: any WindowSource, _ tape: Tape
    ) throws -> Value

    let input: InputConfiguration
    let tokens: TokenPlaces?
    /// Numbers of a vector; `nil` where there is no such read-out.
    let dimensions: @Sendable (Readout) -> Int?
    /// Makes what one thread embeds windows with.
    let makeEmbedder: @Sendable () -> Embedder

    func dimension(of readout: Readout) -> Int? { dimensions(readout) }

    /// The middle, as published; windows are as long as crops unless the configuration says otherwise.
    func cropStarts(windowSamples: Int) -> [Int] { [(windowSamples - input.cropSamples) / 2] }

    func makeWorkspace() -> any EmbeddingWorkspace { Workspace(embed: makeEmbedder()) }

    private final class Workspace: EmbeddingWorkspace {
        private let embed: Embedder

        init(embed: @escaping Embedder) { self.embed = embed }

        func embed(
            window: Int, start: Int, readout: Readout, from source: any WindowSource, on tape: Tape
        ) throws -> Value {
            let middle = Shard(
                seed: 0, step: 0, firstPosition: 0, windows: [window], role: .validation)
            return try embed(middle, readout, source, tape)
        }
    }
}

extension ECGJEPASizes {
    /// Where patches stand in a grid of the eight leads and perhaps further rows, with perhaps further columns.
    func tokenPlaces(extraColumns: Int = 0) -> TokenPlaces {
        TokenPlaces(
            leads: (0..<leads).map {
                $0 < IndependentLeads.numbers.count ? IndependentLeads.numbers[$0] : nil
            },
            columns: patches + extraColumns, patches: 0..<patches, patchSamples: patchSamples)
    }
}

extension ECGJEPAPretraining {
    /// The encoder as it is used downstream: nothing masked, the mean over normalised tokens, of a record or of each lead.
    public var embedding: (any SignalEmbedding)? {
        let sizes = model.sizes
        return MiddleEmbedding(
            input: input, tokens: sizes.tokenPlaces(),
            dimensions: { $0 == .leads ? sizes.leads * sizes.width : sizes.width }
        ) { [model, input, settings] in
            let reader = IndependentLeadReader(input: input, gain: settings.signalGain)
            return { middle, readout, source, tape in
                let patches = try reader.patches(of: middle, from: source, on: tape)
                guard readout == .leads else { return model.representation(patches, on: tape) }
                return tape.meanOfRows(model.encode(patches, on: tape), length: sizes.patches)
                    .reshaped(columns: sizes.leads * sizes.width)
            }
        }
    }
}
