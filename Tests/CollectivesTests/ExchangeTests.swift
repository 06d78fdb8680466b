import Runtime
import TestSupport
import Testing

@testable import Collectives

/// What every exchange promises, whatever it is made of.
@Suite("Exchanges", .serialized)
struct ExchangeTests {
    enum Kind: String, CaseIterable { case ring, memory, singleProcess }

    private static let cases: [(Kind, Int)] =
        [(.singleProcess, 1)] + [2, 3, 5].flatMap { [(.ring, $0), (.memory, $0)] }

    private func make(_ kind: Kind, _ worldSize: Int) throws -> [any Exchange] {
        switch kind {
        case .ring: try makeRings(worldSize)
        case .memory: MemoryExchange.members(worldSize)
        case .singleProcess: [SingleProcessExchange()]
        }
    }

    @Test("sums and gathers in the order of ranks, step after step", arguments: cases)
    func keepsItsPromise(kind: Kind, worldSize: Int) throws {
        let members = try make(kind, worldSize)
        let layout = layout(laneBits: 16, bucketLanes: [70, 0, 9001])
        let local = (0..<worldSize).map { _ in Lanes(byteCount: layout.byteCount) }
        let reduced = (0..<worldSize).map { _ in Lanes(byteCount: layout.byteCount) }
        for (step, round) in [(3, 0), (3, 1), (4, 0)] as [(UInt64, UInt8)] {
            for rank in 0..<worldSize {
                local[rank].fill(
                    seed: step * 10 + UInt64(rank + Int(round)), laneBits: 16, areSmall: false)
            }
            let gathered = try onEveryMember(worldSize) { rank in
                let member = members[rank]
                #expect(member.rank == rank && member.worldSize == worldSize)
                try member.waitUntilFormed()
                let before = try member.allGather([UInt8(rank)], step: step, round: round)
                #expect(before == (0..<worldSize).map { [UInt8($0)] })
                member.begin(
                    step: step, round: round, layout: layout,
                    local: UnsafeRawBufferPointer(local[rank].bytes), reduced: reduced[rank].bytes)
                for bucket in [1, 2, 0] { member.submit(bucket: bucket) }
                try member.finish()
                return try member.allGather(
                    Array(repeating: 7, count: rank * 3), step: step, round: round)
            }
            let sum = serialSum(local, laneBits: 16)
            for rank in 0..<worldSize {
                #expect(reduced[rank].array == sum, "rank \(rank) in step \(step)")
                #expect(gathered[rank].map(\.count) == (0..<worldSize).map { $0 * 3 })
            }
        }
    }

    @Test("one that was given up throws in every call", arguments: cases)
    func staysAborted(kind: Kind, worldSize: Int) throws {
        let members = try make(kind, worldSize)
        let layout = layout(laneBits: 32, bucketLanes: [10])
        let (local, reduced) = (Lanes(byteCount: 40), Lanes(byteCount: 40))
        members[0].begin(
            step: 1, round: 0, layout: layout, local: UnsafeRawBufferPointer(local.bytes),
            reduced: reduced.bytes)
        members[0].abort()
        for _ in 0..<2 {
            #expect(throws: CollectiveError.aborted) { try members[0].finish() }
            #expect(throws: CollectiveError.aborted) {
                try members[0].allGather([1], step: 1, round: 0)
            }
        }
    }
}
