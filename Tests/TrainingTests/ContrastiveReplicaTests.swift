import Checkpoints
import Configurations
import Kernels
import Pretraining
import Runtime
import Tensors
import Testing
import Training

/// Methods whose loss looks at the whole batch, in replicas: neither threads, nor members, nor the number of shards
/// show in what is learnt.
struct ContrastiveReplicaTests {
    /// A method with its smallest settings.
    struct Case: CustomTestStringConvertible {
        let testDescription: String
        let settings: [String]
        /// Whether nothing within a shard depends on the others of the shard.
        var isFreeOfShards = true
        var gathers = true
    }

    private static let transformer = [
        "encoder.width=16", "encoder.depth=2", "encoder.heads=2", "encoder.headWidth=8",
        "encoder.mlpWidth=32",
    ]
    private static let network = [
        "backbone=cnn", "cnn.channels=4", "cnn.blocks=2", "cnn.stride=2", "cnn.width=8",
    ]

    private static let states = [
        "backbone=s4", "encoder.width=8", "encoder.depth=2", "encoder.state=4",
    ]

    static let cases = [
        Case(
            testDescription: "simclr",
            settings: ["method=simclr", "projectionWidth=8"] + transformer),
        Case(
            testDescription: "simclr, cnn",
            settings: ["method=simclr", "projectionWidth=8", "batchSize=16", "logicalShards=2"]
                + network + ["cnn.readOut=mean"], isFreeOfShards: false),
        Case(testDescription: "cmsc", settings: ["method=cmsc"] + transformer),
        Case(
            testDescription: "cmsc, two terms, cnn",
            settings: ["method=cmsc", "terms=two", "batchSize=16", "logicalShards=2"] + network,
            isFreeOfShards: false),
        // With the linear stem nothing is normalised over the shard; what is dropped belongs to a place in the batch.
        Case(
            testDescription: "simclr, s4, both directions",
            settings: [
                "method=simclr", "projectionWidth=8", "encoder.stem=linear",
                "encoder.bidirectional=true", "encoder.chunk=7",
            ] + states),
        Case(
            testDescription: "simclr, s4, strided",
            settings: ["method=simclr", "projectionWidth=8"] + states, isFreeOfShards: false),
        Case(
            testDescription: "cmsc, s4",
            settings: ["method=cmsc", "encoder.bidirectional=true"] + states,
            isFreeOfShards: false),
        Case(
            testDescription: "cmsc, s4, linear",
            settings: ["method=cmsc", "encoder.stem=linear"] + states),
        Case(
            testDescription: "cpc",
            settings: [
                "method=cpc", "encoder.channels=8", "context.width=6", "horizons=2",
                "input.cropSamples=550",
            ], gathers: false),
        Case(
            testDescription: "cpc, whole batch, lstm",
            settings: [
                "method=cpc", "encoder.channels=8", "context.width=6", "horizons=2",
                "context.kind=lstm", "context.layers=2", "negatives.from=batch",
                "input.cropSamples=550",
            ]),
        Case(testDescription: "triplet", settings: ["method=triplet"] + transformer),
        Case(
            testDescription: "triplet, batch-hard, unfrozen",
            settings: [
                "method=triplet", "mining=batch-hard", "distance=euclidean", "unfreeze=1",
                "labels=sets",
            ] + transformer),
        Case(
            testDescription: "triplet, semi-hard",
            settings: ["method=triplet", "mining=semi-hard"] + transformer),
        Case(
            testDescription: "ecg-cpc",
            settings: [
                "method=ecg-cpc", "encoder.width=8", "encoder.depth=2", "horizon=3",
                "negatives.count=6",
            ], isFreeOfShards: false, gathers: false),
        Case(
            testDescription: "ecg-cpc, all others, published rates",
            settings: [
                "method=ecg-cpc", "encoder.width=8", "encoder.depth=1", "encoder.state=4",
                "encoder.chunk=7", "horizon=3", "negatives.from=all", "reduction=sum",
                "learningRateFactor=0.1", "scaleScores=true", "input.cropSamples=550",
            ], isFreeOfShards: false, gathers: false),
        Case(
            testDescription: "ecg-cpc, clinical parameters",
            settings: [
                "method=ecg-cpc", "encoder.width=8", "encoder.depth=1", "horizon=3",
                "negatives.count=6", "clinical.weight=2", "batchSize=16", "logicalShards=2",
            ], isFreeOfShards: false, gathers: false),
        Case(
            testDescription: "ecg-cpc, linear stem at 100 Hz",
            settings: [
                "method=ecg-cpc", "encoder.width=8", "encoder.depth=1", "encoder.stem=linear",
                "encoder.sampleRateHz=100", "horizon=3", "negatives.count=6",
            ], gathers: false),
    ]

