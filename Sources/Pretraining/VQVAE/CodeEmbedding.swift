import NeuralNetworks

extension VQFullPretraining {
    /// The mean of the encoder's tokens, of a record or of each lead; the method's own read-out is the mean of their codes.
    public var embedding: (any SignalEmbedding)? {
        let width = settings.encoder.width
        return CropEmbedding(
            input: input, samples: input.cropSamples, tokens: model.encoder.tokenPlaces,
            dimensions: { [input] in $0 == .leads ? input.leads * width : width }
        ) { [model, input] crop, readout, tape in
            let patches = crop.reshaped(columns: input.patchSamples)
            if readout == .leads { return model.meanOfLeads(patches, on: tape) }
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
        model.encoder.embedding(
            input: input,
            own: (
                settings.latentWidth,
                { [model] patches, tape in
                    model.quantiser.replaced(model.latent(of: patches, on: tape), on: tape)
                }
            ))
    }
}
