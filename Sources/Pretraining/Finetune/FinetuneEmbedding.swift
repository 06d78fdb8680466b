import Configurations
import Kernels
import NeuralNetworks

extension Finetune {
    /// The vectors that the head gets, before they are standardised.
    ///
    /// The read-out is the one that the encoder was trained with; one that the encoder has itself goes by its own name, too.
    /// A transformer's attention is looked at in the base method.
    public var embedding: SignalEmbedding? {
        var embedding = SignalEmbedding(encoder, input: input, readouts: [])
        embedding.tokens = nil
        let named: Readout? =
            switch settings.pooling {
            case .mean: .mean
            case .leads: .leads
            case .moments: .moments
            case .layers: .layers
            case .parts, .attention: nil
            }
        for readout in [.method, named].compactMap(\.self) {
            embedding.set(readout, dimension: dimension) { signals, pass, source, tape in
                try vectors(of: signals, pass, from: source, on: tape)
            }
        }
        return embedding
    }

    /// What the head says.
    public var classifier: SignalEmbedding {
        SignalEmbedding(encoder, input: input, readouts: [])
            .with(.method, dimension: Self.classes) { signals, pass, source, tape in
                let vector = try vectors(of: signals, pass, from: source, on: tape)
                let logits = logits(vector, of: pass.shard, on: tape)
                let numbers = logits.numbers
                for i in numbers.indices {
                    numbers[i] = Float(
                        1 / (1 + ElementaryFunctions.exponential(-Double(numbers[i]))))
                }
                return logits
            }
    }
}
