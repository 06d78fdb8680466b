import NeuralNetworks

/// Sizes of an ECG-JEPA model.
public struct ECGJEPASizes: Sendable, Equatable {
    /// Leads of a record.
    public var leads = 8
    /// Patches of a lead.
    public var patches = 50
    /// Samples of a patch.
    public var patchSamples = 50
    /// Numbers of an encoder token.
    public var width = 768
    /// Encoder blocks.
    public var depth = 12
    /// Attention heads of the encoder.
    public var heads = 16
    /// Hidden numbers of an encoder block's feed-forward part.
    public var hiddenWidth = 3072
    /// Numbers of a predictor token.
    public var predictorWidth = 384
    /// Predictor blocks.
    public var predictorDepth = 6
    /// Attention heads of the predictor.
    public var predictorHeads = 12
    /// Hidden numbers of a predictor block's feed-forward part.
    public var predictorHiddenWidth = 1536
    /// Whether queries, keys and values have a bias.
    public var qkvBias = false

    /// The published sizes.
    public init() {}

    /// How matrices and the mask token begin.
    static let start = Initialiser.normal(deviation: 0.02)

    /// A block with the published names and start; `number` counts from 1.
    func block(
        _ prefix: String, number: Int, width: Int, heads: Int, hiddenWidth: Int,
        in list: inout ParameterList
    ) -> TransformerBlock {
        TransformerBlock(
            TransformerBlockNames(
                attentionNorm: "\(prefix).norm1", qkv: "\(prefix).attn.qkv",
                projection: "\(prefix).attn.proj", feedForwardNorm: "\(prefix).norm2",
                expansion: "\(prefix).mlp.fc1", contraction: "\(prefix).mlp.fc2"),
            size: TransformerBlockSize(
                width: width, heads: heads, headWidth: width / heads, hiddenWidth: hiddenWidth),
            start: TransformerBlockStart(
                matrices: Self.start,
                residualMatrices: .normal(
                    deviation: 0.02 / Double(2 * number).squareRoot()),
                qkvBias: qkvBias),
            in: &list)
    }
}

/// A joint-embedding predictive architecture for ECGs: from the visible patches' features a predictor says what a
/// teacher, the encoder's moving average, makes of the masked ones.
///
/// Source: Kim, "Learning general representation of 12-lead electrocardiogram with a joint-embedding predictive
/// architecture", 2024. Names and constants as in the published code.
public struct ECGJEPA: Sendable {
    /// Sizes of the model.
    public let sizes: ECGJEPASizes
    /// The parameters by their official names.
    public let parameters: ParameterList
    /// Each trained parameter of the encoder and the teacher's that follows it.
    public let teacherPairs: [(student: Int, teacher: Int)]

    let encoder: GridEncoder
    let target: GridEncoder
    let predictor: LeadPredictor

    /// Puts a model together.
    public init(sizes: ECGJEPASizes) {
        self.sizes = sizes
        var list = ParameterList()
        let encoder = GridEncoder("encoder", sizes: sizes, in: &list)
        let end = list.specifications.count
        target = list.addFrozenCopies(of: encoder.firstParameter) {
            GridEncoder("target_encoder", sizes: sizes, in: &$0)
        }
        predictor = LeadPredictor("predictor", sizes: sizes, in: &list)
        let shift = target.firstParameter - encoder.firstParameter
        teacherPairs = (encoder.firstParameter..<end)
            .filter { list.specifications[$0].isTrained }.map { ($0, $0 + shift) }
        self.encoder = encoder
        parameters = list
    }

    // MARK: Parts

    /// The encoder on all patches of some leads.
    ///
    /// - Parameters:
    ///   - patches: Shape `[samples * leads.count * patches, patchSamples]`.
    ///   - leads: Numbers of the leads; all when left out.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Normalised tokens, shape `[samples * leads.count * patches, width]`.
    public func encode(_ patches: Value, leads: [Int]? = nil, on tape: Tape) -> Value {
        encoder(
            encoder.embed(patches, on: tape),
            grid: encoder.wholeGrid(
                of: patches, leads: leads ?? Array(0..<sizes.leads), on: tape), on: tape)
    }

