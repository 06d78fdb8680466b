import Checkpoints
import Cluster
import Configurations
import Pretraining
import Runtime
import Tensors
import Testing
import Training

/// The promise within one process: who computes what never shows in the state.
struct TrainingReplicaTests {
    private func replica(
        _ overrides: [String] = [], threads: Int = 1, windows: Int = 21,
        source: any WindowSource = SyntheticWindows(seed: 3)
    ) throws -> TrainingReplica {
        let configuration = try Configuration(
            [
                "method": "st-mem", "batchSize": 8, "logicalShards": 4, "steps": 40,
                "encoder": ["width": 16, "depth": 1, "heads": 2, "headWidth": 8, "mlpWidth": 32],
                "decoder": ["width": 16, "depth": 1, "heads": 1, "headWidth": 8, "mlpWidth": 32],
                "optimizer": ["learningRate": 1e-3, "warmupSteps": 2],
                "validation": ["everySteps": 3],
            ], overrides: overrides)
        return try TrainingReplica(
            configuration: configuration, source: source,
            trainingWindows: Array(0..<windows), validationWindows: Array(100..<105),
            threads: threads)
    }

    private func digest(_ replica: TrainingReplica) -> Digest {
        StateDigest.digest(of: replica.state)
    }

    @Test func threadsAndMembersDoNotShow() throws {
        let alone = try replica()
        var reports: [JSONValue] = []
        for _ in 0..<6 { reports.append(try alone.runStep().report) }
        let expected = digest(alone)

        let threaded = try replica(threads: 3)
        for _ in 0..<6 { try threaded.runStep() }
        #expect(digest(threaded) == expected)

        let members = try (0..<3).map { _ in try replica() }
        let clusterReports = try (0..<6).map { number in
            // A member dies in every other step.
            try step(
                members, [[0], [3, 1], [2]].map { $0.map { ($0 + number) % 4 } },
                isInterrupted: number % 2 == 1)
        }
        #expect(members.allSatisfy { digest($0) == expected })
        #expect(clusterReports == reports)
        #expect(reports[0]["validation_loss"]?.doubleValue != nil)
        #expect(reports[1]["validation_loss"] == nil)
        #expect(reports[3]["validation_loss"]?.doubleValue != nil)
        #expect(reports[3]["validation_step"]?.integerValue == 3)
    }

    @Test(arguments: [16, 8])
    func narrowLanesAreAsExact(bits: Int) throws {
        let alone = try replica(["exchange.gradientBits=\(bits)"])
        for _ in 0..<4 { try alone.runStep() }
        let threaded = try replica(["exchange.gradientBits=\(bits)"], threads: 2)
        for _ in 0..<4 { try threaded.runStep() }
        #expect(digest(threaded) == digest(alone))
    }

    @Test func aShrunkMarginRecomputesToTheSameBitsForAll() throws {
        let settings = ["exchange.marginBits=-3"]
        let alone = try replica(settings)
        var recomputed = 0
        for _ in 0..<6 { recomputed += try alone.runStep().recomputed ? 1 : 0 }
        #expect(recomputed == 6)
        let members = try (0..<2).map { _ in try replica(settings) }
        for _ in 0..<6 { try step(members, [[2, 0], [1, 3]], isInterrupted: true) }
        #expect(members.allSatisfy { digest($0) == digest(alone) })
    }

    @Test func onlyTheFirstStepIsRecomputedUsually() throws {
        let alone = try replica()
        let recomputed = try (0..<8).map { _ in try alone.runStep().recomputed }
        #expect(recomputed == [true] + Array(repeating: false, count: 7))
    }

    @Test func stateGoesOnFromItsBytes() throws {
        let original = try replica()
        for _ in 0..<3 { try original.runStep() }
        let copy = try replica(threads: 2)
        for (source, target) in zip(original.state, copy.state) {
            #expect(source.name == target.name)
            target.tensor.bytes.copyMemory(from: UnsafeRawBufferPointer(source.tensor.bytes))
        }
        try copy.adoptState()
        #expect(copy.step == 3)
        for _ in 0..<3 {
            try original.runStep()
            try copy.runStep()
        }
        #expect(digest(copy) == digest(original))
    }

    @Test func refusesIncompleteAndDamagedSummaries() throws {
        let replica = try replica()
        replica.beginRound(exponents: nil)
        try replica.add(shards: [0, 1, 2]) { _ in }
        let summary = try replica.summary(rank: 0, worldSize: 1)
        #expect(throws: RoundError.shardMissing(3)) { try replica.conclude(summaries: [summary]) }
        #expect(throws: RoundError.shardTwice(0)) {
            try replica.conclude(summaries: [summary, summary])
        }
        for end in stride(from: 0, to: summary.count, by: 7) {
            #expect(throws: RoundError.self) {
                try replica.conclude(summaries: [Array(summary[..<end])])
            }
        }
    }

    @Test func everyBucketIsReportedOnceWhateverTheShards() throws {
        let replica = try replica(threads: 2)
        for shards in [[], [0], [0, 1, 2, 3]] {
            let counts = Locked([Int](repeating: 0, count: replica.layout.buckets.count))
            replica.beginRound(exponents: nil)
            try replica.add(shards: shards) { bucket in counts.withLock { $0[bucket] += 1 } }
            #expect(counts.withLock { $0.allSatisfy { $0 == 1 } })
        }
    }

    @Test func aLossThatIsNotFiniteStopsOrSkips() throws {
        let stopping = try replica(source: SpoiledWindows())
        #expect(throws: TrainingError.self) { for _ in 0..<3 { try stopping.runStep() } }
        let skipping = try replica(["onNonFinite=skip"], source: SpoiledWindows())
        var skipped = 0
        for _ in 0..<5 {
            skipped += try skipping.runStep().report["skipped"] == true ? 1 : 0
        }
        #expect(skipped > 0 && skipped < 5)
        #expect(skipping.step == 5)
    }

    /// Noise in which one window is not a number.
    private struct SpoiledWindows: WindowSource {
        private let noise = SyntheticWindows(seed: 3)
        let samplesPerWindow = 2500

        func readMillivolts(window: Int, into signal: inout MutableSpan<Float>) {
            noise.readMillivolts(window: window, into: &signal)
            if window == 5 { for i in signal.indices { signal[i] = .nan } }
        }

        func facts(of window: Int) -> WindowFacts { noise.facts(of: window) }
    }

    @Test func lossFalls() throws {
        let replica = try replica(["optimizer.learningRate=3e-3"], windows: 8)
        let losses = try (0..<30).map { _ in
            try replica.runStep().report["loss"]?.doubleValue ?? .nan
        }
        #expect(losses[25...].reduce(0, +) / 5 < losses[..<3].reduce(0, +) / 3 - 0.2)
    }
}
