import Checkpoints
import ClinicalParameters
import Configurations
import Pretraining
import Runtime
import Tensors
import Testing
import Training

/// The hybrid in a replica: statistics belong to the state, drops are the batch's, and nobody shows.
struct HybridReplicaTests {
    private func replica(
        _ overrides: [String] = [], threads: Int = 1, hasFeatures: Bool = true
    ) throws -> TrainingReplica {
        let configuration = try Configuration(
            [
                "method": "hybrid", "batchSize": 8, "logicalShards": 4, "steps": 40,
                "input": ["cropSamples": 300, "patchSamples": 25],
                "encoder": ["width": 16, "depth": 2, "heads": 2, "mlpWidth": 32],
                "predictor": ["width": 8, "depth": 2, "heads": 2, "mlpWidth": 16],
                "optimizer": ["learningRate": 1e-3, "warmupSteps": 2],
                "validation": ["everySteps": 3],
            ], overrides: overrides)
        return try TrainingReplica(
            configuration: configuration,
            source: SyntheticWindows(
                samplesPerWindow: 300, seed: 3, hasClinicalFeatures: hasFeatures),
            trainingWindows: Array(0..<21), validationWindows: Array(100..<105), threads: threads)
    }

    private func digest(_ replica: TrainingReplica) -> Digest {
        StateDigest.digest(of: replica.state)
    }

    /// What the training windows of `replica` have.
    private var trainingFeatures: [[Float]] {
        let source = SyntheticWindows(samplesPerWindow: 300, seed: 3)
        return (0..<21).map { window in
            var features = Array(repeating: Float(0), count: ClinicalFeatures.count)
            var span = features.mutableSpan
            source.clinicalFeatures(of: window, into: &span)
            return features
        }
    }

    private func values(_ name: String, in replica: TrainingReplica) throws -> [Float] {
        let index = try #require(replica.parameters.index(of: name), "no \(name)")
        return replica.parameters.tensor(index).floatArray
    }