    /// The read-out for downstream use: nothing masked, the mean over all normalised tokens.
    ///
    /// - Parameters:
    ///   - patches: Shape `[samples * leads.count * patches, patchSamples]`.
    ///   - leads: Numbers of the leads; all when left out.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[samples, width]`.
    public func representation(_ patches: Value, leads: [Int]? = nil, on tape: Tape) -> Value {
        tape.meanOfRows(
            encode(patches, leads: leads, on: tape),
            length: (leads?.count ?? sizes.leads) * sizes.patches)
    }

    /// The encoder on visible patches.
    ///
    /// - Returns: Normalised tokens, shape `[samples * leads * visible, width]`.
    public func context(_ patches: Value, mask: ColumnMask, on tape: Tape) -> Value {
        context(patches, mask: mask, dropPath: nil, on: tape)
    }

    func context(
        _ patches: Value, mask: ColumnMask, dropPath: DropPath?, on tape: Tape
    ) -> Value {
        let samples = samples(of: patches)
        let rows = mask.visibleRows(leads: samples * sizes.leads, on: tape)
        let seen = tape.gatherRows(patches, indices: rows.indices)
        let grid = TokenGrid(
            samples: samples, leads: 0..<sizes.leads, columns: mask.visible,
            tableColumns: encoder.tableColumns, on: tape
        ) { Int(mask.order[$0]) }
        return encoder(encoder.embed(seen, on: tape), grid: grid, dropPath: dropPath, on: tape)
    }

    /// The teacher on all patches, without gradients.
    ///
    /// - Returns: Normalised tokens, shape `[samples * leads * patches, width]`.
    public func teach(_ patches: Value, on tape: Tape) -> Value {
        teach(patches, wanted: nil, dropPath: nil, on: tape)
    }

    func teach(
        _ patches: Value, wanted: TokenRows?, dropPath: DropPath?, on tape: Tape
    ) -> Value {
        let grid = target.wholeGrid(of: patches, leads: 0..<sizes.leads, on: tape)
        return target.detached(
            target.embed(patches, on: tape), grid: grid, dropPath: dropPath, wanted: wanted,
            on: tape)
    }

    /// The teacher's features of masked patches, normalised once more.
    ///
    /// - Returns: Shape `[samples * leads * masked, width]`.
    public func targets(_ patches: Value, mask: ColumnMask, on tape: Tape) -> Value {
        targets(patches, mask: mask, dropPath: nil, on: tape)
    }

    func targets(
        _ patches: Value, mask: ColumnMask, dropPath: DropPath?, on tape: Tape
    ) -> Value {
        let wanted = mask.maskedRows(leads: samples(of: patches) * sizes.leads, on: tape)
        return tape.detached(rows: wanted.count, columns: sizes.width) {
            tape.layerNormalisation(
                teach(patches, wanted: wanted, dropPath: dropPath, on: tape), epsilon: 1e-5)
        }
    }

    /// The predictor on the context encoder's result.
    ///
    /// - Returns: As `LeadPredictor`: masked patches alone, or behind the visible ones.
    public func predict(
        _ context: Value, mask: ColumnMask, includesVisible: Bool = false, on tape: Tape
    ) -> Value {
        predictor(context, mask: mask, includesVisible: includesVisible, on: tape)
    }

    /// The pretraining loss: the mean distance of predicted and taught features of masked patches.
    ///
    /// - Parameters:
    ///   - patches: Shape `[samples * leads * patches, patchSamples]`.
    ///   - mask: Which patches the encoder does not see.
    ///   - tape: Where the computation is recorded.
    /// - Returns: A 1 x 1 value, and the loss in double.
    public func loss(
        _ patches: Value, mask: ColumnMask, on tape: Tape
    ) -> (value: Value, loss: Double) {
        let outcome = outcome(patches, mask: mask, drops: ECGJEPADrops(), on: tape)
        return (outcome.value, outcome.loss)
    }

    func outcome(
        _ patches: Value, mask: ColumnMask, drops: ECGJEPADrops, on tape: Tape
    ) -> (value: Value, loss: Double, targets: Value) {
        let targets = targets(patches, mask: mask, dropPath: drops.target, on: tape)
        let context = context(patches, mask: mask, dropPath: drops.context, on: tape)
        let predicted = predictor(context, mask: mask, dropPath: drops.predictor, on: tape)
        let (value, loss) = tape.smoothL1(predicted, target: targets.numbers)
        return (value, loss, targets)
    }

    func samples(of patches: Value) -> Int { patches.rows / (sizes.leads * sizes.patches) }
}
