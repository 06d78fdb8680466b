import Configurations
import Electrocardiography
import LinearAlgebra
import NeuralNetworks
import Pretraining
import Runtime
import TestSupport
import Testing

@testable import Evaluation

@Suite struct ReadoutTests {
    /// A method with the numbers of its vectors; `nil` where it refuses.
    struct Case: Sendable, CustomTestStringConvertible {
        let method: String
        var changes: [String: JSONValue] = [:]
        let mean: Int
        let leads: Int?
        let own: Int
        var moments: Int?
        var layers: Int?
        var testDescription: String { "\(method) \(changes.keys.sorted())" }

        func configuration() throws -> Configuration {
            try SyntheticRecords.configuration(method, changes: changes)
        }

        func dimension(of readout: Readout) -> Int? {
            switch readout {
            case .mean: mean
            case .leads: leads
            case .method: own
            case .moments: moments
            case .layers: layers
            }
        }
    }

    static let cnn: JSONValue = ["channels": 8, "blocks": 2, "width": 20]
    static let channels = Case(
        method: "hybrid", changes: ["hybrid": "channels"], mean: 32, leads: 19 * 32, own: 64,
        moments: 3 * 19 * 32)
    static let vqFull = Case(
        method: "vq-full", mean: 32, leads: 384, own: 32, moments: 1152)
    static let twoBlocks: JSONValue = ["width": 32, "depth": 2, "heads": 2]
    static let cases = [
        Case(
            method: "st-mem", changes: ["encoder": twoBlocks], mean: 32, leads: 384, own: 32,
            moments: 1152, layers: 2304),
        Case(
            method: "ecg-jepa", changes: ["encoder": twoBlocks], mean: 32, leads: 256, own: 32,
            moments: 768, layers: 1536),
        Case(
            method: "st-mem", mean: 32, leads: 384, own: 32, moments: 1152),
        Case(
            method: "ecg-jepa", mean: 32, leads: 256, own: 32, moments: 768),
        Case(
            method: "hybrid", mean: 32, leads: 512, own: 64, moments: 768), channels,
        vqFull,
        Case(
            method: "vq-finetune", mean: 32, leads: 384, own: 512, moments: 1152),
        Case(
            method: "triplet", mean: 32, leads: 384, own: 9, moments: 1152),
        Case(
            method: "simclr", mean: 32, leads: 384, own: 32, moments: 1152),
        Case(
            method: "simclr", changes: ["backbone": "cnn", "cnn": cnn], mean: 16, leads: nil,
            own: 20, moments: 48, layers: 72),
        Case(
            method: "cmsc", changes: ["backbone": "cnn", "cnn": cnn], mean: 16, leads: nil,
            own: 20, moments: 48, layers: 72),
        Case(
            method: "simclr", changes: ["backbone": "s4", "encoder": states], mean: 24,
            leads: nil, own: 24, moments: 72, layers: 144),
        Case(
            method: "cmsc",
            changes: [
                "backbone": "s4", "encoder": ["width": 24, "depth": 1, "stem": "linear"],
            ], mean: 24, leads: nil, own: 24, moments: 72, layers: 144),
        Case(
            method: "cpc", changes: ["context": ["width": 12]], mean: 12, leads: nil, own: 12,
            moments: 36, layers: 108),
        Case(
            method: "ecg-cpc", mean: 24, leads: nil, own: 24, moments: 72, layers: 144),
    ]

    private static let states: JSONValue = [
        "width": 24, "depth": 2, "bidirectional": true,
    ]

    private func encoder(
        _ configuration: Configuration
    ) throws -> (encoder: TrainedEncoder, records: LabelledRecords, dataset: PreparedDataset) {
        let dataset = try SyntheticRecords.records().dataset
        let records = try LabelledRecords(
            dataset, externalSet: nil, folds: configuration.data, rule: LabelRule())
        let encoder = try TrainedEncoder(
            withRandomWeightsOf: configuration, dataset: dataset, trainingRecords: records.training)
        return (encoder, records, dataset)
    }

