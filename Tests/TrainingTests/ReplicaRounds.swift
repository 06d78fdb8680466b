import Cluster
import Runtime
import TestSupport
import Testing
import Training

/// One step of replicas that share the shards, each on a thread of its own as in a process of its own.
///
/// - Parameters:
///   - replicas: The members by rank.
///   - parts: Each member's shards.
///   - isInterrupted: Whether in every round a member dies once each has added a shard, and the rest is added after that.
/// - Returns: The report, which is the same for all.
/// - Throws: Whatever kept a shard from being computed.
@discardableResult
func step(
    _ replicas: [TrainingReplica], _ parts: [[Int]], isInterrupted: Bool = false
) throws -> JSONValue {
    var outcome = try round(replicas, parts, exponents: nil, isInterrupted)
    if case .recompute(let exponents) = outcome {
        outcome = try round(replicas, parts, exponents: exponents, isInterrupted)
    }
    #expect(outcome == .whole)
    #expect(Set(replicas.map { $0.reducedChecksum() }).count == 1)
    let reports = try replicas.map { try StepRunner($0).apply().report }
    #expect(reports.allSatisfy { $0 == reports[0] })
    return reports[0]
}

private func round(
    _ replicas: [TrainingReplica], _ parts: [[Int]], exponents: [UInt8]?, _ isInterrupted: Bool
) throws -> RoundOutcome {
    let members = MemoryExchange.members(replicas.count)
    let dying = MemoryExchange.members(replicas.count, fault: .finish)
    let outcomes = try onEveryMember(replicas.count) { rank in
        let runner = StepRunner(replicas[rank])
        var round = StepRunner.Round(shards: parts[rank], exponents: exponents)
        if isInterrupted {
            round.missing = Array(parts[rank].prefix(1))
            #expect(throws: StepRunner.Interruption.self) {
                try runner.make(round, over: dying[rank])
            }
            round.begins = false
            round.missing = Array(parts[rank].dropFirst())
        }
        return try runner.make(round, over: members[rank])
    }
    #expect(outcomes.allSatisfy { $0 == outcomes[0] })
    return outcomes[0]
}
