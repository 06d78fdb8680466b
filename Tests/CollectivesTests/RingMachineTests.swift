import Runtime
import TestSupport
import Testing
import Transport

@testable import Collectives

/// The machines of a ring within one thread, over streams in memory and by time that passes by hand.
private final class Play {
    let clock = ManualClock()
    let machines: [RingMachine]
    /// For each rank the ends that its machine holds: of the edge from the rank before, of the edge to the next.
    let ends: [(previous: MemoryStream, next: MemoryStream)]
    var reduced: [Bool]
    var gathered: [[[UInt8]]?]

    init(_ worldSize: Int, options: RingOptions = RingOptions(), capacity: Int = 64 << 10) {
        let edges = (0..<worldSize).map { _ in MemoryStream.pair(capacity: capacity) }
        ends = (0..<worldSize).map { (edges[($0 + worldSize - 1) % worldSize].1, edges[$0].0) }
        let (clock, ends) = (clock, ends)
        machines = (0..<worldSize).map { rank in
            RingMachine(
                rank: rank, worldSize: worldSize, generation: 7,
                previous: FrameStream(ends[rank].previous), next: FrameStream(ends[rank].next),
                options: options, clock: clock)
        }
        reduced = Array(repeating: false, count: worldSize)
        gathered = Array(repeating: nil, count: worldSize)
    }

    /// One turn of a rank, and the time that it then rests.
    func turn(_ rank: Int, resting: Duration = .zero) throws {
        let machine = machines[rank]
        _ = try machine.takeTurn()
        if let finished = try machine.takeFinished() {
            if finished.isReduced { reduced[rank] = true }
            if let all = finished.gathered { gathered[rank] = all }
        }
        try machine.failWhereNeeded()
        let before = clock.now
        clock.advance(by: resting)
        try machine.hasWaited(since: before)
    }

    func begin(
        _ rank: Int, _ layout: ReductionLayout, _ local: Lanes, _ sum: Lanes, step: UInt32 = 1,
        round: UInt8 = 0
    ) throws {
        reduced[rank] = false
        try machines[rank].begin(
            ReductionRequest(
                key: ExchangeKey(step: step, round: round), layout: layout,
                local: UnsafeRawBufferPointer(local.bytes), reduced: sum.bytes))
    }
}

@Suite("Ring machine")
struct RingMachineTests {
    /// Whoever has a turn, however few bytes go through and whenever buckets are submitted: the sums are the same.
    @Test("sums under any schedule", arguments: [2, 3, 4], 0..<12 as Range<UInt64>)
    func sumsUnderAnySchedule(worldSize: Int, seed: UInt64) throws {
        var random = SeededRandom(seed: seed &* 8 &+ UInt64(worldSize))
        var options = RingOptions()
        options.compression = Compression.allCases.randomElement(using: &random) ?? .none
        let play = Play(
            worldSize, options: options,
            capacity: [50, 5_000, 64 << 10].randomElement(using: &random) ?? 50)
        let bits = [8, 16, 32].randomElement(using: &random) ?? 32
        let layout = layout(
            laneBits: bits,
            bucketLanes: (0..<3).map { _ in Int.random(in: 0...4000, using: &random) })
        let lanes = (0..<2).map { _ in
            (0..<worldSize).map { _ in Lanes(byteCount: layout.byteCount) }
        }
        let areSmall = Bool.random(using: &random)
        for (step, round) in [(5, 0), (5, 1), (6, 0)] as [(UInt32, UInt8)] {
            for lanes in lanes[0] {
                lanes.fill(seed: random.next(), laneBits: bits, areSmall: areSmall)
            }
            for rank in 0..<worldSize {
                try play.begin(
                    rank, layout, lanes[0][rank], lanes[1][rank], step: step, round: round)
            }
            var unsubmitted = (0..<worldSize).map { _ in
                Array(layout.buckets.indices).shuffled(using: &random)
            }
            try run(play, &random) { rank, isQuiet in
                if !unsubmitted[rank].isEmpty, isQuiet {
                    try play.machines[rank].submit(unsubmitted[rank].removeLast())
                }
                return play.reduced.allSatisfy { $0 }
            }
            let sum = serialSum(lanes[0], laneBits: bits)
            for rank in 0..<worldSize {
                #expect(lanes[1][rank].array == sum, "rank \(rank), step \(step), seed \(seed)")
            }
            try gather(play, &random, step: step, round: round, seed: seed)
        }
        #expect(play.machines.allSatisfy { $0.statistics.staleFrames == 0 }, "seed \(seed)")
    }