    private func replica(
        _ settings: [String], threads: Int = 1, windows: Int = 40,
        source: any WindowSource = SyntheticWindows(samplesPerWindow: 600, seed: 3)
    ) throws -> TrainingReplica {
        let method = settings[0].dropFirst("method=".count)
        let configuration = try Configuration(
            [
                "method": .string(String(method)), "batchSize": 8, "logicalShards": 4,
                "steps": 40, "input": ["cropSamples": 300],
                "optimizer": ["learningRate": 1e-3, "warmupSteps": 0],
                "validation": ["everySteps": 3],
            ], overrides: Array(settings.dropFirst()))
        return try TrainingReplica(
            configuration: configuration, source: source,
            trainingWindows: Array(0..<windows), validationWindows: Array(100..<111),
            threads: threads)
    }

    private func digest(_ replica: TrainingReplica) -> Digest {
        StateDigest.digest(of: replica.state)
    }

    @Test(arguments: cases)
    func threadsAndMembersDoNotShow(method: Case) throws {
        let alone = try replica(method.settings)
        #expect(alone.gathersEmbeddings == method.gathers)
        var reports: [JSONValue] = []
        for _ in 0..<5 { reports.append(try alone.runStep().report) }
        #expect(reports[3]["validation_loss"]?.doubleValue?.isFinite == true)
        #expect(reports[3]["validation_retrieval_chance"]?.doubleValue ?? 1 < 0.6)

        let threaded = try replica(method.settings, threads: 3)
        for expected in reports { #expect(try threaded.runStep().report == expected) }
        #expect(digest(threaded) == digest(alone))

        let members = try (0..<2).map { _ in try replica(method.settings) }
        let shards = Array(0..<members[0].logicalShards)
        for (number, expected) in reports.enumerated() {
            let parts = [
                shards.filter { ($0 + number) % 3 == 0 }, shards.filter { ($0 + number) % 3 != 0 },
            ]
            let report = try step(members, parts, isInterrupted: number == 2)
            #expect(report == expected)
        }
        #expect(members.allSatisfy { digest($0) == digest(alone) })
    }

    @Test(arguments: cases.filter(\.isFreeOfShards))
    func theNumberOfShardsDoesNotShowBeyondRounding(method: Case) throws {
        let whole = try replica(method.settings + ["logicalShards=1"])
        let cut = try replica(method.settings + ["logicalShards=4"])
        for _ in 0..<3 {
            let expected = try whole.runStep().report
            let report = try cut.runStep().report
            for name in ["loss", "retrieval_accuracy", "gradient_norm"] {
                let (a, b) = (
                    expected[name]?.doubleValue ?? .nan, report[name]?.doubleValue ?? .infinity
                )
                #expect(abs(a - b) < 1e-4 * max(abs(a), 1e-2), "\(name): \(a) and \(b)")
            }
        }
    }

    @Test func batchesAreTheGlobalOne() throws {
        let replica = try replica(Self.cases[0].settings)
        let report = try replica.runStep().report
        // Sixteen views: chance is one of fifteen, however many shards there are.
        #expect(report["retrieval_chance"]?.doubleValue == 1.0 / 15)
        let bytes = try replica.embeddings(of: [1])
        #expect(bytes.count == 8 + 2 * 2 * 8 * 4)
    }

    @Test func runningStatisticsFollowTheShards() throws {
        let convolutional = try #require(Self.cases.first { $0.testDescription == "simclr, cnn" })
        let replica = try replica(convolutional.settings)
        func running(_ name: String) throws -> [Float] {
            let index = try #require(
                replica.parameters.index(of: "encoder.block0.norm.running_\(name)"))
            return replica.parameters.tensor(index).floatArray
        }
        let start = try running("mean")
        #expect(start.allSatisfy { $0 == 0 })
        try replica.runStep()
        let (mean, variance) = (try running("mean"), try running("var"))
        #expect(mean.contains { $0 != 0 } && variance.allSatisfy { $0 > 0.8 && $0 != 1 })
        #expect(!replica.state.contains { $0.name.hasSuffix(".sums") })
    }

