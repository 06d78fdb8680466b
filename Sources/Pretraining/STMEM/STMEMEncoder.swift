import NeuralNetworks

/// The encoder of ST-MEM: patches of all leads as one sequence of tokens through a transformer.
///
/// Downstream it sees every patch; in masked pretraining only the chosen ones.
public struct STMEMEncoder: Sendable {
    /// Sizes of the model; those of the decoder play no part.
    public let sizes: STMEMSizes

    private let positions: Int
    private let separator: Int
    private let leadVectors: [Int]
    private let patchNorm: LayerNormalisation
    private let patchEmbedding: Linear
    private let embeddingNorm: LayerNormalisation
    private let blocks: [TransformerBlock]
    private let norm: LayerNormalisation

    /// Adds the encoder's parameters by their official names, `encoder.` before each.
    ///
    /// - Parameters:
    ///   - sizes: Sizes of its parts.
    ///   - trainsPositions: Whether the position table is trained, as it is downstream.
    ///   - list: Gets the parameters.
    public init(
        sizes: STMEMSizes, trainsPositions: Bool = false, in list: inout ParameterList
    ) {
        self.sizes = sizes
        let (n, width) = (sizes.patches, sizes.width)
        positions = list.add(
            "encoder.pos_embedding", shape: [1, n + 2, width],
            .values { PositionTable.withSeparators(positions: n, width: width) },
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
    }

    static func blockNames(_ prefix: String) -> TransformerBlockNames {
        TransformerBlockNames(
            attentionNorm: "\(prefix).attn.norm", qkv: "\(prefix).attn.fn.to_qkv",
            projection: "\(prefix).attn.fn.to_out.0", feedForwardNorm: "\(prefix).ff.norm",
            expansion: "\(prefix).ff.fn.net.0", contraction: "\(prefix).ff.fn.net.3")
    }

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
    ///   - frozenBlocks: Blocks at the beginning that no gradient is wanted for, nor for what is before them.
    ///   - tape: Where the computation is recorded.
    ///   - observe: Called with each block's output; that of a frozen one is valid during the call.
    /// - Returns: Tokens before the last normalisation, shape `[samples * leads * (kept + 2), width]`.
    public func encode(
        _ patches: Value, choice: PatchChoice, frozenBlocks: Int = 0, on tape: Tape,
        observe: (Int, Value) -> Void = { _, _ in }
    ) -> Value {
        func run(_ index: Int, _ x: Value) -> Value {
            let y = blocks[index](x, tokens: choice.leads * (choice.kept + 2), on: tape)
            observe(index, y)
            return y
        }
        // One frozen block's intermediate results are in memory at a time.
        let rows = choice.samples * choice.leads * (choice.kept + 2)
        func frozen(_ body: () -> Value) -> Value {
            tape.detached(rows: rows, columns: sizes.width, body)
        }
        var x: Value
        if frozenBlocks > 0 {
            x = frozen {
                var x = tokens(patches, choice: choice, on: tape)
                for index in 0..<frozenBlocks { x = frozen { run(index, x) } }
                return x
            }
        } else {
            x = tokens(patches, choice: choice, on: tape)
        }
        for index in frozenBlocks..<blocks.count { x = run(index, x) }
        return x
    }

    /// The first block's input.
    private func tokens(_ patches: Value, choice: PatchChoice, on tape: Tape) -> Value {
        let seen = tape.gatherRows(patches, indices: choice.keptRows(on: tape))
        return tape.assembleTokens(
            embed(seen, on: tape), choice: choice,
            separator: tape.parameter(separator),
            leadVectors: leadVectors.map { tape.parameter($0) },
            positions: tape.parameter(positions))
    }

    /// The last normalisation of the encoder.
    public func normalise(_ tokens: Value, on tape: Tape) -> Value { norm(tokens, on: tape) }

    /// The read-out for downstream use: nothing masked, separators dropped, mean over leads and patches, then the
    /// last normalisation.
    ///
    /// - Parameters:
    ///   - patches: Shape `[samples * leads * patches, patchSamples]`.
    ///   - frozenBlocks: Blocks at the beginning that no gradient is wanted for, nor for what is before them; where
    ///     it is all of them, the last normalisation has none either.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[samples, width]`.
    public func pooled(_ patches: Value, frozenBlocks: Int = 0, on tape: Tape) -> Value {
        let samples = patches.rows / (sizes.leads * sizes.patches)
        let choice = PatchChoice.all(
            samples: samples, leads: sizes.leads, patches: sizes.patches, on: tape)
        func readOut() -> Value {
            let tokens = encode(patches, choice: choice, frozenBlocks: frozenBlocks, on: tape)
            let inner = tape.gatherRows(
                tokens, indices: choice.tokenRowsWithoutSeparators(on: tape))
            return norm(tape.meanOfRows(inner, length: sizes.leads * sizes.patches), on: tape)
        }
        return frozenBlocks == blocks.count
            ? tape.detached(rows: samples, columns: sizes.width, readOut) : readOut()
    }
}
