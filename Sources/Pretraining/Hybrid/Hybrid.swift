import NeuralNetworks
import Tensors

/// ECG-JEPA with clinical parameters: one more token for each lead, in a time column of their own.
///
/// The teacher sees the column always, the context in a part of the steps; in the others it is asked to tell the
/// parameters from the signal.
public struct Hybrid: Sendable {
    /// Sizes of the model.
    public let sizes: ECGJEPASizes
    /// The parameters by their names: ECG-JEPA's, and those of the clinical tokens.
    public let parameters: ParameterList
    /// Each trained parameter of the encoder and the teacher's that follows it.
    public let teacherPairs: [(student: Int, teacher: Int)]

    let encoder: ClinicalEncoder
    private let target: ClinicalEncoder
    private let predictor: LeadPredictor
    private let head: Linear
    /// How features are normalised, kept with the weights.
    let statistics: ClinicalStatistics

    /// Puts a model together.
    ///
    /// - Parameters:
    ///   - sizes: Of ECG-JEPA's part.
    ///   - segments: Segments that a clinical feature is told by; 1 for its normalised value.
    public init(sizes: ECGJEPASizes, segments: Int = 1) {
        precondition(sizes.leads == ClinicalTokens.leads, "\(sizes.leads) leads")
        self.sizes = sizes
        var list = ParameterList()
        let encoder = ClinicalEncoder("encoder", sizes: sizes, segments: segments, in: &list)
        let end = list.specifications.count
        target = list.addFrozenCopies(of: encoder.firstParameter) {
            ClinicalEncoder("target_encoder", sizes: sizes, segments: segments, in: &$0)
        }
        predictor = LeadPredictor("predictor", sizes: sizes, in: &list)
        head = Linear(
            "clin_head", inputs: sizes.width, outputs: ClinicalTokens.features,
            initialiser: ECGJEPASizes.start, in: &list)
        statistics = ClinicalStatistics("encoder", segments: segments, in: &list)
        let shift = target.firstParameter - encoder.firstParameter
        teacherPairs = (encoder.firstParameter..<end)
            .filter { list.specifications[$0].isTrained }.map { ($0, $0 + shift) }
        self.encoder = encoder
        parameters = list
    }

    // MARK: Parts

    /// The read-out for downstream use.
    ///
    /// - Parameters:
    ///   - patches: Shape `[samples * leads * patches, patchSamples]`.
    ///   - features: Shape `[samples * leads, ClinicalTokens.inputs]`; `nil` leaves the clinical column out.
    ///   - tape: Where the computation is recorded.
    /// - Returns: The mean over all tokens, shape `[samples, width]`; the mean patch beside the mean clinical token,
    ///   shape `[samples, 2 * width]`, where there are any; and the leads' mean patches, behind them their clinical
    ///   tokens where there are any, shape `[samples, leads * width]` or twice as wide.
    public func representation(
        _ patches: Value, features: Value?, on tape: Tape
    ) -> (mean: Value, parts: Value?, leads: Value) {
        let tokens = encoder.tokens(patches, features: features, on: tape)
        let samples = samples(of: patches)
        let mean = tape.meanOfRows(tokens, length: tokens.rows / samples)
        guard features != nil else {
            let leads = tape.meanOfRows(tokens, length: sizes.patches)
            return (mean, nil, leads.reshaped(columns: sizes.leads * sizes.width))
        }
        return (
            mean, encoder.parts(tokens, samples: samples, on: tape),
            encoder.byLead(tokens, samples: samples, on: tape)
        )
    }

    /// The teacher's features of masked patches, normalised once more.
    ///
    /// - Returns: Shape `[samples * leads * masked, width]`.
    func targets(
        _ patches: Value, features: Value, mask: ColumnMask, dropPath: DropPath?, on tape: Tape
    ) -> Value {
        let samples = self.samples(of: patches)
        let wanted = mask.maskedRows(leads: samples * sizes.leads, extraColumns: 1, on: tape)
        let grid = grid(samples: samples, columns: sizes.patches + 1, on: tape) { $0 }
        return tape.detached(rows: wanted.count, columns: sizes.width) {
            let tokens = target.grid.detached(
                target.embed(patches, features: features, on: tape), grid: grid,
                dropPath: dropPath, wanted: wanted, on: tape)
            return tape.layerNormalisation(tokens, epsilon: 1e-5)
        }
    }

