import Collectives
import Runtime
import TestSupport
import Testing

@testable import Cluster

/// Connects workers of this process through its memory: an exchange of another kind, made through the public seam alone.
private final class MemoryConnector: ExchangeConnector {
    private let generations = Locked<[UInt32: [MemoryExchange]]>([:])

    func connect(
        _ generation: ExchangeGeneration,
        onFailure: @escaping @Sendable (CollectiveError) -> Void
    ) throws(CollectiveError) -> any Exchange {
        generations.withLock { generations in
            let count = generation.members.count
            let members = generations[generation.number] ?? MemoryExchange.members(count)
            generations[generation.number] = members
            return members[generation.rank]
        }
    }
}

/// Runs whose sums never see a ring.
@Suite(.serialized) struct MemoryClusterTests {
    @Test(arguments: [1, 3])
    func anyExchangeEndsWithTheBitsOfOneProcess(workers: Int) throws {
        let cluster = try ToyCluster(gathersEmbeddings: true)
        let memory = MemoryConnector()
        try cluster.start("coordinator", cluster.coordinator(workers: workers))
        for number in 1...workers {
            try cluster.startWorker("worker \(number)", exchange: memory)
        }
        #expect(cluster.outcome(of: "coordinator")?.exitCode == 0)
        #expect(try cluster.digest() == cluster.expected(12))
    }

    @Test func aWorkerThatDiesLeavesTheOthersANewExchange() throws {
        let cluster = try ToyCluster(steps: 30, secondsPerShard: 0.01)
        let memory = MemoryConnector()
        try cluster.start("coordinator", cluster.coordinator(workers: 3))
        let drivers = try (1...3).map {
            try cluster.startWorker("worker \($0)", exchange: memory)
        }
        cluster.waitForStep(6)
        drivers[1].crash()
        #expect(cluster.outcome(of: "coordinator")?.exitCode == 0)
        #expect(cluster.eventKinds().contains(.lost))
        #expect(try cluster.digest() == cluster.expected(30))
    }
}
