import Testing

@testable import Training

/// Summaries come from other processes: lists of any length are refused before anybody counts on them.
@Suite struct RoundSummaryTests {
    private func summary(
        shards: [Int: [Double]] = [0: [1, 2], 1: [3, 4]], validation: [Int: [Double]] = [2: [5]]
    ) -> RoundSummary {
        RoundSummary(round: 1, shards: shards, maxima: [7, 8], validation: validation)
    }

    private func check(_ summary: RoundSummary) throws {
        try RoundSummary(decoding: summary.encoded()).check(
            shardCount: 2, shardNumbers: 2, batchCount: 3, batchNumbers: 1)
    }

    @Test func whatAMemberSendsIsTaken() throws {
        try check(summary())
        try check(summary(shards: [:], validation: [:]))
        #expect(try RoundSummary(decoding: summary().encoded()) == summary())
    }

    @Test(
        arguments: [
            [0: [1]], [0: []], [1: [1, 2, 3]], [2: [1, 2]], [.max: [1, 2]], [0: [1, 2], 7: []],
        ] as [[Int: [Double]]])
    func otherShardsAreRefused(shards: [Int: [Double]]) {
        #expect(throws: RoundError.self) { try check(summary(shards: shards)) }
    }

    @Test(arguments: [[0: []], [2: [1, 2]], [3: [1]], [.max: [1]]] as [[Int: [Double]]])
    func otherBatchesAreRefused(validation: [Int: [Double]]) {
        #expect(throws: RoundError.self) { try check(summary(validation: validation)) }
    }

    /// A number that no count of entries has, such as that of a negative one.
    @Test func aNegativeShardIsRefused() throws {
        var bytes = summary(shards: [1: [1, 2]], validation: [:]).encoded()
        // Round, count, then the shard's number.
        bytes.replaceSubrange(9..<17, with: [UInt8](repeating: 0xFF, count: 8))
        let read = try RoundSummary(decoding: bytes)
        #expect(throws: RoundError.self) {
            try read.check(shardCount: 2, shardNumbers: 2, batchCount: 3, batchNumbers: 1)
        }
    }
}
