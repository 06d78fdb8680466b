import Checkpoints
import Collectives
import Runtime
import Tensors
import TestSupport
import Testing
import Transport

@testable import Cluster

/// A replica that notes what is asked of it, lets time pass meanwhile, and may fail.
private final class NotingReplica: Replica {
    let toy: ToyReplica
    let clock = ManualClock()
    var calls: [String] = []
    var failsToAdd = false

    init(gathersEmbeddings: Bool = true) { toy = ToyReplica(gathersEmbeddings: gathersEmbeddings) }

    struct DamagedRecord: Error {}

    var logicalShards: Int { toy.logicalShards }
    var layout: ReductionLayout { toy.layout }
    var step: UInt64 { toy.step }
    var finalStep: UInt64 { toy.finalStep }
    var state: [NamedTensor] { toy.state }
    var gathersEmbeddings: Bool { toy.gathersEmbeddings }
    var localSums: UnsafeMutableRawBufferPointer { toy.localSums }
    var reducedSums: UnsafeMutableRawBufferPointer { toy.reducedSums }
    func adoptState() { toy.adoptState() }

    func beginRound(exponents: [UInt8]?) {
        calls.append("begin \(exponents ?? [])")
        toy.beginRound(exponents: exponents)
    }

    func embeddings(of shards: [Int]) -> [UInt8] {
        calls.append("embeddings of \(shards)")
        clock.advance(by: .seconds(1))
        return toy.embeddings(of: shards)
    }

    func adoptEmbeddings(_ payloads: [[UInt8]]) {
        calls.append("adopt \(payloads.count)")
        toy.adoptEmbeddings(payloads)
    }

    func add(shards: [Int], bucketReady: @escaping @Sendable (Int) -> Void) throws {
        calls.append("add \(shards)")
        clock.advance(by: .seconds(10))
        if failsToAdd { throw DamagedRecord() }
        try toy.add(shards: shards, bucketReady: bucketReady)
    }

    func summary(rank: Int, worldSize: Int) -> [UInt8] {
        calls.append("summary")
        // A validation, which is neither the step's computing nor waiting.
        clock.advance(by: .seconds(100))
        return toy.summary(rank: rank, worldSize: worldSize)
    }

    func conclude(summaries: [[UInt8]]) -> RoundOutcome {
        calls.append("conclude")
        return toy.conclude(summaries: summaries)
    }

    func reducedChecksum() -> UInt32 { toy.reducedChecksum() }

    func apply() -> JSONValue {
        calls.append("apply")
        clock.advance(by: .seconds(1000))
        return toy.apply()
    }

    func closingSummary(rank: Int, worldSize: Int) -> [UInt8]? {
        toy.closingSummary(rank: rank, worldSize: worldSize)
    }

    func close(summaries: [[UInt8]]) -> JSONValue { toy.close(summaries: summaries) }
}

@Suite struct StepRunnerTests {
    private let all = Array(0..<6)

    @Test func aStepHasOneOrder() throws {
        let replica = NotingReplica()
        let runner = StepRunner(replica, clock: replica.clock)
        let alone = SingleProcessExchange()
        #expect(try !runner.step(all, over: alone).recomputed)
        let round = ["embeddings of \(all)", "adopt 1", "add \(all)", "summary", "conclude"]
        #expect(replica.calls == ["begin []"] + round + ["apply"])
        replica.calls = []
        #expect(try runner.step(all, over: alone).recomputed)
        #expect(
            replica.calls == ["begin []"] + round + ["begin [1, 2, 3]"] + round + ["apply"])
    }

    @Test func methodsWithoutEmbeddingsToGatherHaveNoFirstPhase() throws {
        let replica = NotingReplica(gathersEmbeddings: false)
        _ = try StepRunner(replica, clock: replica.clock).step(all, over: SingleProcessExchange())
        #expect(replica.calls == ["begin []", "add \(all)", "summary", "conclude", "apply"])
    }

    @Test func timeIsThatOfAllRounds() throws {
        let replica = NotingReplica()
        let runner = StepRunner(replica, clock: replica.clock)
        let first = try runner.step(all, over: SingleProcessExchange())
        #expect(first.timings.compute == 11 && first.timings.wait == 0)
        #expect(first.report.step == 1 && first.report.updateSeconds == 1000)
        let recomputed = try runner.step(all, over: SingleProcessExchange())
        #expect(recomputed.timings.compute == 22 && recomputed.timings.exchange == 0)
    }

    @Test(arguments: [MemoryExchange.Fault.allGather, .finish])
    func aRoundGoesOnInAnotherExchange(fault: MemoryExchange.Fault) throws {
        let expected = try Self.run(SingleProcessExchange(), rank: 0, of: 1, steps: 1)
        let replica = NotingReplica()
        let runner = StepRunner(replica, clock: replica.clock)
        let interruption = #expect(throws: StepRunner.Interruption.self) {
            try runner.make(
                StepRunner.Round(shards: all),
                over: MemoryExchange.members(1, fault: fault)[0])
        }
        #expect(interruption?.isAdded == (fault == .finish))
        #expect(interruption?.error.suspect == 0)
        var round = StepRunner.Round(shards: all)
        round.begins = false
        if fault == .finish { round.missing = [] }
        #expect(try runner.make(round, over: MemoryExchange.members(1)[0]) == .whole)
        #expect(runner.timings.compute == (fault == .finish ? 22 : 12))
        _ = try runner.apply()
        #expect(StateDigest.digest(of: replica.state) == expected)
    }

    @Test func aShardThatCannotBeComputedEndsTheExchange() throws {
        let replica = NotingReplica()
        replica.failsToAdd = true
        let members = MemoryExchange.members(1)
        #expect(throws: NotingReplica.DamagedRecord.self) {
            try StepRunner(replica, clock: replica.clock).make(
                StepRunner.Round(shards: all), over: members[0])
        }
        // The others must not wait for sums that never come.
        #expect(throws: CollectiveError.aborted) {
            try members[0].allGather([], step: 0, round: 0)
        }
    }

    @Test(arguments: [2, 3, 5]) func membersThatShareAStepHaveTheBitsOfOne(count: Int) throws {
        let members = MemoryExchange.members(count)
        let digests = try onEveryMember(count) { rank in
            try Self.run(members[rank], rank: rank, of: count, steps: 7)
        }
        let alone = try Self.run(SingleProcessExchange(), rank: 0, of: 1, steps: 7)
        #expect(digests.allSatisfy { $0 == alone })
    }

    private static func run(
        _ exchange: any Exchange, rank: Int, of count: Int, steps: Int
    ) throws -> Digest {
        let replica = ToyReplica(gathersEmbeddings: true)
        let runner = StepRunner(replica)
        let shards = (0..<6).filter { $0 % count == rank }
        for _ in 0..<steps { _ = try runner.step(shards, over: exchange) }
        return StateDigest.digest(of: replica.state)
    }
}

