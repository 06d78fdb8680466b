import ClinicalParameters
import Configurations
import Kernels
import NeuralNetworks
import Tensors

/// The encoder of a base method as it is used downstream, under the names that it has there: windows in, one vector a
/// record out, and a gradient for everything between.
struct FinetuneEncoder: Sendable {
    private enum Network: Sendable {
        case stMEM(STMEMEncoder, TransformerConfiguration)
        case ecgJEPA(GridEncoder, GridEncoderConfiguration)
        case hybrid(
            ClinicalEncoder, ClinicalStatistics, GridEncoderConfiguration, featureDrop: Double)
        case convolutional(ConvolutionalEncoder)
    }

    /// What a sample is.
    let input: InputConfiguration
    /// Numbers of the vector.
    let dimension: Int
    private let readout: FinetuneConfiguration.Readout
    private let network: Network
    private let depth: Int

    /// Adds the encoder's parameters, `encoder.` before each.
    init(
        _ settings: FinetuneConfiguration, input: InputConfiguration, in list: inout ParameterList
    ) {
        self.input = input
        readout = settings.readout
        let width: Int
        switch settings.encoder {
        case .stMEM(let sizes, let trainsPositions):
            let encoder = STMEMEncoder(
                sizes: STMEMSizes(
                    encoder: sizes, leads: input.leads, patchSamples: input.patchSamples,
                    patches: input.patchesPerLead),
                trainsPositions: trainsPositions, in: &list)
            network = .stMEM(encoder, sizes)
            (width, depth) = (sizes.width, sizes.depth)
        case .ecgJEPA(let grid):
            let sizes = ECGJEPASizes(grid, input: input)
            network = .ecgJEPA(GridEncoder("encoder", sizes: sizes, in: &list), grid)
            (width, depth) = (grid.sizes.width, grid.sizes.depth)
        case .hybrid(let grid, let tokens):
            let sizes = ECGJEPASizes(grid, input: input)
            let encoder = ClinicalEncoder(
                "encoder", sizes: sizes, segments: tokens.segments, in: &list)
            network = .hybrid(
                encoder,
                ClinicalStatistics("encoder", segments: tokens.segments, in: &list), grid,
                featureDrop: tokens.featureDrop)
            (width, depth) = (grid.sizes.width, grid.sizes.depth)
        case .convolutional(let sizes):
            network = .convolutional(
                ConvolutionalEncoder(
                    sizes, leads: input.leads, samples: input.cropSamples, in: &list))
            (width, depth) = (sizes.width, sizes.blocks)
        }
        switch readout {
        case .mean: dimension = width
        case .parts: dimension = 2 * width
        case .leads:
            let leads =
                switch network {
                case .stMEM, .convolutional: input.leads
                case .ecgJEPA: IndependentLeads.numbers.count
                // Their patches, and their clinical tokens.
                case .hybrid: 2 * IndependentLeads.numbers.count
                }
            dimension = width * leads
        }
    }

    // MARK: What it is

    /// What mV are multiplied by where the encoder sees eight leads as they are read; `nil` where it sees twelve
    /// standardised ones.
    var independentLeadGain: Double? {
        switch network {
        case .stMEM, .convolutional: nil
        case .ecgJEPA(_, let settings), .hybrid(_, _, let settings, _): settings.signalGain
        }
    }

    /// Whether windows need clinical features beside their signal.
    var needsClinicalFeatures: Bool {
        if case .hybrid = network { true } else { false }
    }

    /// Multiplications of a forward pass over one record, and those among them whose input is the signal itself.
    var multiplications: (all: Double, onSignal: Double) {
        switch network {
        case .stMEM(let encoder, let sizes):
            return Backbone.transformer(encoder, sizes).multiplications
        case .ecgJEPA(let encoder, let grid): return multiplications(of: encoder, grid)
        case .hybrid(let encoder, let statistics, let grid, _):
            let (all, onSignal) = multiplications(of: encoder.grid, grid)
            let tokens = Double(
                ClinicalTokens.leads * ClinicalTokens.inputs(segments: statistics.segments)
                    * grid.sizes.width)
            return (all + tokens, onSignal + tokens)
        case .convolutional(let encoder): return encoder.multiplications
        }
    }