    /// The context encoder's tokens of visible patches.
    ///
    /// - Parameters:
    ///   - patches: All patches.
    ///   - features: The clinical tokens' numbers; `nil` where the column is dropped.
    ///   - mask: Which patches are visible.
    ///   - dropPath: Which branches are dropped.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[samples * leads * visible, width]`, the clinical tokens left out.
    func context(
        _ patches: Value, features: Value?, mask: ColumnMask, dropPath: DropPath?, on tape: Tape
    ) -> Value {
        let samples = self.samples(of: patches)
        let leads = samples * sizes.leads
        let rows = mask.visibleRows(leads: leads, on: tape)
        let seen = tape.gatherRows(patches, indices: rows.indices)
        let columns = mask.visible + (features == nil ? 0 : 1)
        let grid = grid(samples: samples, columns: columns, on: tape) {
            $0 < mask.visible ? Int(mask.order[$0]) : sizes.patches
        }
        guard let features else {
            return encoder.grid(
                encoder.grid.embed(seen, on: tape), grid: grid, dropPath: dropPath, on: tape)
        }
        let signal = TokenRows(0..<mask.visible, ofGroups: leads, length: columns, on: tape)
        return encoder.grid(
            encoder.embed(seen, features: features, on: tape), grid: grid, dropPath: dropPath,
            wanted: signal, on: tape)
    }

    /// What a step of the hybrid yields.
    struct Outcome {
        let value: Value
        let loss: Double
        let predictionLoss: Double
        let auxiliaryLoss: Double
        let targets: Value
    }

    /// The loss of a shard: ECG-JEPA's on masked patches, and, where the context does without the clinical column, that of
    /// telling the features from the signal.
    ///
    /// - Parameters:
    ///   - patches: All patches.
    ///   - clinical: The shard's features.
    ///   - mask: Which patches are visible.
    ///   - drops: What the context does without.
    ///   - branches: Which branches are dropped.
    ///   - weight: Of the features' loss.
    ///   - tape: Where the computation is recorded.
    /// - Returns: The loss and its parts.
    func outcome(
        _ patches: Value, clinical: ClinicalBatch, mask: ColumnMask, drops: ClinicalDrops,
        branches: ECGJEPADrops, weight: Double, on tape: Tape
    ) -> Outcome {
        let targets = targets(
            patches, features: clinical.inputs(on: tape), mask: mask, dropPath: branches.target,
            on: tape)
        let context = context(
            patches, features: drops.dropsColumn ? nil : drops.inputs(clinical, on: tape),
            mask: mask, dropPath: branches.context, on: tape)
        let predicted = predictor(context, mask: mask, dropPath: branches.predictor, on: tape)
        let (value, loss) = tape.smoothL1(predicted, target: targets.numbers)
        guard drops.dropsColumn, weight > 0 else {
            return Outcome(
                value: value, loss: loss, predictionLoss: loss, auxiliaryLoss: 0, targets: targets)
        }
        let told = head(tape.meanOfRows(context, length: mask.visible), on: tape)
        let (features, counted) = clinical.targets(on: tape)
        let (extra, auxiliary) = tape.smoothL1(told, target: features, counted: counted)
        return Outcome(
            value: tape.total(value, extra, weight: Float(weight)),
            loss: loss + weight * auxiliary, predictionLoss: loss, auxiliaryLoss: auxiliary,
            targets: targets)
    }

    private func samples(of patches: Value) -> Int { patches.rows / (sizes.leads * sizes.patches) }

    private func grid(
        samples: Int, columns: Int, on tape: Tape, column: (Int) -> Int
    ) -> TokenGrid {
        TokenGrid(
            samples: samples, leads: 0..<sizes.leads, columns: columns,
            tableColumns: encoder.grid.tableColumns, on: tape, column: column)
    }
}
