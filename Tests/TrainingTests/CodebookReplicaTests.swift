import Checkpoints
import Cluster
import Configurations
import Runtime
import Testing
import Training

/// The promise within one process for methods whose state moves beside the optimiser: who computes what, where a run
/// was interrupted and who came late never show in the state.
struct CodebookReplicaTests {
    static let methods = [
        """
        "method": "vq-full", "decoder": { "width": 16, "depth": 1, "heads": 1, "headWidth": 8 },
        "quantiser": { "codes": 12, "codeDimension": 4, "warmupSteps": 6, "candidatesPerShard": 5,
          "decay": 0.5, "restartBelow": 0.5 }
        """,
        """
        "method": "vq-full", "decoder": { "width": 16, "depth": 1, "heads": 1, "headWidth": 8 },
        "tokens": "lead-time", "quantiser": { "kind": "finite-scalar", "levels": [4, 3],
          "warmupSteps": 3 }
        """,
        """
        "method": "vq-finetune", "head": { "latentWidth": 12, "hiddenWidth": 8 },
        "quantiser": { "codes": 5, "codeDimension": 3, "warmupSteps": 7, "collectedVectors": 20,
          "decay": 0.5, "restartBelow": 0.8 }
        """,
        """
        "method": "vq-finetune", "head": { "latentWidth": 12, "hiddenWidth": 8 },
        "freezeEncoder": false, "standardiseFeature": false,
        "quantiser": { "codes": 5, "codeDimension": 3, "warmupSteps": 7, "collectedVectors": 20,
          "lookup": "euclidean", "gradient": "straight-through", "entropyWeight": 0 }
        """,
    ]
    private static let steps = 14

    static func replica(_ method: String, threads: Int = 1) throws -> TrainingReplica {
        let object = try JSONValue(
            parsing: Array(
                """
                { \(method), "batchSize": 8, "logicalShards": 4, "steps": 40,
                  "encoder": { "width": 16, "depth": 1, "heads": 2, "headWidth": 8 },
                  "input": { "cropSamples": 600, "patchSamples": 75 },
                  "optimizer": { "learningRate": 1e-3, "warmupSteps": 2 },
                  "validation": { "everySteps": 5 } }
                """.utf8))
        return try TrainingReplica(
            configuration: Configuration(object), source: SyntheticWindows(seed: 3),
            trainingWindows: Array(0..<21), validationWindows: Array(100..<105), threads: threads)
    }

    private func digest(_ replica: TrainingReplica) -> Digest {
        StateDigest.digest(of: replica.state)
    }

    private func copyState(of source: TrainingReplica, into target: TrainingReplica) throws {
        for (from, to) in zip(source.state, target.state) {
            #expect(from.name == to.name)
            to.tensor.bytes.copyMemory(from: UnsafeRawBufferPointer(from.tensor.bytes))
        }
        try target.adoptState()
    }

    @Test(arguments: methods)
    func threadsAndMembersDoNotShow(method: String) throws {
        let alone = try Self.replica(method)
        let reports = try (0..<Self.steps).map { _ in try alone.runStep().report }
        let expected = digest(alone)

        let threaded = try Self.replica(method, threads: 3)
        for _ in 0..<Self.steps { try threaded.runStep() }
        #expect(digest(threaded) == expected)

        // A third member comes in the middle of the warm-up, when others hold vectors of earlier batches.
        var members = try (0..<2).map { _ in try Self.replica(method) }
        var shared: [JSONValue] = []
        for number in 0..<Self.steps {
            if number == 4 {
                members.append(try Self.replica(method))
                try copyState(of: members[0], into: members[2])
            }
            let parts =
                members.count == 2
                ? [[2, 0], [1, 3]]
                : [
                    [number % 4], [(number + 3) % 4],
                    [(number + 1) % 4, (number + 2) % 4],
                ]
            shared.append(try step(members, parts))
        }
        #expect(members.allSatisfy { digest($0) == expected })
        #expect(shared == reports)
    }

    /// Interrupted in the warm-up, in the step before codes start, in the one after, and later.
    @Test(arguments: methods, [3, 5, 6, 7, 10])
    func aRunGoesOnFromItsBytes(method: String, interruption: Int) throws {
        let whole = try Self.replica(method)
        for _ in 0..<interruption { try whole.runStep() }
        let resumed = try Self.replica(method, threads: 2)
        try copyState(of: whole, into: resumed)
        #expect(resumed.step == UInt64(interruption))
        for _ in interruption..<Self.steps {
            try whole.runStep()
            try resumed.runStep()
        }
        #expect(digest(resumed) == digest(whole))
    }

    @Test func linesSayHowCodesAreUsed() throws {
        let replica = try Self.replica(Self.methods[0])
        let reports = try (0..<Self.steps).map { _ in try replica.runStep().report }
        let warmup = reports[2]["codebook"]
        #expect(warmup?["active"] == .null && warmup?["perplexity"] == .null)
        #expect(warmup?["quantisation_error"] == .null && warmup?["restarts"] == 0)
        let last = reports[Self.steps - 1]["codebook"]
        #expect((1...12).contains(last?["active"]?.integerValue ?? 0))
        #expect((1...12).contains(last?["perplexity"]?.doubleValue ?? 0))
        #expect((last?["quantisation_error"]?.doubleValue ?? 0) > 0)
        #expect((last?["entropy_of_mean"]?.doubleValue ?? 0) > 0)
        #expect(reports.contains { ($0["codebook"]?["restarts"]?.integerValue ?? 0) > 0 })
        #expect(reports[0]["validation_codebook"]?["active"] == .null)
        let validation = reports[10]["validation_codebook"]
        // Five records of eight patches of time.
        #expect(validation?["vectors"] == 40 && validation?["codes"] == 12)
        let histogram = validation?["histogram"]?.arrayValue?.compactMap(\.integerValue) ?? []
        #expect(histogram.reduce(0, +) == 40)
        #expect(validation?["active"]?.integerValue == histogram.count { $0 > 0 })
    }

    /// Frozen, the encoder keeps its bits; else it moves.
    @Test func aFrozenEncoderStays() throws {
        for (method, moves) in [(Self.methods[2], false), (Self.methods[3], true)] {
            let replica = try Self.replica(method)
            let before = replica.state.filter { $0.name.hasPrefix("parameter.encoder.") }
                .map { ($0.name, $0.tensor.copied()) }
            for _ in 0..<3 { try replica.runStep() }
            for (name, old) in before where name.contains("block0") {
                guard let now = replica.state.first(where: { $0.name == name }) else { continue }
                let isSame = zip(now.tensor.bytes, old.bytes).allSatisfy { $0 == $1 }
                #expect(isSame != moves, "\(name)")
            }
            #expect(!before.isEmpty)
        }
    }
}
