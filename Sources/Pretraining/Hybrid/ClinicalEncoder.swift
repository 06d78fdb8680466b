import ClinicalParameters
import Kernels
import NeuralNetworks
import Tensors

/// An encoder of patches and, in a column of their own, clinical tokens: one for each lead.
struct ClinicalEncoder: Sendable {
    let grid: GridEncoder
    private let featureEmbedding: Linear
    private let type: Int
    private let leads: Int
    private let patches: Int

    /// Index of the first of the encoder's parameters.
    var firstParameter: Int { grid.firstParameter }

    /// Adds the encoder's parameters.
    init(
        _ prefix: String, sizes: ECGJEPASizes, segments: Int, in list: inout ParameterList
    ) {
        (leads, patches) = (sizes.leads, sizes.patches)
        grid = GridEncoder(prefix, sizes: sizes, extraColumns: 1, in: &list)
        featureEmbedding = Linear(
            "\(prefix).W_C", inputs: ClinicalTokens.inputs(segments: segments),
            outputs: sizes.width, initialiser: ECGJEPASizes.start, in: &list)
        type = list.add("\(prefix).clin_type", shape: [sizes.width], ECGJEPASizes.start)
    }

    /// Patches with a clinical token behind each lead's.
    ///
    /// - Parameters:
    ///   - patches: Shape `[leads * seen, patchSamples]`, leads of all samples.
    ///   - features: Shape `[leads, ClinicalTokens.inputs]`.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[leads * (seen + 1), width]`.
    func embed(_ patches: Value, features: Value, on tape: Tape) -> Value {
        let tokens = tape.addRows(
            of: tape.parameter(type), indices: tape.numbers(repeating: 0, count: 1),
            to: featureEmbedding(features, on: tape))
        return tape.joinGroups(
            grid.embed(patches, on: tape), tokens, groups: features.rows)
    }

    // MARK: Downstream

    /// The encoder on all patches.
    ///
    /// - Parameters:
    ///   - patches: Shape `[samples * leads * patches, patchSamples]`.
    ///   - features: Shape `[samples * leads, ClinicalTokens.inputs]`; `nil` leaves the clinical column out.
    ///   - dropPath: Which branches are dropped.
    ///   - tape: Where the computation is recorded.
    ///   - observe: Called with each block's output.
    /// - Returns: Normalised tokens, a lead's clinical one behind its patches.
    func tokens(
        _ patches: Value, features: Value?, dropPath: DropPath? = nil, on tape: Tape,
        observe: (Int, Value) -> Void = { _, _ in }
    ) -> Value {
        let columns = self.patches + (features == nil ? 0 : 1)
        let positions = TokenGrid(
            samples: patches.rows / (leads * self.patches), leads: 0..<leads, columns: columns,
            tableColumns: grid.tableColumns, on: tape
        ) { $0 }
        return grid(
            features.map { embed(patches, features: $0, on: tape) }
                ?? grid.embed(patches, on: tape),
            grid: positions, dropPath: dropPath, on: tape, observe: observe)
    }

    /// Each lead's mean patch, and its clinical token.
    private func leads(_ tokens: Value, samples: Int, on tape: Tape) -> (Value, Value) {
        func rows(_ columns: Range<Int>) -> Value {
            let rows = TokenRows(
                columns, ofGroups: samples * leads, length: patches + 1, on: tape)
            return tape.gatherRows(tokens, indices: rows.indices)
        }
        return (tape.meanOfRows(rows(0..<patches), length: patches), rows(patches..<patches + 1))
    }

    /// The mean patch beside the mean clinical token, shape `[samples, 2 * width]`.
    func parts(_ tokens: Value, samples: Int, on tape: Tape) -> Value {
        let (patches, clinical) = leads(tokens, samples: samples, on: tape)
        return tape.joinGroups(
            tape.meanOfRows(patches, length: leads), tape.meanOfRows(clinical, length: leads),
            groups: samples
        ).reshaped(columns: 2 * tokens.columns)
    }

    /// The leads' mean patches, and behind them their clinical tokens, shape `[samples, 2 * leads * width]`.
    func byLead(_ tokens: Value, samples: Int, on tape: Tape) -> Value {
        let (patches, clinical) = leads(tokens, samples: samples, on: tape)
        return tape.joinGroups(patches, clinical, groups: samples)
            .reshaped(columns: 2 * leads * tokens.columns)
    }
}

extension ClinicalEncoder {
    /// ECG-JEPA's encoder made to fit: its position table gets the clinical column, and the clinical tokens' weights are
    /// those that are there.
    static func weights(
        from given: [NamedTensor], sizes: ECGJEPASizes, parameters: Parameters
    ) -> [NamedTensor] {
        guard !given.contains(where: { $0.name.hasPrefix("W_C.") }),
            let table = given.first(where: { $0.name == "pos_embed" })?.tensor,
            table.elementType == .float32,
            table.shape == [sizes.leads * sizes.patches, sizes.width]
        else { return given }
        var weights = given.filter { $0.name != "pos_embed" }
        for name in [
            "pos_embed", "W_C.weight", "W_C.bias", "clin_type", "clin_centres", "clin_scales",
            "clin_edges",
        ] {
            guard let index = parameters.index(of: "encoder.\(name)") else { continue }
            weights.append(NamedTensor(name, parameters.tensor(index).copied()))
        }
        guard let wider = weights.first(where: { $0.name == "pos_embed" })?.tensor else {
            return given
        }
        let (old, new) = (table.numbers, wider.numbers)
        // A lead's patches, behind which the wider table has the clinical column.
        let count = sizes.patches * sizes.width
        for lead in 0..<sizes.leads {
            let start = lead * (count + sizes.width)
            new.part(start..<start + count).update(
                from: old.part(lead * count..<(lead + 1) * count))
        }
        return weights
    }
}