    /// Gives turns to ranks at random until a closure says that it is enough.
    private func run(
        _ play: Play, _ random: inout SeededRandom,
        until isDone: (_ rank: Int, _ isQuiet: Bool) throws -> Bool
    ) throws {
        for _ in 0..<200_000 {
            let rank = Int.random(in: play.machines.indices, using: &random)
            func limit() -> Int {
                [1, 17, 40, 41, 4096, .max].randomElement(using: &random) ?? 1
            }
            let ends = play.ends[rank]
            ends.previous.setPace(readLimit: limit(), writeLimit: limit())
            ends.next.setPace(readLimit: limit(), writeLimit: limit())
            try play.turn(rank, resting: .microseconds(Int.random(in: 0...200, using: &random)))
            if try isDone(rank, Int.random(in: 0..<4, using: &random) == 0) { return }
        }
        Issue.record("the exchange does not come to its end")
    }

    private func gather(
        _ play: Play, _ random: inout SeededRandom, step: UInt32, round: UInt8, seed: UInt64
    ) throws {
        let payloads = play.machines.indices.map { rank in
            [UInt8](repeating: UInt8(rank), count: Int.random(in: 0...300, using: &random))
        }
        for (machine, payload) in zip(play.machines, payloads) {
            machine.begin(ExchangeKey(step: step, round: round), payload)
        }
        play.gathered = payloads.map { _ in nil }
        try run(play, &random) { _, _ in play.gathered.allSatisfy { $0 != nil } }
        #expect(play.gathered.allSatisfy { $0 == payloads }, "seed \(seed)")
    }

    /// A header that comes before the reduction is known is checked once it is, like any other.
    @Test(
        "a chunk that does not fit is refused, whenever its header came",
        arguments: [(998, 1000), (400, 1000), (1000, 400)], [true, false])
    func checksEarlyHeaders(lanes: (there: Int, here: Int), isEarly: Bool) throws {
        // Room for a header: the payload comes when it was read.
        let play = Play(2, capacity: 40)
        let there = layout(laneBits: 32, bucketLanes: [lanes.there])
        let here = layout(laneBits: 32, bucketLanes: [lanes.here])
        let (local, sum) = (Lanes(byteCount: 4000), Lanes(byteCount: 4000))
        let (local1, sum1) = (Lanes(byteCount: 4000), Lanes(byteCount: 4000))
        try play.begin(0, there, local, sum)
        try play.machines[0].submit(0)
        try play.turn(0)
        if isEarly { try play.turn(1) }
        // It has nothing of its own to send yet, so that the fault can only show here.
        try play.begin(1, here, local1, sum1)
        let error = #expect(throws: CollectiveError.self) {
            for _ in 0..<10_000 {
                try play.turn(1)
                try play.turn(0)
            }
        }
        // Seen by the one to whom it came.
        guard case .violation(rank: 0, _, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("a sum is the same, whenever the headers came before the reduction was known")
    func addsEarlyHeaders() throws {
        let play = Play(2, capacity: 40)
        let lanes = (0..<4).map { _ in Lanes(byteCount: 4000) }
        for (seed, lanes) in lanes.enumerated() {
            lanes.fill(seed: UInt64(seed), laneBits: 32, areSmall: false)
        }
        try play.begin(0, layout1, lanes[0], lanes[2])
        try play.machines[0].submit(0)
        try play.turn(0)
        try play.turn(1)
        try play.begin(1, layout1, lanes[1], lanes[3])
        for turn in 0..<10_000 where !play.reduced.allSatisfy({ $0 }) {
            // Submitted when the payload is half there.
            if turn == 20 { try play.machines[1].submit(0) }
            for rank in 0..<2 { try play.turn(rank) }
        }
        let expected = serialSum([lanes[0], lanes[1]], laneBits: 32)
        #expect(lanes[2].array == expected)
        #expect(lanes[3].array == expected)
    }

    private let layout1 = layout(laneBits: 32, bucketLanes: [1000])

    @Test("a neighbour is silent from the failure timeout on, and not before")
    func judgesSilence() throws {
        let play = Play(2)
        let (local, sum) = (Lanes(byteCount: 4000), Lanes(byteCount: 4000))
        try play.begin(0, layout1, local, sum)
        try play.machines[0].submit(0)
        for _ in 0..<20 { try play.turn(0, resting: .milliseconds(100)) }
        #expect(
            throws: CollectiveError.silent(rank: 1, peer: "memory 0", after: .seconds(2))
        ) {
            try play.turn(0, resting: .milliseconds(1))
        }
    }

