import ClinicalParameters
import Configurations
import NeuralNetworks
import Tensors

/// The hybrid's encoder as it is used downstream: all patches of the eight leads, with or without their clinical tokens.
struct HybridEncoder: Encoder {
    let encoder: ClinicalEncoder
    let statistics: ClinicalStatistics
    let sizes: ECGJEPASizes
    let signalGain: Double
    /// Part of a training shard's samples whose branches the last block drops.
    var dropPath = 0.0
    /// Part of the features that a training sample does without.
    var featureDrop = 0.0
    /// Whether the clinical column is there; half of pretraining's steps do without.
    var hasClinicalTokens = true

    var signalRows: Int { sizes.leads }
    var depth: Int { encoder.grid.depth }
    var needsClinicalFeatures: Bool { true }

    /// All of them; the network's own is the mean patch beside the mean clinical token.
    ///
    /// Without clinical tokens read-outs have their patches alone.
    func dimension(of readout: Readout) -> Int? {
        let columns = hasClinicalTokens ? 2 : 1
        return switch readout {
        case .leads: columns * sizes.leads * sizes.width
        case .method: columns * sizes.width
        case .mean, .moments, .layers: sizes.width
        }
    }

    var tokens: TokenPlaces? { sizes.tokenPlaces(extraColumns: hasClinicalTokens ? 1 : 0) }

    func cropStarts(windowSamples: Int) -> [Int] { sizes.middle(windowSamples: windowSamples) }

    func makeReader(_ input: InputConfiguration) -> any SignalReader {
        IndependentLeadReader(input: input, gain: signalGain)
    }

    /// The mean over all tokens; each lead's mean patch side by side, and behind them the leads' clinical tokens; the
    /// mean patch beside the mean clinical token.
    func vectors(
        _ signals: Value, _ readout: Readout, _ pass: EncoderPass, from source: any WindowSource,
        on tape: Tape
    ) throws -> Value {
        let samples = pass.shard.windows.count
        let tokens = try tokens(signals, pass, from: source, on: tape)
        switch (readout, hasClinicalTokens) {
        case (.leads, true): return encoder.byLead(tokens, samples: samples, on: tape)
        case (.leads, false):
            return tape.meanOfRows(tokens, length: sizes.patches)
                .reshaped(columns: sizes.leads * sizes.width)
        case (.method, true): return encoder.parts(tokens, samples: samples, on: tape)
        default: return tape.meanOfRows(tokens, length: tokens.rows / samples)
        }
    }

    /// A lead's clinical token is one of its tokens.
    var layers: [LayerShape] {
        LayerShape.ofTransformer(
            depth: depth, width: sizes.width, groups: sizes.leads,
            times: hasClinicalTokens ? encoder.grid.tableColumns : sizes.patches)
    }

    func layerTokens(
        _ signals: Value, _ pass: EncoderPass, from source: any WindowSource, on tape: Tape
    ) throws -> [LayerTokens] {
        try LayerTokens.ofTransformer(depth: depth) {
            try tokens(signals, pass, from: source, on: tape, observe: $0)
        }.map { .rows($0) }
    }

    /// Normalised tokens, a lead's clinical one behind its patches.
    private func tokens(
        _ signals: Value, _ pass: EncoderPass, from source: any WindowSource, on tape: Tape,
        observe: (Int, Value) -> Void = { _, _ in }
    ) throws -> Value {
        let clinical = try ClinicalBatch(
            of: pass.shard, from: source, statistics: statistics, on: tape)
        let drops = ClinicalDrops(pass.shard, column: 0, feature: featureDrop)
        return encoder.tokens(
            signals.reshaped(columns: sizes.patchSamples),
            features: hasClinicalTokens ? drops.inputs(clinical, on: tape) : nil,
            dropPath: DropPath(pass.shard, rate: dropPath, depth: depth, on: tape), on: tape,
            observe: observe)
    }

    var multiplications: (all: Double, onSignal: Double) {
        let (all, onSignal) = sizes.multiplications(columns: encoder.grid.tableColumns)
        let tokens = Double(
            ClinicalTokens.leads * ClinicalTokens.inputs(segments: statistics.segments)
                * sizes.width)
        return (all + tokens, onSignal + tokens)
    }

    var activations: Int { sizes.activations(columns: encoder.grid.tableColumns) }

    /// Takes the statistics of clinical features of the training windows, unless weights brought theirs.
    func complete(_ parameters: Parameters, from source: any WindowSource, windows: [Int]) {
        statistics.complete(parameters, from: source, windows: windows)
    }

    /// Makes weights of ECG-JEPA's encoder fit: its position table gets the clinical column, and the clinical tokens'
    /// weights stay as they are.
    func weights(from given: [NamedTensor], parameters: Parameters) -> [NamedTensor] {
        ClinicalEncoder.weights(from: given, sizes: sizes, parameters: parameters)
    }
}

extension ClinicalEncoderConfiguration: EncoderBuilding {
    /// The hybrid's encoder for whole crops.
    public func makeEncoder(
        input: InputConfiguration, in list: inout ParameterList
    ) -> any Encoder {
        let sizes = ECGJEPASizes(encoder: grid.sizes, qkvBias: grid.qkvBias, input: input)
        return HybridEncoder(
            encoder: ClinicalEncoder(
                "encoder", sizes: sizes, segments: tokens.segments, in: &list),
            statistics: ClinicalStatistics("encoder", segments: tokens.segments, in: &list),
            sizes: sizes, signalGain: grid.signalGain, dropPath: grid.dropPath,
            featureDrop: tokens.featureDrop)
    }
}
