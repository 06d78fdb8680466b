import Configurations
import Kernels
import NeuralNetworks

/// ECG-JEPA's encoder as it is used downstream: all patches of the eight leads, perhaps with further rows.
struct ECGJEPAEncoder: Encoder {
    let grid: GridEncoder
    let sizes: ECGJEPASizes
    /// Part of a training shard's samples whose branches the last block drops.
    let dropPath: Double
    let needsClinicalFeatures: Bool
    private let reader: @Sendable (InputConfiguration) -> any SignalReader

    /// An encoder of the eight leads as they are read.
    init(_ grid: GridEncoder, sizes: ECGJEPASizes, signalGain: Double, dropPath: Double = 0) {
        self.init(grid, sizes: sizes, dropPath: dropPath, needsClinicalFeatures: false) {
            IndependentLeadReader(input: $0, gain: signalGain)
        }
    }

    /// An encoder of whatever rows its reader gives.
    init(
        _ grid: GridEncoder, sizes: ECGJEPASizes, dropPath: Double = 0,
        needsClinicalFeatures: Bool,
        reader: @escaping @Sendable (InputConfiguration) -> any SignalReader
    ) {
        self.grid = grid
        self.sizes = sizes
        self.dropPath = dropPath
        self.needsClinicalFeatures = needsClinicalFeatures
        self.reader = reader
    }

    var signalRows: Int { sizes.leads }
    var depth: Int { grid.depth }

    /// All of them; the network's own is the mean.
    func dimension(of readout: Readout) -> Int? {
        readout == .leads ? sizes.leads * sizes.width : sizes.width
    }

    var tokens: TokenPlaces? { sizes.tokenPlaces() }

    func cropStarts(windowSamples: Int) -> [Int] { sizes.middle(windowSamples: windowSamples) }

    func makeReader(_ input: InputConfiguration) -> any SignalReader { reader(input) }

    /// The mean over normalised tokens, of all or of each row.
    func vectors(
        _ signals: Value, _ readout: Readout, _ pass: EncoderPass, from source: any WindowSource,
        on tape: Tape
    ) -> Value {
        let tokens = tokens(signals, pass, on: tape)
        return readout == .leads
            ? tape.meanOfRows(tokens, length: sizes.patches)
                .reshaped(columns: sizes.leads * sizes.width)
            : tape.meanOfRows(tokens, length: sizes.leads * sizes.patches)
    }

    var layers: [LayerShape] {
        LayerShape.ofTransformer(
            depth: depth, width: sizes.width, groups: sizes.leads, times: sizes.patches)
    }

    func layerTokens(
        _ signals: Value, _ pass: EncoderPass, from source: any WindowSource, on tape: Tape
    ) -> [LayerTokens] {
        LayerTokens.ofTransformer(depth: depth) { tokens(signals, pass, on: tape, observe: $0) }
            .map { .rows($0) }
    }

    /// Normalised tokens of all patches.
    private func tokens(
        _ signals: Value, _ pass: EncoderPass, on tape: Tape,
        observe: (Int, Value) -> Void = { _, _ in }
    ) -> Value {
        let patches = signals.reshaped(columns: sizes.patchSamples)
        return grid(
            grid.embed(patches, on: tape),
            grid: grid.wholeGrid(of: patches, leads: 0..<sizes.leads, on: tape),
            dropPath: DropPath(pass.shard, rate: dropPath, depth: depth, on: tape), on: tape,
            observe: observe)
    }

    var multiplications: (all: Double, onSignal: Double) {
        sizes.multiplications(columns: grid.tableColumns)
    }

    var activations: Int { sizes.activations(columns: grid.tableColumns) }
}

extension GridEncoderConfiguration: EncoderBuilding {
    /// ECG-JEPA's encoder for whole crops.
    public func makeEncoder(
        input: InputConfiguration, in list: inout ParameterList
    ) -> any Encoder {
        let sizes = ECGJEPASizes(encoder: sizes, qkvBias: qkvBias, input: input)
        return ECGJEPAEncoder(
            GridEncoder("encoder", sizes: sizes, in: &list), sizes: sizes, signalGain: signalGain,
            dropPath: dropPath)
    }
}

extension ECGJEPASizes {
    /// Where patches stand in a grid of the eight leads and perhaps further rows, with perhaps further columns.
    func tokenPlaces(extraColumns: Int = 0) -> TokenPlaces {
        TokenPlaces(
            leads: (0..<leads).map {
                $0 < IndependentLeads.numbers.count ? IndependentLeads.numbers[$0] : nil
            },
            columns: patches + extraColumns, patches: 0..<patches, patchSamples: patchSamples)
    }

    /// The middle, as published; windows are as long as crops unless the configuration says otherwise.
    func middle(windowSamples: Int) -> [Int] { [(windowSamples - patches * patchSamples) / 2] }

    private var encoder: TransformerConfiguration {
        TransformerConfiguration(
            width: width, depth: depth, heads: heads, headWidth: width / heads,
            mlpWidth: hiddenWidth)
    }

    /// Multiplications of a forward pass over a whole grid, and those among them whose input is the signal.
    func multiplications(columns: Int) -> (all: Double, onSignal: Double) {
        let columns = Double(columns)
        let embedding = Double(leads * patches * patchSamples * width)
        let blocks = encoder.gridMultiplications(
            leads: leads, columns: columns, squaredColumns: columns * columns, others: leads - 1)
        return (embedding + blocks, embedding)
    }

    /// Numbers that the backward pass needs of a whole grid.
    func activations(columns: Int) -> Int {
        encoder.gridActivations(leads: leads, columns: columns, seen: columns + leads - 1)
    }
}

extension DropPath {
    /// The branches that a training shard drops in an encoder downstream; `nil` where none are.
    init?(_ shard: Shard, rate: Double, depth: Int, on tape: Tape) {
        guard shard.role == .training, rate > 0 else { return nil }
        self.init(rate: rate, depth: depth, samples: shard.windows.count, on: tape) { sample in
            RandomStream(
                seed: shard.seed, purpose: .dropPath, step: shard.step,
                position: UInt32(shard.firstPosition + sample))
        }
    }
}
