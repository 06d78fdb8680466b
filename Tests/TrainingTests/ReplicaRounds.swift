import Cluster
import Testing
import Training

/// Adds up what all members of a run computed in a round, in place of a network, and lets all of them conclude it.
///
/// - Parameter replicas: The members by rank, whose shards are added.
/// - Returns: What all of them concluded.
/// - Throws: When summaries cannot be read.
func concludeRound(of replicas: [TrainingReplica]) throws -> RoundOutcome {
    let locals = replicas.map { $0.localSums.bindMemory(to: Int32.self) }
    for replica in replicas {
        let reduced = replica.reducedSums.bindMemory(to: Int32.self)
        for i in reduced.indices { reduced[i] = locals.reduce(0) { $0 &+ $1[i] } }
    }
    let summaries = try replicas.enumerated().map {
        try $0.element.summary(rank: $0.offset, worldSize: replicas.count)
    }
    let outcomes = try replicas.map { try $0.conclude(summaries: summaries) }
    #expect(outcomes.allSatisfy { $0 == outcomes[0] })
    return outcomes[0]
}