    @Test(arguments: cases)
    func everyMethodHasItsReadOutsAndRefusesOthersByName(of method: Case) throws {
        let (encoder, records, dataset) = try encoder(method.configuration())
        let few = Array(records.test[..<3])
        for readout in Readout.allCases {
            guard let dimension = method.dimension(of: readout) else {
                #expect(!encoder.has(readout))
                #expect(
                    throws: EvaluationError.noReadout(
                        method: method.method, readout: readout.rawValue)
                ) { try encoder.embed(few, of: dataset, EmbeddingSettings(readout: readout)) }
                continue
            }
            #expect(encoder.has(readout))
            let one = try encoder.embed(few, of: dataset, EmbeddingSettings(readout: readout))
            let two = try encoder.embed(
                few, of: dataset, EmbeddingSettings(readout: readout, threads: 2))
            #expect(one == two, "\(readout)")
            #expect(one.columns == dimension, "\(readout)")
            #expect(one.values.allSatisfy { $0.isFinite })
            #expect(one.row(0) != one.row(1), "\(readout)")
        }
    }

    @Test(arguments: [
        Case(method: "ecg-jepa", mean: 32, leads: 256, own: 32), channels, vqFull,
    ])
    func theMeanOverLeadsIsTheMean(of method: Case) throws {
        let (encoder, records, dataset) = try encoder(method.configuration())
        let few = Array(records.test[..<3])
        let mean = try encoder.embed(few, of: dataset, EmbeddingSettings(readout: .mean))
        let leads = try encoder.embed(few, of: dataset, EmbeddingSettings(readout: .leads))
        let rows = leads.columns / mean.columns
        for record in 0..<3 {
            for column in 0..<mean.columns {
                let sum = (0..<rows).reduce(0) { $0 + leads[record, $1 * mean.columns + column] }
                #expect(abs(sum / Double(rows) - mean[record, column]) < 1e-5)
            }
        }
    }

    /// Each group's moments begin with its mean, the largest number of a piece is no smaller, and the last layer is that of `layers`.
    @Test(arguments: ["ecg-jepa", "ecg-cpc"])
    func momentsBeginWithTheMeanOfTheirGroup(method: String) throws {
        let (encoder, records, dataset) = try encoder(
            SyntheticRecords.configuration(
                method, changes: method == "ecg-cpc" ? [:] : ["encoder": Self.twoBlocks]))
        func embed(_ readout: Readout) throws -> Matrix {
            try encoder.embed(
                Array(records.test[..<2]), of: dataset, EmbeddingSettings(readout: readout))
        }
        let means = try embed(encoder.has(.leads) ? .leads : .mean)
        let (moments, layers) = (try embed(.moments), try embed(.layers))
        let width = try embed(.mean).columns
        for record in 0..<2 {
            for column in 0..<means.columns {
                let (group, place) = column.quotientAndRemainder(dividingBy: width)
                let start = group * 3 * width + place
                #expect(abs(moments[record, start] - means[record, column]) < 1e-5)
                #expect(moments[record, start + width] >= moments[record, start] - 1e-6)
                #expect(moments[record, start + 2 * width] >= 0)
            }
            for column in 0..<moments.columns {
                #expect(
                    layers[record, layers.columns - moments.columns + column]
                        == moments[record, column])
            }
        }
    }

    @Test func aHybridOfTheSignalAloneDoesNotSeeClinicalParameters() throws {
        let (encoder, records, dataset) = try encoder(SyntheticRecords.configuration("hybrid"))
        let signalAlone = try #require(encoder.ofSignalAlone)
        let windows = records.test[..<3].map(\.windows)
        for (readout, width) in [(Readout.mean, 32), (.leads, 256), (.method, 32)] {
            func vectors(_ encoder: TrainedEncoder, _ source: any WindowSource) throws -> Matrix {
                try encoder.embed(
                    windows, of: source, EmbeddingSettings(readout: readout, centreCropOnly: true),
                    progress: { _ in })
            }
            let unmeasured = UnmeasuredWindows(signals: dataset)
            let alone = try vectors(signalAlone, dataset)
            #expect(alone.columns == width)
            #expect(try vectors(signalAlone, unmeasured) == alone)
            let whole = try vectors(encoder, dataset)
            #expect(try vectors(encoder, unmeasured) != whole)
        }
        #expect(
            try self.encoder(SyntheticRecords.configuration("ecg-jepa")).encoder.ofSignalAlone
                == nil)
    }

    @Test(arguments: [1, 2])
    func aVectorThatIsNotFiniteNamesItsRecord(threads: Int) throws {
        let (encoder, records, dataset) = try encoder(SyntheticRecords.configuration())
        let windows = records.test[..<6].map(\.windows)
        let source = SpoiltWindows(signals: dataset, spoilt: Set(windows[3] + windows[5]))
        let error = #expect(throws: EvaluationError.self) {
            try encoder.embed(
                windows, of: source,
                EmbeddingSettings(readout: .mean, centreCropOnly: true, threads: threads),
                progress: { _ in })
        }
        #expect(
            error == .vectorNotFinite(record: "record 3", count: 32, width: 32, step: encoder.step))
    }

    @Test func channelsHaveTheirOwnPart() throws {
        let (encoder, records, dataset) = try encoder(Self.channels.configuration())
        let few = Array(records.test[..<2])
        let rows = try encoder.embed(few, of: dataset, EmbeddingSettings(readout: .leads))
        let own = try encoder.embed(few, of: dataset, EmbeddingSettings(readout: .method))
        for record in 0..<2 {
            for (part, range) in [0..<8, 8..<19].enumerated() {
                for column in 0..<32 {
                    let sum = range.reduce(0) { $0 + rows[record, $1 * 32 + column] }
                    let mean = sum / Double(range.count)
                    #expect(abs(own[record, part * 32 + column] - mean) < 1e-5)
                }
            }
        }
    }

    @Test func theConvolutionalVectorIsTheHeadOfItsMean() throws {
        let configuration = try SyntheticRecords.configuration(
            "simclr",
            changes: [
                "backbone": "cnn",
                "cnn": ["channels": 8, "blocks": 2, "width": 20, "readOut": "mean"],
            ])
        let (encoder, records, dataset) = try encoder(configuration)
        let one = Array(records.test[..<1])
        let mean = try encoder.embed(one, of: dataset, EmbeddingSettings(readout: .mean))
        let own = try encoder.embed(one, of: dataset, EmbeddingSettings(readout: .method))
        let drawn = Parameters(
            configuration.makeMethod().parameters, seed: configuration.seed)
        func values(_ name: String) throws -> [Float] {
            drawn.tensor(try #require(drawn.index(of: name))).floatArray
        }
        let (weight, bias) = (try values("encoder.head.weight"), try values("encoder.head.bias"))
        for row in 0..<20 {
            let product = (0..<16).reduce(Double(bias[row])) {
                $0 + Double(weight[row * 16 + $1]) * mean[0, $1]
            }
            #expect(abs(product - own[0, row]) < 1e-5)
        }
    }
}

