import Checkpoints
import Configurations
import Pretraining
import Runtime
import Tensors
import Testing
import Training

/// The study's layout in a replica.
struct HybridChannelsReplicaTests {
    private func replica(threads: Int = 1, hasFeatures: Bool = true) throws -> TrainingReplica {
        let configuration = try Configuration([
            "method": "hybrid", "hybrid": "channels", "batchSize": 4, "logicalShards": 2,
            "steps": 40, "input": ["cropSamples": 300, "patchSamples": 25],
            "encoder": ["width": 16, "depth": 2, "heads": 2, "mlpWidth": 32],
            "predictor": ["width": 8, "depth": 1, "heads": 2, "mlpWidth": 16],
            "optimizer": ["learningRate": 1e-3, "warmupSteps": 2],
            "validation": ["everySteps": 0],
        ])
        return try TrainingReplica(
            configuration: configuration,
            source: SyntheticWindows(
                samplesPerWindow: 1250, seed: 3, hasClinicalFeatures: hasFeatures),
            trainingWindows: Array(0..<6), validationWindows: [], threads: threads)
    }

    private func values(_ name: String, in replica: TrainingReplica) throws -> [Float] {
        let index = try #require(replica.parameters.index(of: name), "no \(name)")
        return replica.parameters.tensor(index).floatArray
    }

    @Test func threadsDoNotShowAndNineteenRowsAreSeen() throws {
        let (alone, threaded) = (try replica(), try replica(threads: 2))
        for _ in 0..<3 {
            let report = try alone.runStep().report
            #expect(report["loss"]?.doubleValue?.isFinite == true)
            #expect(try threaded.runStep().report == report)
        }
        #expect(StateDigest.digest(of: alone.state) == StateDigest.digest(of: threaded.state))
        #expect(try values("encoder.pos_embed", in: alone).count == 19 * 12 * 16)
    }

    @Test func statisticsOfTheChannelsBelongToTheState() throws {
        let replica = try replica()
        let (centres, scales) = (
            try values("encoder.channel_centres", in: replica),
            try values("encoder.channel_scales", in: replica)
        )
        #expect(centres.count == 11 && scales.count == 11)
        #expect(centres[0] == 0 && scales[0] == 1)
        #expect(scales.allSatisfy { $0 > 0 && $0.isFinite })
        // Details of the wavelet transform of noise have no mean, and some spread.
        #expect(abs(centres[10]) < 0.2 && abs(scales[10] - 1) < 0.2)
        #expect(throws: (any Error).self) { try self.replica(hasFeatures: false).runStep() }
    }

    @Test func settingsOfTokensAreRefused() {
        #expect(throws: ConfigurationError.self) {
            try Configuration(
                ["method": "hybrid", "hybrid": "channels"], overrides: ["clinical.columnDrop=0.5"])
        }
    }
}
