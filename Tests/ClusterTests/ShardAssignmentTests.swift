import Testing

@testable import Cluster

@Suite struct ShardAssignmentTests {
    @Test(arguments: 1...9, 1...9)
    func dealsEveryShardOnceAndEvenly(shards: Int, members: Int) {
        let assigned = ShardAssignment.assign(
            shardCount: shards, held: Array(repeating: [], count: members))
        #expect(assigned.flatMap { $0 }.sorted() == Array(0..<shards))
        let counts = assigned.map(\.count)
        #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
    }

    @Test func keepsWhatIsHeldAndAssignsTheRestToThePoorest() {
        let assigned = ShardAssignment.assign(shardCount: 7, held: [[0, 1, 2], [5]])
        #expect(assigned == [[0, 1, 2, 3], [4, 5, 6]])
    }

    @Test func aShardThatTwoClaimStaysWithTheFirst() {
        let assigned = ShardAssignment.assign(shardCount: 3, held: [[0, 1], [1, 2]])
        #expect(assigned == [[0, 1], [2]])
    }
}