/// The signals of a source, whose clinical parameters nobody could measure.
private struct UnmeasuredWindows: WindowSource {
    let signals: PreparedDataset
    var samplesPerWindow: Int { signals.samplesPerWindow }
    var clinicalFeatureCount: Int { signals.clinicalFeatureCount }

    func readMillivolts(window: Int, into signal: inout MutableSpan<Float>) throws {
        try signals.readMillivolts(window: window, into: &signal)
    }

    func facts(of window: Int) -> WindowFacts { signals.facts(of: window) }

    func clinicalFeatures(of window: Int, into features: inout MutableSpan<Float>) {
        for i in features.indices { features[i] = .nan }
    }
}

/// The windows of a data set, some of them with a signal that cannot be.
private struct SpoiltWindows: WindowSource {
    let signals: PreparedDataset
    let spoilt: Set<Int>
    var samplesPerWindow: Int { signals.samplesPerWindow }
    var clinicalFeatureCount: Int { signals.clinicalFeatureCount }

    func readMillivolts(window: Int, into signal: inout MutableSpan<Float>) throws {
        try signals.readMillivolts(window: window, into: &signal)
        if spoilt.contains(window) { for i in signal.indices { signal[i] = .nan } }
    }

    func facts(of window: Int) -> WindowFacts { signals.facts(of: window) }

    func clinicalFeatures(of window: Int, into features: inout MutableSpan<Float>) {
        signals.clinicalFeatures(of: window, into: &features)
    }
}