    @Test("a neighbour that only shows life is waited for")
    func waitsForLife() throws {
        let play = Play(2)
        let lanes = (0..<4).map { _ in Lanes(byteCount: 4000) }
        for lanes in lanes { lanes.fill(seed: 4, laneBits: 32, areSmall: false) }
        try play.begin(0, layout1, lanes[0], lanes[2])
        try play.machines[0].submit(0)
        // An hour, in which the other one computes.
        for _ in 0..<9_000 {
            try play.turn(0, resting: .milliseconds(200))
            try play.turn(1, resting: .milliseconds(200))
        }
        try play.begin(1, layout1, lanes[1], lanes[3])
        try play.machines[1].submit(0)
        for _ in 0..<20 {
            for rank in 0...1 { try play.turn(rank) }
        }
        #expect(play.reduced == [true, true])
        #expect(lanes[2].array == serialSum(Array(lanes[..<2]), laneBits: 32))
    }

    @Test("a sign of life goes out a quarter of the timeout after the last frame")
    func showsLife() throws {
        let play = Play(2)
        try play.turn(0, resting: .milliseconds(499))
        try play.turn(0)
        #expect(play.ends[0].next.bytesOnTheirWay == 0)
        try play.turn(0, resting: .milliseconds(1))
        try play.turn(0)
        #expect(play.ends[0].next.bytesOnTheirWay == FrameHeader.byteCount)
        #expect(play.ends[0].previous.bytesOnTheirWay == FrameHeader.byteCount)
        // What is not flushed yet keeps the edge from another one.
        play.ends[0].next.setPace(writeLimit: 0)
        for _ in 0..<3 { try play.turn(0, resting: .milliseconds(500)) }
        #expect(play.machines[0].nextWish.events == [.input, .output])
        #expect(play.ends[0].next.bytesOnTheirWay == FrameHeader.byteCount)
    }

    @Test("a process that was stopped itself hears what came before it judges")
    func forgivesItsOwnPause() throws {
        let play = Play(2)
        let (local, sum) = (Lanes(byteCount: 4000), Lanes(byteCount: 4000))
        try play.begin(0, layout1, local, sum)
        try play.machines[0].submit(0)
        try play.turn(0, resting: .seconds(3_600))
        try play.turn(0, resting: .milliseconds(100))
        // From then on it judges again.
        #expect(throws: CollectiveError.self) {
            for _ in 0..<21 { try play.turn(0, resting: .milliseconds(100)) }
        }
    }

    @Test("wishes follow what is to be sent, and end with the edge")
    func wishes() throws {
        let play = Play(2)
        #expect(play.machines[0].nextWish.events == .input)
        let (local, sum) = (Lanes(byteCount: 4000), Lanes(byteCount: 4000))
        try play.begin(0, layout1, local, sum)
        try play.machines[0].submit(0)
        play.ends[0].next.setPace(writeLimit: 0)
        try play.turn(0)
        #expect(play.machines[0].nextWish.events == [.input, .output])
        #expect(play.machines[0].previousWish.events == .input)
        // One who leaves is no longer waited for; that is a failure only while its bytes are due.
        play.machines[1].sayFarewell()
        play.machines[1].stop()
        #expect(throws: CollectiveError.peerLeft(rank: 1, peer: "memory 0")) {
            for _ in 0..<3 { try play.turn(0) }
        }
        #expect(play.machines[0].previousWish.source == nil)
    }

    @Test("a whole ring runs over streams that buffer and greet", arguments: [2, 3])
    func runsOverVeiledStreams(worldSize: Int) throws {
        let edges = try (0..<worldSize).map { _ in try Socket.pair() }
        let rings = try (0..<worldSize).map { rank in
            try Ring(
                rank: rank, worldSize: worldSize, generation: 1,
                previous: FrameStream(
                    VeiledStream(edges[(rank + worldSize - 1) % worldSize].1)),
                next: FrameStream(VeiledStream(edges[rank].0)))
        }
        let layout = layout(laneBits: 32, bucketLanes: [40_000, 7])
        let local = (0..<worldSize).map { _ in Lanes(byteCount: layout.byteCount) }
        let reduced = (0..<worldSize).map { _ in Lanes(byteCount: layout.byteCount) }
        for rank in 0..<worldSize {
            local[rank].fill(seed: UInt64(rank), laneBits: 32, areSmall: false)
        }
        _ = try onEveryMember(worldSize) { rank in
            rings[rank].begin(
                step: 1, round: 0, layout: layout,
                local: UnsafeRawBufferPointer(local[rank].bytes), reduced: reduced[rank].bytes)
            for bucket in layout.buckets.indices { rings[rank].submit(bucket: bucket) }
            try rings[rank].finish()
        }
        let sum = serialSum(local, laneBits: 32)
        #expect(reduced.allSatisfy { $0.array == sum })
    }
}
