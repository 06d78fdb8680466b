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

    private let positions: Int
    private let separator: Int
    private let leadVectors: [Int]
    private let patchNorm: LayerNormalisation
    private let patchEmbedding: Linear
    private let embeddingNorm: LayerNormalisation
    private let blocks: [TransformerBlock]
    private let norm: LayerNormalisation

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
        let (n, width) = (sizes.patches, sizes.width)
        positions = list.add(
            "encoder.pos_embedding", shape: [1, n + 2, width],
            .values(PositionTable.withSeparators(positions: n, width: width)),
            isTrained: trainsPositions)
        patchNorm = LayerNormalisation(
            "encoder.to_patch_embedding.1", width: sizes.patchSamples, in: &list)
        patchEmbedding = Linear(
            "encoder.to_patch_embedding.2", inputs: sizes.patchSamples, outputs: width, in: &list)
        embeddingNorm = LayerNormalisation(
            "encoder.to_patch_embedding.3", width: width, in: &list)
        separator = list.add(
            "encoder.sep_embedding", shape: [width], .normal(deviation: 0.02))
        leadVectors = (0..<sizes.leads).map {
            list.add("encoder.lead_embeddings.\($0)", shape: [width], .normal(deviation: 0.02))
        }
        blocks = (0..<sizes.depth).map {
            TransformerBlock(
                Self.blockNames("encoder.block\($0)"),
                size: TransformerBlockSize(
                    width: width, heads: sizes.heads, headWidth: sizes.headWidth,
                    hiddenWidth: sizes.hiddenWidth), in: &list)
        }
        norm = LayerNormalisation("encoder.norm", width: width, in: &list)

        let decoderWidth = sizes.decoderWidth
        decoderEmbedding = Linear(
            "to_decoder_embedding", inputs: width, outputs: decoderWidth, in: &list)
        maskVector = list.add(
            "mask_embedding", shape: [1, 1, decoderWidth], .normal(deviation: 0.02))
        decoderPositions = list.add(
            "decoder_pos_embed", shape: [1, n + 2, decoderWidth],
            .values(PositionTable.withSeparators(positions: n, width: decoderWidth)),
            isTrained: false)
        decoderBlocks = (0..<sizes.decoderDepth).map {
            TransformerBlock(
                Self.blockNames("decoder_blocks.\($0)"),
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

    private static func blockNames(_ prefix: String) -> TransformerBlockNames {
        TransformerBlockNames(
            attentionNorm: "\(prefix).attn.norm", qkv: "\(prefix).attn.fn.to_qkv",
            projection: "\(prefix).attn.fn.to_out.0", feedForwardNorm: "\(prefix).ff.norm",
            expansion: "\(prefix).ff.fn.net.0", contraction: "\(prefix).ff.fn.net.3")
    }

    // MARK: Encoder

    /// Patches to vectors, without positions.
    ///
    /// - Parameters:
    ///   - patches: Shape `[rows, patchSamples]`.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[rows, width]`.
    public func embed(_ patches: Value, on tape: Tape) -> Value {
        embeddingNorm(
            patchEmbedding(patchNorm(patches, on: tape), on: tape), on: tape)
    }

    /// The encoder on chosen patches of each lead.
    ///
    /// - Parameters:
    ///   - patches: All patches, shape `[samples * leads * patches, patchSamples]`.
    ///   - choice: Which patches are seen, in which order.
    ///   - tape: Where the computation is recorded.
    ///   - observe: Called with each block's output.
    /// - Returns: Tokens before the last normalisation, shape `[samples * leads * (kept + 2), width]`.
    public func encode(
        _ patches: Value, choice: PatchChoice, on tape: Tape,
        observe: (Int, Value) -> Void = { _, _ in }
    ) -> Value {
        let seen = tape.gatherRows(
            patches, indices: choice.keptRows(on: tape), count: choice.keptCount)
        var x = tape.assembleTokens(
            embed(seen, on: tape), choice: choice,
            separator: tape.parameter(separator),
            leadVectors: leadVectors.map { tape.parameter($0) },
            positions: tape.parameter(positions))
        for (index, block) in blocks.enumerated() {
            x = block(x, tokens: choice.leads * (choice.kept + 2), on: tape)
            observe(index, x)
        }
        return x
    }

    /// The last normalisation of the encoder.
    public func normalise(_ tokens: Value, on tape: Tape) -> Value { norm(tokens, on: tape) }

    /// The read-out for downstream use: nothing masked, separators dropped, mean over leads and patches, then the
    /// last normalisation.
    ///
    /// - Parameters:
    ///   - patches: Shape `[samples * leads * patches, patchSamples]`.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[samples, width]`.
    public func pooled(_ patches: Value, on tape: Tape) -> Value {
        let samples = patches.rows / (sizes.leads * sizes.patches)
        let choice = PatchChoice.all(
            samples: samples, leads: sizes.leads, patches: sizes.patches, on: tape)
        let tokens = encode(patches, choice: choice, on: tape)
        let inner = tape.gatherRows(
            tokens, indices: choice.tokenRowsWithoutSeparators(on: tape),
            count: choice.keptCount)
        return norm(tape.meanOfRows(inner, length: sizes.leads * sizes.patches), on: tape)
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
        x = tape.gatherRows(x, indices: rows.indices, count: rows.count)
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
        let latent = norm(encode(patches, choice: choice, on: tape), on: tape)
        let predicted = decode(latent, choice: choice, prediction: .removedPatches, on: tape)
        return tape.patchLoss(
            predicted, patches: patches, rows: choice.removedRows(on: tape),
            normalises: sizes.normalisesPatches)
    }
}
