import Kernels
import NeuralNetworks

/// A fine-tuned encoder as something that turns windows into vectors, or into probabilities of the superclasses.
struct FinetuneEmbedding: SignalEmbedding {
    let method: Finetune
    /// Whether the head is asked, and not what it gets.
    let isClassifier: Bool
    /// Attention is looked at in the base method.
    var tokens: TokenPlaces? { nil }

    /// The read-out is the one that the encoder was trained with; only the mean of it goes by another name.
    func dimension(of readout: Readout) -> Int? {
        guard !isClassifier else { return Finetune.classes }
        switch readout {
        case .own: return method.encoder.dimension
        case .mean: return method.settings.readout == .mean ? method.encoder.dimension : nil
        case .leads: return method.settings.readout == .leads ? method.encoder.dimension : nil
        }
    }

    func cropStarts(windowSamples: Int) -> [Int] {
        FinetuneReader.cropStarts(method.encoder, windowSamples: windowSamples)
    }

    func makeWorkspace() -> any EmbeddingWorkspace { Workspace(self) }

    private final class Workspace: EmbeddingWorkspace {
        private let embedding: FinetuneEmbedding
        private let reader: FinetuneReader

        init(_ embedding: FinetuneEmbedding) {
            self.embedding = embedding
            reader = FinetuneReader(
                embedding.method.encoder, augmentation: embedding.method.settings.augmentation)
        }

        func embed(
            window: Int, start: Int, readout: Readout, from source: any WindowSource, on tape: Tape
        ) throws -> Value {
            let method = embedding.method
            let shard = Shard(
                seed: 0, step: 0, firstPosition: 0, windows: [window], role: .validation)
            let signal = try reader.signal(of: shard, start: start, from: source, on: tape)
            let vector = try method.encoder.vectors(signal, of: shard, from: source, on: tape)
            guard embedding.isClassifier else { return vector }
            let logits = method.logits(vector, of: shard, on: tape)
            for i in 0..<logits.count {
                logits.data[i] = Float(
                    1 / (1 + ElementaryFunctions.exponential(-Double(logits.data[i]))))
            }
            return logits
        }
    }
}

extension Finetune {
    /// The vectors that the head gets, before they are standardised.
    public var embedding: (any SignalEmbedding)? {
        FinetuneEmbedding(method: self, isClassifier: false)
    }

    /// What the head says.
    public var classifier: (any SignalEmbedding)? {
        FinetuneEmbedding(method: self, isClassifier: true)
    }
}
