import NeuralNetworks

/// Sizes of an ST-MEM model.
public struct STMEMSizes: Sendable, Equatable {
    /// Leads of a record.
    public var leads = 12
    /// Patches of a lead.
    public var patches = 30
    /// Samples of a patch.
    public var patchSamples = 75
    /// Numbers of an encoder token.
    public var width = 192
    /// Encoder blocks.
    public var depth = 6
    /// Attention heads of the encoder.
    public var heads = 3
    /// Numbers of a head in the encoder.
    public var headWidth = 64
    /// Hidden numbers of an encoder block's feed-forward part.
    public var hiddenWidth = 768
    /// Numbers of a decoder token.
    public var decoderWidth = 128
    /// Decoder blocks.
    public var decoderDepth = 2
    /// Attention heads of the decoder.
    public var decoderHeads = 2
    /// Numbers of a head in the decoder.
    public var decoderHeadWidth = 64
    /// Hidden numbers of a decoder block's feed-forward part.
    public var decoderHiddenWidth = 512
    /// Share of each lead's patches that is removed.
    public var maskRatio = 0.75
    /// Whether targets are standardised patch by patch.
    public var normalisesPatches = true

    /// The sizes of the configuration `tiny`.
    public init() {}

    /// Patches of a lead that the encoder sees.
    public var keptPatches: Int { Int(Double(patches) * (1 - maskRatio)) }
}

/// Masked spatio-temporal modelling of 12-lead ECGs: the encoder sees a quarter of each lead's patches, the decoder
/// rebuilds the rest.
///
/// Source: Na et al., "Guiding masked representation learning to capture spatio-temporal relationship of
/// electrocardiogram", 2024. Names and constants as in the published code.
public struct STMEM: Sendable {
    /// Sizes of the model.
    public let sizes: STMEMSizes
    /// The parameters by their official names.
    public let parameters: ParameterList

    /// The encoder.
    public let encoder: STMEMEncoder

    private let maskVector: Int
    private let decoderPositions: Int
    private let decoderEmbedding: Linear
    private let decoderBlocks: [TransformerBlock]
    private let decoderNorm: LayerNormalisation
    private let decoderHead: Linear

    /// Puts a model together.
    ///
    /// - Parameters:
    ///   - sizes: Sizes of its parts.
    ///   - trainsPositions: Whether the encoder's position table is trained, as it is downstream.
    public init(sizes: STMEMSizes, trainsPositions: Bool = false) {
        self.sizes = sizes
        var list = ParameterList()
        encoder = STMEMEncoder(sizes: sizes, trainsPositions: trainsPositions, in: &list)

        let decoderWidth = sizes.decoderWidth
        decoderEmbedding = Linear(
            "to_decoder_embedding", inputs: sizes.width, outputs: decoderWidth, in: &list)
        maskVector = list.add(
            "mask_embedding", shape: [1, 1, decoderWidth], .normal(deviation: 0.02))
        decoderPositions = list.add(
            "decoder_pos_embed", shape: [1, sizes.patches + 2, decoderWidth],
            .values { PositionTable.withSeparators(positions: sizes.patches, width: decoderWidth) },
            isTrained: false)
        decoderBlocks = (0..<sizes.decoderDepth).map {
            TransformerBlock(
                STMEMEncoder.blockNames("decoder_blocks.\($0)"),
                size: TransformerBlockSize(
                    width: decoderWidth, heads: sizes.decoderHeads,
                    headWidth: sizes.decoderHeadWidth, hiddenWidth: sizes.decoderHiddenWidth),
                in: &list)
        }
        decoderNorm = LayerNormalisation(
            "decoder_norm", width: decoderWidth, epsilon: 1e-6, in: &list)
        decoderHead = Linear(
            "decoder_head", inputs: decoderWidth, outputs: sizes.patchSamples, in: &list)
        parameters = list
    }

    // MARK: Decoder

    /// Which patches a prediction is made for.
    public enum Prediction: Sendable {
        case removedPatches
        case allPatches
    }

    /// The decoder: each lead by itself, mask vectors in place of what the encoder did not see.
    ///
    /// - Parameters:
    ///   - latent: Normalised encoder tokens, shape `[samples * leads * (kept + 2), width]`.
    ///   - choice: Which patches the encoder saw.
    ///   - prediction: Which patches are wanted. The last block's feed-forward part and the head work on one token
    ///     at a time, so they run for these alone.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[wanted patches, patchSamples]`, in the order of `choice`'s rows.
    public func decode(
        _ latent: Value, choice: PatchChoice, prediction: Prediction, on tape: Tape
    ) -> Value {
        var x = tape.assembleDecoderTokens(
            decoderEmbedding(latent, on: tape), choice: choice,
            maskVector: tape.parameter(maskVector), positions: tape.parameter(decoderPositions))
        let tokens = choice.patches + 2
        for block in decoderBlocks.dropLast() { x = block(x, tokens: tokens, on: tape) }
        if let last = decoderBlocks.last { x = last.attention(x, tokens: tokens, on: tape) }
        let rows = choice.decoderTokenRows(of: prediction, on: tape)
        x = tape.gatherRows(x, indices: rows)
        if let last = decoderBlocks.last { x = last.feedForward(x, on: tape) }
        return decoderHead(decoderNorm(x, on: tape), on: tape)
    }

    /// The pretraining loss: mean squared error over the samples of removed patches.
    ///
    /// - Parameters:
    ///   - patches: Shape `[samples * leads * patches, patchSamples]`.
    ///   - choice: Which patches the encoder sees.
    ///   - tape: Where the computation is recorded.
    /// - Returns: A 1 x 1 value, and the loss in double.
    public func loss(
        _ patches: Value, choice: PatchChoice, on tape: Tape
    ) -> (value: Value, loss: Double) {
        let latent = encoder.normalise(
            encoder.encode(patches, choice: choice, on: tape), on: tape)
        let predicted = decode(latent, choice: choice, prediction: .removedPatches, on: tape)
        return tape.patchLoss(
            predicted, patches: patches, rows: choice.removedRows(on: tape),
            normalises: sizes.normalisesPatches)
    }
}