    @Test(arguments: [
        [], ["clinical.featureDrop=0.5", "clinical.columnDrop=0"], ["clinical.segments=4"],
    ])
    func threadsDoNotShow(settings: [String]) throws {
        let alone = try replica(settings)
        var reports: [JSONValue] = []
        for _ in 0..<5 { reports.append(try alone.runStep().report) }
        let threaded = try replica(settings, threads: 3)
        for expected in reports { #expect(try threaded.runStep().report == expected) }
        #expect(digest(threaded) == digest(alone))
    }

    @Test func statisticsAreOfTheTrainingWindowsAndPartOfTheState() throws {
        let replica = try replica()
        let expected = FeatureStatistics(windows: trainingFeatures)
        #expect(try values("encoder.clin_centres", in: replica) == expected.centres)
        #expect(try values("encoder.clin_scales", in: replica) == expected.scales)
        try replica.runStep()
        #expect(try values("encoder.clin_scales", in: replica) == expected.scales)
        #expect(replica.state.contains { $0.name == "parameter.encoder.clin_centres" })
    }

    @Test func segmentsEndWhereTrainingWindowsSay() throws {
        let replica = try replica(["clinical.segments=4"])
        let windows = trainingFeatures
        let expected = PiecewiseEncoding(
            segments: 4, windows: windows, statistics: FeatureStatistics(windows: windows))
        #expect(try values("encoder.clin_edges", in: replica) == expected.edges)
        let weight = try #require(replica.parameters.index(of: "encoder.W_C.weight"))
        // Four numbers and a flag for each of a token's 32 features.
        #expect(replica.parameters.tensor(weight).shape[1] == 5 * 32)
        let before = try values("encoder.W_C.weight", in: replica)
        try replica.runStep()
        #expect(try values("encoder.W_C.weight", in: replica) != before)
        #expect(try values("encoder.clin_edges", in: replica) == expected.edges)
    }

    @Test func statisticsThatCameWithWeightsStay() throws {
        let replica = try replica()
        for name in ["encoder.clin_centres", "encoder.clin_scales"] {
            let index = try #require(replica.parameters.index(of: name))
            replica.parameters.tensor(index).floats.update(repeating: 3)
        }
        try replica.adoptState()
        #expect(try values("encoder.clin_scales", in: replica).allSatisfy { $0 == 3 })
    }

    @Test func aStateWithoutStatisticsIsRefused() throws {
        let replica = try replica(hasFeatures: false)
        #expect(throws: (any Error).self) { try replica.runStep() }
    }

    @Test func theAuxiliaryLossIsThereExactlyWhereTheColumnIsNot() throws {
        let always = try replica(["clinical.columnDrop=1"])
        let never = try replica(["clinical.columnDrop=0"])
        let sometimes = try replica()
        var kinds = Set<Bool>()
        for _ in 0..<8 {
            func losses(_ replica: TrainingReplica) throws -> (
                total: Double, prediction: Double, auxiliary: Double
            ) {
                let report = try replica.runStep().report
                return (
                    report["loss"]?.doubleValue ?? .nan,
                    report["prediction_loss"]?.doubleValue ?? .nan,
                    report["auxiliary_loss"]?.doubleValue ?? .nan
                )
            }
            let (dropped, kept, mixed) = (
                try losses(always), try losses(never), try losses(sometimes)
            )
            #expect(dropped.auxiliary > 0.05)
            #expect(abs(dropped.total - dropped.prediction - 0.1 * dropped.auxiliary) < 1e-9)
            #expect(kept.auxiliary == 0 && kept.total == kept.prediction)
            kinds.insert(mixed.auxiliary > 0)
        }
        #expect(kinds == [true, false])
    }

    @Test func theHeadLearnsOnlyFromStepsWithoutTheColumn() throws {
        let never = try replica(["clinical.columnDrop=0", "optimizer.weightDecay=0"])
        let before = try values("clin_head.weight", in: never)
        let tokens = try values("encoder.W_C.weight", in: never)
        for _ in 0..<3 { try never.runStep() }
        #expect(try values("clin_head.weight", in: never) == before)
        #expect(try values("encoder.W_C.weight", in: never) != tokens)
        let always = try replica(["clinical.columnDrop=1", "optimizer.weightDecay=0"])
        for _ in 0..<3 { try always.runStep() }
        #expect(try values("clin_head.weight", in: always) != before)
        #expect(try values("encoder.W_C.weight", in: always) == tokens)
    }

    @Test func namesAndShapesAreThoseOfECGJEPAAndAFewMore() throws {
        let replica = try replica()
        let shapes = Dictionary(
            uniqueKeysWithValues: replica.parameters.specifications.map { ($0.name, $0.shape) })
        #expect(shapes["encoder.pos_embed"] == [8 * 13, 16])
        #expect(shapes["target_encoder.pos_embed"] == [8 * 13, 16])
        #expect(shapes["encoder.W_C.weight"] == [16, 64])
        #expect(shapes["encoder.W_C.bias"] == [16])
        #expect(shapes["encoder.clin_type"] == [16])
        #expect(shapes["target_encoder.clin_type"] == [16])
        #expect(shapes["clin_head.weight"] == [32, 16])
        #expect(shapes["predictor.pos_embed"] == [12, 8])
        let table = try values("encoder.pos_embed", in: replica)
        #expect(table == (try values("target_encoder.pos_embed", in: replica)))
    }

    @Test func anEncoderOfECGJEPAFitsWithItsPositionsShifted() throws {
        let hybrid = try replica()
        let plain = try Configuration(
            [
                "method": "ecg-jepa", "batchSize": 8, "logicalShards": 4, "seed": 9,
                "input": ["cropSamples": 300, "patchSamples": 25],
                "encoder": ["width": 16, "depth": 2, "heads": 2, "mlpWidth": 32],
                "predictor": ["width": 8, "depth": 2, "heads": 2, "mlpWidth": 16],
            ])
        let source = try TrainingReplica(
            configuration: plain, source: SyntheticWindows(samplesPerWindow: 300),
            trainingWindows: Array(0..<8), validationWindows: [], threads: 1)
        let index = try #require(source.parameters.index(of: "encoder.pos_embed"))
        let positions = source.parameters.tensor(index).floats
        for i in positions.indices { positions[i] = Float(i) }
        let method = try #require(hybrid.configuration.makeMethod() as? any AdaptsWeights)
        let before = try values("encoder.pos_embed", in: hybrid)
        try OfficialWeights.copyEncoder(
            from: method.encoderWeights(
                from: OfficialWeights.encoder(of: source.state), parameters: hybrid.parameters),
            source: "a test", into: hybrid.state)
        hybrid.parameters.renewCopies()
        let name = "encoder_blocks.blocks.1.attn.qkv.weight"
        #expect(
            try values("encoder.\(name)", in: hybrid) == values("encoder.\(name)", in: source))
        #expect(
            try values("target_encoder.\(name)", in: hybrid)
                == values("encoder.\(name)", in: source))
        let after = try values("encoder.pos_embed", in: hybrid)
        for row in 0..<8 * 13 {
            let (lead, column) = (row / 13, row % 13)
            for j in 0..<16 {
                let expected =
                    column == 12 ? before[row * 16 + j] : Float((lead * 12 + column) * 16 + j)
                #expect(after[row * 16 + j] == expected)
            }
        }
        #expect(try values("encoder.clin_scales", in: hybrid).allSatisfy { $0 > 0 })
        // Every sort of step works with these weights.
        for _ in 0..<4 { try hybrid.runStep() }
    }

    @Test func lossesFall() throws {
        let replica = try replica(
            ["optimizer.learningRate=3e-3", "dropPath=0", "clinical.columnDrop=1", "steps=80"])
        let reports = try (0..<50).map { _ in try replica.runStep().report }
        func mean(_ key: String, _ range: Range<Int>) -> Double {
            range.reduce(0) { $0 + (reports[$1][key]?.doubleValue ?? .nan) } / Double(range.count)
        }
        #expect(mean("prediction_loss", 45..<50) < 0.9 * mean("prediction_loss", 0..<3))
        #expect(mean("target_deviation", 45..<50) > 0.3)
    }

    @Test(arguments: [
        "clinical.columnDrop=1.5", "clinical.featureDrop=-1", "clinical.weight=1",
        "clinical.segments=0",
    ])
    func settingsThatCannotBeAreRefused(setting: String) {
        #expect(throws: ConfigurationError.self) { try replica([setting]) }
    }
}