    private func multiplications(
        of encoder: GridEncoder, _ grid: GridEncoderConfiguration
    ) -> (all: Double, onSignal: Double) {
        let (leads, columns) = (IndependentLeads.numbers.count, Double(encoder.tableColumns))
        let embedding = Double(
            leads * input.patchesPerLead * input.patchSamples * grid.sizes.width)
        let blocks = grid.sizes.gridMultiplications(
            leads: leads, columns: columns, squaredColumns: columns * columns, others: leads - 1)
        return (embedding + blocks, embedding)
    }

    /// Numbers that the backward pass needs of one record.
    var activations: Int {
        func grid(_ sizes: TransformerConfiguration, columns: Int) -> Int {
            let leads = IndependentLeads.numbers.count
            return sizes.gridActivations(
                leads: leads, columns: columns, seen: columns + leads - 1)
        }
        return switch network {
        case .stMEM(let encoder, let sizes): sizes.activations(tokens: encoder.tokens)
        case .ecgJEPA(let encoder, let settings):
            grid(settings.sizes, columns: encoder.tableColumns)
        case .hybrid(let encoder, _, let settings, _):
            grid(settings.sizes, columns: encoder.grid.tableColumns)
        case .convolutional(let encoder): encoder.activations
        }
    }

    /// How many layers a parameter lies below the head: 0 for the last normalisation, 1 for the last block, and one
    /// more than there are blocks for what makes tokens of the signal.
    func layersBelowHead(_ name: String) -> Int {
        let parts = name.split(separator: ".").map(String.init)
        guard parts.count > 1, parts[0] == "encoder" else { return 0 }
        if ["norm", "head"].contains(parts[1]) { return 0 }
        // `block3`, or `encoder_blocks.blocks.3`.
        let number =
            parts[1].hasPrefix("block")
            ? Int(parts[1].dropFirst("block".count))
            : parts.firstIndex(of: "blocks").flatMap { Int(parts[$0 + 1]) }
        return number.map { depth - $0 } ?? depth + 1
    }

    // MARK: The computation

    /// A shard's signals to vectors.
    ///
    /// - Parameters:
    ///   - signals: As `FinetuneReader` gives them.
    ///   - shard: Whose signals they are; in training, branches and single features are left out by lot.
    ///   - source: Where clinical features come from.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[samples, dimension]`.
    /// - Throws: `HybridError` where the state has no statistics of clinical features.
    func vectors(
        _ signals: Value, of shard: Shard, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        let patches = signals.reshaped(columns: input.patchSamples)
        let samples = shard.windows.count
        switch network {
        case .stMEM(let encoder, _):
            return readout == .leads
                ? encoder.pooledByLead(patches, on: tape) : encoder.pooled(patches, on: tape)
        case .ecgJEPA(let encoder, let settings):
            let leads = IndependentLeads.numbers.count
            let tokens = encoder(
                encoder.embed(patches, on: tape),
                grid: encoder.wholeGrid(of: patches, leads: 0..<leads, on: tape),
                dropPath: dropPath(settings, of: shard, on: tape), on: tape)
            let length = input.patchesPerLead
            return readout == .leads
                ? tape.meanOfRows(tokens, length: length).reshaped(columns: dimension)
                : tape.meanOfRows(tokens, length: leads * length)
        case .hybrid(let encoder, let statistics, let settings, let featureDrop):
            let clinical = try ClinicalBatch(
                of: shard, from: source, statistics: statistics, on: tape)
            let drops = ClinicalDrops(shard, column: 0, feature: featureDrop)
            let tokens = encoder.tokens(
                patches, features: drops.inputs(clinical, on: tape),
                dropPath: dropPath(settings, of: shard, on: tape), on: tape)
            return switch readout {
            case .mean: tape.meanOfRows(tokens, length: tokens.rows / samples)
            case .leads: encoder.byLead(tokens, samples: samples, on: tape)
            case .parts: encoder.parts(tokens, samples: samples, on: tape)
            }
        case .convolutional(let encoder):
            return encoder(signals, BackbonePass(shard, signalsPerSample: 1), on: tape)
        }
    }

