import NeuralNetworks

/// Predicts the masked patches' features from the visible ones', each lead by itself.
struct LeadPredictor: Sendable {
    private let patches: Int
    private let embedding: Linear
    private let maskToken: Int
    private let positions: Int
    private let blocks: [TransformerBlock]
    private let norm: LayerNormalisation
    private let projection: Linear

    var depth: Int { blocks.count }

    /// Adds the predictor's parameters.
    init(_ prefix: String, sizes: ECGJEPASizes, in list: inout ParameterList) {
        patches = sizes.patches
        let width = sizes.predictorWidth
        embedding = Linear(
            "\(prefix).predictor_embed", inputs: sizes.width, outputs: width,
            initialiser: ECGJEPASizes.start, in: &list)
        maskToken = list.add("\(prefix).mask_token", shape: [1, 1, width], ECGJEPASizes.start)
        positions = list.add(
            "\(prefix).pos_embed", shape: [patches, width],
            .values { [patches] in PositionTable.grid(leads: 1, columns: patches, width: width) },
            isTrained: false)
        blocks = (0..<sizes.predictorDepth).map {
            sizes.block(
                "\(prefix).predictor_blocks.blocks.\($0)", number: $0 + 1, width: width,
                heads: sizes.predictorHeads, hiddenWidth: sizes.predictorHiddenWidth, in: &list)
        }
        norm = LayerNormalisation("\(prefix).predictor_norm", width: width, in: &list)
        projection = Linear(
            "\(prefix).predictor_proj", inputs: width, outputs: sizes.width,
            initialiser: ECGJEPASizes.start, in: &list)
    }

    /// Features of masked patches.
    ///
    /// - Parameters:
    ///   - context: Features of visible patches, shape `[leadsOfAllSamples * visible, width]`.
    ///   - mask: Which patches these are.
    ///   - includesVisible: Whether visible patches' features are predicted, too; they come before the masked ones'
    ///     within each lead then.
    ///   - dropPath: Which branches are dropped; a lead counts as a sample.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[leadsOfAllSamples * masked, width]`, or `[leadsOfAllSamples * patches, width]`.
    func callAsFunction(
        _ context: Value, mask: ColumnMask, includesVisible: Bool = false,
        dropPath: DropPath? = nil, on tape: Tape
    ) -> Value {
        let leads = context.rows / mask.visible
        let masks = tape.gatherRows(
            tape.parameter(maskToken),
            indices: tape.numbers(repeating: 0, count: leads * mask.masked))
        var x = tape.joinGroups(embedding(context, on: tape), masks, groups: leads)
        for (index, block) in blocks.enumerated() {
            let factors = dropPath?.factors(ofBlock: index)
            x = tape.addRows(of: tape.parameter(positions), indices: mask.order, to: x)
            x = block.attention(x, tokens: patches, factors: factors, on: tape)
            if index == depth - 1, !includesVisible {
                // Behind the visible ones of each lead.
                let rows = TokenRows(
                    mask.visible..<patches, ofGroups: leads, length: patches, on: tape)
                x = tape.gatherRows(x, indices: rows.indices)
            }
            x = block.feedForward(x, factors: factors, on: tape)
        }
        return projection(norm(x, on: tape), on: tape)
    }
}
