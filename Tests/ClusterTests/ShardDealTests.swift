import Testing

@testable import Cluster

@Suite struct ShardDealTests {
    @Test(arguments: 1...9, 1...9)
    func dealsEveryShardOnceAndEvenly(shards: Int, members: Int) {
        let deal = ShardDeal.deal(
            shardCount: shards, held: Array(repeating: [], count: members))
        #expect(deal.flatMap { $0 }.sorted() == Array(0..<shards))
        let counts = deal.map(\.count)
        #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
    }

    @Test func keepsWhatIsHeldAndDealsTheRestToThePoorest() {
        let deal = ShardDeal.deal(shardCount: 7, held: [[0, 1, 2], [5]])
        #expect(deal == [[0, 1, 2, 3], [4, 5, 6]])
    }

    @Test func aShardThatTwoClaimStaysWithTheFirst() {
        let deal = ShardDeal.deal(shardCount: 3, held: [[0, 1], [1, 2]])
        #expect(deal == [[0, 1], [2]])
    }
}