    private func dropPath(
        _ settings: GridEncoderConfiguration, of shard: Shard, on tape: Tape
    ) -> DropPath? {
        guard shard.role == .training, settings.dropPath > 0 else { return nil }
        return DropPath(
            rate: settings.dropPath, depth: depth, samples: shard.windows.count, on: tape
        ) { sample in
            RandomStream(
                seed: shard.seed, purpose: .dropPath, step: shard.step,
                position: UInt32(shard.firstPosition + sample))
        }
    }

    // MARK: State

    /// Takes the statistics of clinical features of the training windows, unless weights brought theirs.
    func complete(_ parameters: Parameters, from source: any WindowSource, windows: [Int]) {
        guard case .hybrid(_, let statistics, _, _) = network else { return }
        statistics.complete(parameters, from: source, windows: windows)
    }

    /// Makes weights of ECG-JEPA's encoder fit the hybrid's.
    func weights(from given: [NamedTensor], parameters: Parameters) -> [NamedTensor] {
        guard case .hybrid(_, _, let settings, _) = network else { return given }
        return ClinicalEncoder.weights(
            from: given, sizes: ECGJEPASizes(settings, input: input), parameters: parameters)
    }

    /// Moves running statistics, where the encoder has any.
    func update(_ context: UpdateContext) {
        if case .convolutional(let encoder) = network { encoder.update(context) }
    }
}

extension ECGJEPASizes {
    /// The sizes of an encoder alone.
    init(_ encoder: GridEncoderConfiguration, input: InputConfiguration) {
        self.init(encoder: encoder.sizes, qkvBias: encoder.qkvBias, input: input)
    }
}

/// Reads windows as the encoder of a base method gets them.
///
/// It owns the buffers for it, so each thread has its own.
final class FinetuneReader {
    private let encoder: FinetuneEncoder
    private let augmentation: RandomAugmentation
    private let reader: WindowReader
    private let independentLeads: IndependentLeadReader?

    init(_ encoder: FinetuneEncoder, augmentation: RandomAugmentationConfiguration) {
        self.encoder = encoder
        self.augmentation = RandomAugmentation(
            augmentation,
            leads: encoder.independentLeadGain == nil
                ? encoder.input.leads : IndependentLeads.numbers.count)
        reader = WindowReader(input: encoder.input)
        independentLeads = encoder.independentLeadGain.map {
            IndependentLeadReader(input: encoder.input, gain: $0)
        }
    }

    /// A shard's crops: at random and augmented in training, from the middle otherwise.
    ///
    /// - Returns: Leads of all samples, cut into rows as the encoder needs.
    /// - Throws: When a window cannot be read.
    func signals(
        of shard: Shard, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        let signals =
            try independentLeads?.patches(of: shard, from: source, on: tape)
            ?? reader.crops(of: shard, from: source, on: tape)
        if shard.role == .training {
            augmentation.change(
                signals.data, count: signals.count / shard.windows.count, of: shard)
        }
        return signals
    }

    /// One window's part from a given sample on.
    ///
    /// - Returns: As `signals(of:)` of one sample.
    /// - Throws: When the window cannot be read.
    func signal(
        of shard: Shard, start: Int, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        if let independentLeads {
            return try independentLeads.patches(of: shard, from: source, on: tape)
        }
        let input = encoder.input
        let crop = tape.input(rows: input.leads, columns: input.cropSamples)
        try reader.read(
            shard.windows[0], start: start, length: input.cropSamples, from: source,
            into: UnsafeMutableBufferPointer(start: crop.data, count: crop.count))
        return crop
    }

    /// Where the parts of a window begin that are averaged: as the base method's authors choose them.
    static func cropStarts(_ encoder: FinetuneEncoder, windowSamples: Int) -> [Int] {
        let slack = windowSamples - encoder.input.cropSamples
        return slack == 0 || encoder.independentLeadGain != nil
            ? [slack / 2] : [0, slack / 2, slack]
    }
}