@Suite struct ExchangeFormationTests {
    private let members = (1...2 as ClosedRange<UInt32>).map {
        ExchangeMember(id: .random(), number: $0, endpoint: .init(host: "127.0.0.1", port: 1))
    }

    private func generation(of members: [ExchangeMember], rank: Int) -> ExchangeGeneration {
        ExchangeGeneration(
            runID: "run", number: 3, members: members, rank: rank, incoming: IncomingEdges(),
            failureTimeout: .seconds(2), waiter: PollWaiter())
    }

    @Test func whatIsBegunBeforeItStandsTravelsOnceItDoes() throws {
        let parts = MemoryExchange.members(2)
        let mayForm = Monitor(false)
        let formations = (0..<2).map { rank in
            ExchangeFormation(
                generation(of: members, rank: rank), onFailure: { _ in },
                connect: { _ in
                    _ = mayForm.wait(until: { $0 }, then: { _ in })
                    return parts[rank]
                })
        }
        let layout = ReductionLayout(laneBits: 32, elementCount: 2, buckets: [1..<2, 0..<1])
        let sums = try onEveryMember(2) { rank in
            let local = Tensor(.int32, shape: [2])
            let reduced = Tensor(.int32, shape: [2])
            local.bytes.storeBytes(of: Int32(rank + 1), toByteOffset: 4, as: Int32.self)
            let formation = formations[rank]
            formation.begin(
                step: 1, round: 0, layout: layout, local: UnsafeRawBufferPointer(local.bytes),
                reduced: reduced.bytes)
            formation.submit(bucket: 1)
            if rank == 1 { mayForm.update { $0 = true } }
            formation.submit(bucket: 0)
            try withExtendedLifetime(local) { try formation.finish() }
            return withExtendedLifetime(reduced) {
                reduced.bytes.load(fromByteOffset: 4, as: Int32.self)
            }
        }
        #expect(sums == [3, 3])
    }

    @Test func aFailureIsToldOnceAndStays() throws {
        let failures = Monitor<[CollectiveError]>([])
        let error = CollectiveError.unformed(rank: 1, reason: "no way")
        let formation = ExchangeFormation(
            generation(of: members, rank: 0),
            onFailure: { error in failures.update { $0.append(error) } },
            connect: { _ throws(CollectiveError) in throw error })
        #expect(throws: error) { try formation.waitUntilFormed() }
        #expect(throws: error) { try formation.finish() }
        _ = failures.wait(until: { !$0.isEmpty }, then: { _ in })
        formation.abort()
        #expect(throws: error) { try formation.allGather([], step: 1, round: 0) }
        #expect(failures.withLock { $0 } == [error])
        #expect(ExchangeFailure(error, members: members).peer == 2)
    }

    @Test func oneThatComesTooLateIsGivenUp() throws {
        let part = MemoryExchange.members(1)[0]
        let mayForm = Monitor(false)
        let formation = ExchangeFormation(
            generation(of: Array(members[..<1]), rank: 0),
            onFailure: { _ in Issue.record("nobody is to blame") },
            connect: { _ in
                _ = mayForm.wait(until: { $0 }, then: { _ in })
                return part
            })
        formation.abort()
        #expect(throws: CollectiveError.aborted) { try formation.waitUntilFormed() }
        mayForm.update { $0 = true }
        // The exchange itself waits for its other calls until it is told.
        while (try? part.allGather([], step: 1, round: 0)) != nil {}
        #expect(throws: CollectiveError.aborted) { try formation.finish() }
    }
}
