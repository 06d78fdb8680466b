import Configurations
import NeuralNetworks

extension Backbone {
    /// ST-MEM's read-outs, taken before any projection; `nil` for the convolutional network.
    func embedding(input: InputConfiguration) -> (any SignalEmbedding)? {
        guard case .transformer(let encoder, _) = self else { return nil }
        return STMEMEmbedding(encoder: encoder, input: input)
    }
}

extension SimCLR {
    /// The backbone as it is used downstream.
    public var embedding: (any SignalEmbedding)? { backbone.embedding(input: input) }
}

extension CMSC {
    /// The backbone as it is used downstream, on parts of a window as long as a segment.
    public var embedding: (any SignalEmbedding)? { backbone.embedding(input: input) }
}

extension TripletRefinement {
    /// ST-MEM's read-outs of the encoder, and as the method's own the unit vector that triplets move.
    public var embedding: (any SignalEmbedding)? {
        STMEMEmbedding(
            encoder: encoder, input: input,
            own: (
                settings.outputWidth,
                { patches, tape in embed(features(patches, on: tape), on: tape) }
            ))
    }
}
