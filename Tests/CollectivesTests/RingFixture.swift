import Runtime
import TestSupport
import Testing
import Transport

@testable import Collectives

/// The two ends of an edge from a rank to the next.
func edges(worldSize: Int) throws -> [(from: FrameStream, to: FrameStream)] {
    try (0..<worldSize).map { _ in
        let (from, to) = try Socket.pair()
        return (FrameStream(from), FrameStream(to))
    }
}

/// All ranks of a ring within this process, joined by socket pairs.
func makeRings(
    _ worldSize: Int, options: RingOptions = RingOptions(),
    onFailure: (@Sendable (CollectiveError) -> Void)? = nil
) throws -> [Ring] {
    let edges = try edges(worldSize: worldSize)
    return try (0..<worldSize).map { rank in
        try Ring(
            rank: rank, worldSize: worldSize, generation: 7,
            previous: edges[(rank + worldSize - 1) % worldSize].to, next: edges[rank].from,
            options: options, onFailure: onFailure)
    }
}

/// All members of an exchange within this process: a ring, or what a lone one has in its place.
func makeMembers(_ worldSize: Int, options: RingOptions = RingOptions()) throws -> [any Exchange] {
    worldSize == 1 ? [SingleProcessExchange()] : try makeRings(worldSize, options: options)
}

/// Runs a closure for every rank on a thread of its own and waits for all.
func onEveryRank(_ worldSize: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
    let threads = try (0..<worldSize).map { rank in
        try NamedThread("rank \(rank)") {
            do {
                try body(rank)
            } catch {
                Issue.record(error, "rank \(rank)")
            }
        }
    }
    for thread in threads { thread.join() }
}

/// Memory with bounds that outlives closures.
///
/// `@unchecked Sendable`: each test gives it to one thread at a time.
final class Lanes: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer
    init(byteCount: Int) {
        bytes = .allocate(byteCount: byteCount, alignment: 64)
        bytes.initializeMemory(as: UInt8.self, repeating: 0xA5)
    }
    deinit { bytes.deallocate() }

    /// Random bytes, or lanes that compress because their top bytes are zero.
    func fill(seed: UInt64, laneBits: Int, areSmall: Bool) {
        var random = SeededRandom(seed: seed)
        let mask: UInt64 =
            switch laneBits {
            case 32: 0x00FF_FFFF_00FF_FFFF
            case 16: 0x00FF_00FF_00FF_00FF
            default: 0x0101_0101_0101_0101
            }
        var offset = 0
        while offset + 8 <= bytes.count {
            let word = random.next()
            bytes.storeBytes(
                of: areSmall ? word & mask : word, toByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        while offset < bytes.count {
            bytes[offset] = UInt8(truncatingIfNeeded: random.next() >> 40) & (areSmall ? 0 : 255)
            offset += 1
        }
    }

    var array: [UInt8] { Array(bytes) }
}

/// The sum of all ranks' lanes, one after the other.
func serialSum(_ all: [Lanes], laneBits: Int) -> [UInt8] {
    let sum = Lanes(byteCount: all[0].bytes.count)
    sum.bytes.copyMemory(from: UnsafeRawBufferPointer(all[0].bytes))
    for lanes in all.dropFirst() {
        switch laneBits {
        case 32:
            let (total, more) = (
                sum.bytes.bindMemory(to: UInt32.self), lanes.bytes.bindMemory(to: UInt32.self)
            )
            for index in 0..<total.count { total[index] &+= more[index] }
        case 16:
            let (total, more) = (
                sum.bytes.bindMemory(to: UInt16.self), lanes.bytes.bindMemory(to: UInt16.self)
            )
            for index in 0..<total.count { total[index] &+= more[index] }
        default:
            for index in 0..<sum.bytes.count { sum.bytes[index] &+= lanes.bytes[index] }
        }
    }
    return sum.array
}

/// A layout whose buckets travel from the last to the first.
func layout(laneBits: Int, bucketLanes: [Int]) -> ReductionLayout {
    var start = 0
    let buckets = bucketLanes.map { count in
        defer { start += count }
        return start..<start + count
    }
    return ReductionLayout(
        laneBits: laneBits, elementCount: start, buckets: Array(buckets.reversed()))
}