    @Test func aFrozenEncoderStaysAndAnUnfrozenBlockMovesSlowly() throws {
        func moved(_ settings: [String]) throws -> [String: Float] {
            let replica = try replica(settings)
            let before = replica.parameters.specifications.indices.map {
                replica.parameters.tensor($0).floatArray
            }
            try replica.runStep()
            var result: [String: Float] = [:]
            for (index, old) in before.enumerated() {
                let new = replica.parameters.tensor(index).floatArray
                result[replica.parameters[index].name] =
                    zip(old, new).map { abs($0 - $1) }.max() ?? 0
            }
            return result
        }
        func settings(_ name: String) throws -> [String] {
            try #require(Self.cases.first { $0.testDescription == name }).settings
        }
        let frozen = try moved(settings("triplet"))
        for (name, distance) in frozen {
            #expect((distance > 0) == name.hasPrefix("fc"), "\(name) moved by \(distance)")
        }
        let unfrozen = try moved(settings("triplet, batch-hard, unfrozen"))
        #expect(unfrozen["encoder.block0.attn.fn.to_qkv.weight"] == 0)
        // The first step of AdamW is the learning rate for every number.
        #expect(abs((unfrozen["fc2.weight"] ?? 0) - 1e-3) < 1e-5)
        #expect(abs((unfrozen["encoder.block1.ff.fn.net.3.weight"] ?? 0) - 1e-4) < 1e-6)
    }

    @Test(arguments: [
        (0, ["augmentation.smallestCrop=0.9", "augmentation.leadMask=0"]), (2, []), (4, []),
    ])
    func lossFallsAndRetrievalRises(number: Int, settings: [String]) throws {
        let replica = try replica(
            Self.cases[number].settings + settings
                + ["optimizer.learningRate=1e-2", "validation.everySteps=0", "steps=80"],
            windows: 8, source: Tones())
        let reports = try (0..<70).map { _ in try replica.runStep().report }
        func mean(_ key: String, _ range: Range<Int>) -> Double {
            range.reduce(0) { $0 + (reports[$1][key]?.doubleValue ?? .nan) } / Double(range.count)
        }
        #expect(mean("loss", 60..<70) < mean("loss", 0..<3) - 0.1)
        #expect(mean("retrieval_accuracy", 60..<70) > 1.2 * mean("retrieval_accuracy", 0..<3))
    }

    /// Windows that are told from each other by the frequency of a sine, which all of a window's parts share.
    private struct Tones: WindowSource {
        let samplesPerWindow = 600

        func readMillivolts(window: Int, into signal: inout MutableSpan<Float>) {
            for i in signal.indices {
                let (lead, t) = i.quotientAndRemainder(dividingBy: samplesPerWindow)
                let turns = Double((window + 2) * t) / 250 + Double(lead * window) / 12
                signal[i] = Float(ElementaryFunctions.sine(2 * .pi * turns))
            }
        }

        func facts(of window: Int) -> WindowFacts {
            WindowFacts(record: "\(window)", patient: window, superclasses: [])
        }
    }

    @Test func refusesADataSetWithoutLabels() {
        let error = #expect(throws: TrainingError.self) {
            _ = try TrainingReplica(
                configuration: try Configuration(
                    ["method": "triplet", "batchSize": 8, "logicalShards": 4],
                    overrides: Self.transformer),
                source: UnlabelledWindows(), trainingWindows: Array(0..<20),
                validationWindows: [], threads: 1)
        }
        #expect(error?.description.contains("none is among the 20 training windows") == true)
    }

    /// Noise of which nobody knows anything.
    private struct UnlabelledWindows: WindowSource {
        private let noise = SyntheticWindows(samplesPerWindow: 2500, seed: 3)
        let samplesPerWindow = 2500

        func readMillivolts(window: Int, into signal: inout MutableSpan<Float>) {
            noise.readMillivolts(window: window, into: &signal)
        }

        func facts(of window: Int) -> WindowFacts {
            WindowFacts(record: "\(window)", patient: window, superclasses: [])
        }
    }
}
