import Runtime
import TestSupport
import Testing
import Transport

@testable import Collectives

private let worldSizes = 1...6

/// Sums random lanes on every rank and compares with the serial sum.
private func check(
    worldSize: Int, layout: ReductionLayout, options: RingOptions = RingOptions(), steps: Int = 2,
    areSmall: Bool = false, seed: UInt64 = 1
) throws {
    let rings = try makeMembers(worldSize, options: options)
    let local = (0..<worldSize).map { _ in Lanes(byteCount: layout.byteCount) }
    let reduced = (0..<worldSize).map { _ in Lanes(byteCount: layout.byteCount) }
    for step in 0..<steps as Range<Int> {
        for (rank, lanes) in local.enumerated() {
            lanes.fill(
                seed: seed &+ UInt64(step * 100 + rank), laneBits: layout.laneBits,
                areSmall: areSmall)
        }
        let before = local.map(\.array)
        try onEveryRank(worldSize) { rank in
            let ring = rings[rank]
            ring.begin(
                step: UInt64(step), round: 0, layout: layout,
                local: UnsafeRawBufferPointer(local[rank].bytes), reduced: reduced[rank].bytes)
            var order = Array(layout.buckets.indices)
            var random = SeededRandom(seed: seed &+ UInt64(rank))
            order.shuffle(using: &random)
            for bucket in order { ring.submit(bucket: bucket) }
            try ring.finish()
        }
        let expected = serialSum(local, laneBits: layout.laneBits)
        for rank in 0..<worldSize {
            #expect(reduced[rank].array == expected, "rank \(rank), step \(step)")
            #expect(local[rank].array == before[rank], "local sums of rank \(rank)")
        }
    }
}

@Suite("Ring", .serialized)
struct RingTests {
    @Test("small and odd sizes", arguments: worldSizes, [0, 1, 5, 31, 4095, 4096, 4097])
    func oddSizes(worldSize: Int, lanes: Int) throws {
        for laneBits in [8, 16, 32] {
            try check(
                worldSize: worldSize, layout: layout(laneBits: laneBits, bucketLanes: [lanes]))
        }
    }

    @Test("several buckets of different sizes, some empty", arguments: worldSizes)
    func severalBuckets(worldSize: Int) throws {
        let layout = layout(laneBits: 32, bucketLanes: [3, 0, 70_001, 1, 40_000, 0])
        try check(worldSize: worldSize, layout: layout, steps: 3)
    }

    @Test(
        "every compression at every lane width", arguments: Compression.allCases, [8, 16, 32])
    func compressions(compression: Compression, laneBits: Int) throws {
        var options = RingOptions()
        options.compression = compression
        for worldSize in [1, 2, 3, 5] {
            for areSmall in [false, true] {
                try check(
                    worldSize: worldSize,
                    layout: layout(laneBits: laneBits, bucketLanes: [60_003, 17, 150_000]),
                    options: options, steps: 1, areSmall: areSmall)
            }
        }
    }

    @Test("many chunks that wait for each other", arguments: [2, 3, 4])
    func manyChunks(worldSize: Int) throws {
        var options = RingOptions()
        options.largestChunkBytes = 64 << 10
        options.compression = .none
        try check(
            worldSize: worldSize,
            layout: layout(laneBits: 32, bucketLanes: [200_000, 300_000, 250_000]),
            options: options, steps: 1)
    }

    @Test("payloads without checksum")
    func headerChecksums() throws {
        var options = RingOptions()
        options.payloadChecks = .header
        try check(
            worldSize: 3, layout: layout(laneBits: 32, bucketLanes: [100_000]), options: options)
    }

    @Test("a rank that submits late is waited for while it lives")
    func waitsForLateRank() throws {
        var options = RingOptions()
        options.failureTimeout = .milliseconds(200)
        let rings = try makeRings(3, options: options)
        let layout = layout(laneBits: 32, bucketLanes: [700_000, 600_000])
        let local = (0..<3).map { _ in Lanes(byteCount: layout.byteCount) }
        let reduced = (0..<3).map { _ in Lanes(byteCount: layout.byteCount) }
        for rank in 0..<3 { local[rank].fill(seed: 9, laneBits: 32, areSmall: false) }
        // The late rank computes for several failure timeouts; its I/O thread shows that it lives.
        let hasComputed = Monitor(false)
        try onEveryRank(3) { rank in
            rings[rank].begin(
                step: 1, round: 0, layout: layout,
                local: UnsafeRawBufferPointer(local[rank].bytes), reduced: reduced[rank].bytes)
            rings[rank].submit(bucket: 1)
            if rank == 1 {
                _ = hasComputed.wait(timeout: .milliseconds(700), until: { $0 }, then: { _ in })
            }
            rings[rank].submit(bucket: 0)
            try rings[rank].finish()
        }
        #expect(reduced[2].array == serialSum(local, laneBits: 32))
    }

    @Test("small exchanges of any size, by rank", arguments: worldSizes)
    func gathers(worldSize: Int) throws {
        let rings = try makeMembers(worldSize)
        try onEveryRank(worldSize) { rank in
            for step in 0..<2 as Range<UInt64> {
                for payloadBytes in [0, 1, 1000, 2_500_000] {
                    let all = try rings[rank].allGather(
                        [UInt8](repeating: UInt8(rank), count: payloadBytes + rank), step: step,
                        round: 1)
                    #expect(all.count == worldSize)
                    for (origin, payload) in all.enumerated() {
                        let expected = [UInt8](
                            repeating: UInt8(origin), count: payloadBytes + origin)
                        #expect(payload == expected)
                    }
                }
            }
        }
    }

    @Test("a summed step, its exchange, and the step summed again")
    func roundsFollowEachOther() throws {
        let rings = try makeRings(3)
        let layout = layout(laneBits: 16, bucketLanes: [5000])
        let local = (0..<3).map { _ in Lanes(byteCount: layout.byteCount) }
        let reduced = (0..<3).map { _ in Lanes(byteCount: layout.byteCount) }
        for rank in 0..<3 { local[rank].fill(seed: 3, laneBits: 16, areSmall: false) }
        try onEveryRank(3) { rank in
            let ring = rings[rank]
            for (step, round) in [(4, 0), (5, 0), (5, 1), (6, 0)] as [(UInt64, UInt8)] {
                ring.begin(
                    step: step, round: round, layout: layout,
                    local: UnsafeRawBufferPointer(local[rank].bytes), reduced: reduced[rank].bytes)
                ring.submit(bucket: 0)
                try ring.finish()
                _ = try ring.allGather([1, 2], step: step, round: round)
            }
            #expect(ring.statistics.staleFrames == 0)
            #expect(ring.statistics.sentBytes > 0)
        }
        #expect(reduced[0].array == serialSum(local, laneBits: 16))
    }
}
