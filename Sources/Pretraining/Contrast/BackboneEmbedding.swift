import Configurations
import NeuralNetworks

extension Backbone {
    /// What a method's backbone makes of a signal, taken before any projection: of the transformer ST-MEM's read-outs; of
    /// the convolutional network the mean over the last block's times, and as its own the vector.
    ///
    /// The convolutional network mixes the leads in its first layer, so nothing of it belongs to one lead.
    func embedding(input: InputConfiguration) -> any SignalEmbedding {
        switch self {
        case .transformer(let encoder, _): return encoder.embedding(input: input)
        case .convolutional(let encoder):
            return CropEmbedding(
                input: input, samples: encoder.samples,
                dimensions: { readout in
                    switch readout {
                    case .mean: encoder.lastChannels
                    case .leads: nil
                    case .own: encoder.width
                    }
                }
            ) { crop, readout, tape in
                readout == .own
                    ? encoder(crop, nil, on: tape) : encoder.meanOfTimes(crop, on: tape)
            }
        }
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

extension CPC {
    /// The mean over all contexts; as the method's own the last one, which has seen the whole record.
    public var embedding: (any SignalEmbedding)? {
        let (width, time) = (settings.contextWidth, settings.time)
        return CropEmbedding(
            input: input, samples: input.cropSamples, dimensions: { $0 == .leads ? nil : width }
        ) { [model] crop, readout, tape in
            let contexts = model.contexts(model.latents(crop, on: tape), on: tape)
            guard readout == .own else { return tape.meanOfRows(contexts, length: time) }
            let last = TokenRows(time - 1..<time, ofGroups: 1, length: time, on: tape)
            return tape.gatherRows(contexts, indices: last.indices, count: last.count)
        }
    }
}

extension TripletRefinement {
    /// ST-MEM's read-outs of the encoder, and as the method's own the unit vector that triplets move.
    public var embedding: (any SignalEmbedding)? {
        encoder.embedding(
            input: input,
            own: (
                settings.outputWidth,
                { patches, tape in embed(features(patches, on: tape), on: tape) }
            ))
    }
}
