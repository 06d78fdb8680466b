import Checkpoints
import Configurations
import Pretraining
import Runtime
import Tensors
import Testing
import Training

/// ECG-JEPA in a replica: whoever computes what does not show, and the teacher is part of the state.
struct ECGJEPAReplicaTests {
    private func replica(
        _ overrides: [String] = [], threads: Int = 1, windows: Int = 21,
        source: any WindowSource = SyntheticWindows(samplesPerWindow: 300, seed: 3)
    ) throws -> TrainingReplica {
        let configuration = try Configuration(
            [
                "method": "ecg-jepa", "batchSize": 8, "logicalShards": 4, "steps": 40,
                "input": ["cropSamples": 300, "patchSamples": 25],
                "encoder": ["width": 16, "depth": 2, "heads": 2, "mlpWidth": 32],
                "predictor": ["width": 8, "depth": 2, "heads": 2, "mlpWidth": 16],
                "optimizer": ["learningRate": 1e-3, "warmupSteps": 2],
                "validation": ["everySteps": 3],
            ], overrides: overrides)
        return try TrainingReplica(
            configuration: configuration, source: source,
            trainingWindows: Array(0..<windows), validationWindows: Array(100..<105),
            threads: threads)
    }

    /// The same windows, twice as large.
    private struct DoubledWindows: WindowSource {
        let windows: SyntheticWindows
        var samplesPerWindow: Int { windows.samplesPerWindow }

        func readMillivolts(
            window: Int, into signal: inout MutableSpan<Float>
        ) throws {
            windows.readMillivolts(window: window, into: &signal)
            for i in signal.indices { signal[i] *= 2 }
        }

        func facts(of window: Int) -> WindowFacts { windows.facts(of: window) }
    }

    private func digest(_ replica: TrainingReplica) -> Digest {
        StateDigest.digest(of: replica.state)
    }

    @Test(arguments: [
        [], ["dropPath=0.3", "teacher.dropPath=true", "masking.kind=random"],
        ["masking.maskFix=true", "encoder.qkvBias=true"],
    ])
    func threadsDoNotShow(settings: [String]) throws {
        let alone = try replica(settings)
        var reports: [JSONValue] = []
        for _ in 0..<5 { reports.append(try alone.runStep().report) }
        let threaded = try replica(settings, threads: 3)
        for expected in reports { #expect(try threaded.runStep().report == expected) }
        #expect(digest(threaded) == digest(alone))
        #expect(reports[3]["validation_loss"]?.doubleValue != nil)
        #expect(reports[3]["validation_target_deviation"]?.doubleValue != nil)
    }

    @Test func everySettingDecidesBits() throws {
        let plain = try replica()
        for _ in 0..<3 { try plain.runStep() }
        for setting in [
            "dropPath=0", "teacher.dropPath=true", "masking.kind=random", "masking.maskFix=true",
            "teacher.momentum=0.99", "signalGain=2",
        ] {
            let other = try replica([setting])
            for _ in 0..<3 { try other.runStep() }
            #expect(digest(other) != digest(plain), "\(setting)")
        }
    }

    @Test func aGainIsAsIfSignalsWereLarger() throws {
        let gained = try replica(["signalGain=2"])
        let doubled = try replica(
            source: DoubledWindows(windows: SyntheticWindows(samplesPerWindow: 300, seed: 3)))
        for _ in 0..<3 {
            #expect(
                try gained.runStep().report["loss"] == doubled.runStep().report["loss"])
        }
    }

    @Test func theTeacherBeginsAsTheEncoderAndFollowsIt() throws {
        let replica = try replica(["teacher.momentum=0.9"])
        let names = replica.parameters.specifications.map(\.name)
        func values(_ name: String) throws -> [Float] {
            let index = try #require(replica.parameters.index(of: name), "\(names)")
            return replica.parameters.tensor(index).floatArray
        }
        let name = "encoder_blocks.blocks.1.mlp.fc2.weight"
        let first = try values("target_encoder.\(name)")
        #expect(try values("encoder.\(name)") == first)
        #expect(replica.state.contains { $0.name == "parameter.target_encoder.\(name)" })
        var expected = first
        for step in 0..<3 {
            let report = try replica.runStep().report
            let momentum = 0.9 + 0.1 * Double(step) / 40
            #expect(abs((report["teacher_momentum"]?.doubleValue ?? 0) - momentum) < 1e-12)
            let student = try values("encoder.\(name)")
            for i in expected.indices {
                expected[i] += Float(1 - momentum) * (student[i] - expected[i])
            }
        }
        let teacher = try values("target_encoder.\(name)")
        #expect(teacher != first)
        #expect(zip(teacher, expected).allSatisfy { abs($0 - $1) < 1e-6 })
        // Position tables are the same for both, and never move.
        #expect(try values("encoder.pos_embed") == values("target_encoder.pos_embed"))
    }

    @Test func onlyMatricesDecayAndTheRateDropsWhenWarmUpEnds() throws {
        let configuration = try Configuration(["method": "ecg-jepa", "steps": 100])
        #expect(configuration.optimizer.noDecay1d)
        #expect(configuration.optimizer.schedule == .cosineFromStart)
        #expect(configuration.optimizer.warmupSteps == 5)
        #expect(configuration.optimizer.initialLearningRate == 1e-6)
        let replica = try replica([
            "optimizer.warmupSteps=10", "optimizer.learningRate=1e-3", "steps=20",
        ])
        let rates = try (0..<12).map { _ in
            try replica.runStep().report["learning_rate"]?.doubleValue ?? .nan
        }
        #expect(rates[0] == 1e-6)
        #expect(rates[9] > 0.8e-3)
        #expect(rates[10] < 0.6e-3)
    }

    @Test func lossFallsAndFeaturesStaySpread() throws {
        let replica = try replica(
            ["optimizer.learningRate=3e-3", "dropPath=0", "steps=60"], windows: 8)
        let reports = try (0..<40).map { _ in try replica.runStep().report }
        func mean(_ key: String, _ range: Range<Int>) -> Double {
            range.reduce(0) { $0 + (reports[$1][key]?.doubleValue ?? .nan) } / Double(range.count)
        }
        #expect(mean("loss", 35..<40) < 0.9 * mean("loss", 0..<3))
        #expect(mean("target_deviation", 35..<40) > 0.3)
        #expect(mean("target_sample_deviation", 35..<40) > 0.01)
    }

    @Test(arguments: [
        "encoder.width=18", "encoder.heads=3", "predictor.width=10", "input.patchSamples=60",
        "input.filterBeforeCrop=true", "masking.ratio=0.5", "decoder.width=8", "dropPath=1",
    ])
    func settingsThatCannotBeAreRefused(setting: String) {
        #expect(throws: ConfigurationError.self) { try replica([setting]) }
    }

    @Test func mixedMaskSettingsAreRefused() {
        #expect(throws: ConfigurationError.self) {
            try replica(["masking.kind=random", "masking.maskFix=true"])
        }
    }
}
