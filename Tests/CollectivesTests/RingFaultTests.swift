import Runtime
import Testing
import Transport

@testable import Collectives

/// Rank 0 of a ring of two, whose rank 1 is played by the test.
private struct Duel {
    let ring: Ring
    /// From which rank 0 receives.
    let toRing: FrameStream
    /// To which rank 0 sends.
    let fromRing: FrameStream
    let layout = ReductionLayout(laneBits: 32, elementCount: 1000, buckets: [0..<1000])
    let local = Lanes(byteCount: 4000)
    let reduced = Lanes(byteCount: 4000)

    init(options: RingOptions = RingOptions(), failures: Monitor<[CollectiveError]>? = nil) throws {
        let (previous, next) = (try Socket.pair(), try Socket.pair())
        toRing = FrameStream(previous.0)
        fromRing = FrameStream(next.0)
        ring = try Ring(
            rank: 0, worldSize: 2, generation: 7, previous: FrameStream(previous.1),
            next: FrameStream(next.1), options: options
        ) { error in failures?.update { $0.append(error) } }
    }

    func begin() {
        ring.begin(
            step: 5, round: 0, layout: layout, local: UnsafeRawBufferPointer(local.bytes),
            reduced: reduced.bytes)
        ring.submit(bucket: 0)
    }

    /// Sends a chunk of slice 1 as rank 1 would, with changes.
    func send(
        payloadBytes: Int = 2000, generation: UInt32 = 7, step: UInt32 = 5, chunk: UInt32 = 1,
        phase: UInt8 = FrameHeader.Phase.reduceScatter, checksum: UInt32? = nil
    ) throws {
        var header = FrameHeader(type: .tensor)
        header.generation = generation
        header.step = step
        header.chunk = chunk
        header.phase = phase
        try [UInt8](repeating: 0, count: payloadBytes).withUnsafeBytes { payload in
            toRing.writer.start(header, payload: payload, payloadChecksum: checksum)
            guard try toRing.writer.flush() else { throw Unsent() }
        }
    }

    private struct Unsent: Error {}
}

private func failure(_ ring: Ring) -> CollectiveError? {
    do throws(CollectiveError) {
        try ring.finish()
        return nil
    } catch {
        return error
    }
}

@Suite("Ring faults", .serialized)
struct RingFaultTests {
    @Test("a neighbour that dies in mid-reduce is an error at once", arguments: [0, 1])
    func deadNeighbour(edge: Int) throws {
        let failures = Monitor<[CollectiveError]>([])
        var options = RingOptions()
        options.failureTimeout = .seconds(600)
        let duel = try Duel(options: options, failures: failures)
        duel.begin()
        try duel.send()
        (edge == 0 ? duel.toRing : duel.fromRing).bytes.shutDown()
        let error = try #require(failure(duel.ring))
        #expect(error.suspect == 1)
        #expect(failures.withLock { $0 } == [error])
        #expect(failure(duel.ring) == error)
    }

    @Test("all ranks of a ring notice a death, whoever their neighbour is")
    func everybodyNotices() throws {
        var options = RingOptions()
        options.failureTimeout = .milliseconds(300)
        let rings = try makeRings(4, options: options)
        let layout = layout(laneBits: 32, bucketLanes: [400_000])
        let local = (0..<4).map { _ in Lanes(byteCount: layout.byteCount) }
        let reduced = (0..<4).map { _ in Lanes(byteCount: layout.byteCount) }
        try onEveryRank(4) { rank in
            let ring = rings[rank]
            ring.begin(
                step: 1, round: 0, layout: layout,
                local: UnsafeRawBufferPointer(local[rank].bytes), reduced: reduced[rank].bytes)
            if rank == 2 { return ring.abort() }
            ring.submit(bucket: 0)
            #expect(failure(ring) != nil)
        }
    }

    @Test("a neighbour that is silent while bytes are due")
    func silentNeighbour() throws {
        var options = RingOptions()
        options.failureTimeout = .milliseconds(100)
        let duel = try Duel(options: options)
        duel.begin()
        let error = try #require(failure(duel.ring))
        guard case .silent(rank: 1, _, _) = error else {
            Issue.record("\(error) instead of silence")
            return
        }
    }

    @Test("abort ends a wait promptly, from any thread")
    func abortEndsWait() throws {
        var options = RingOptions()
        options.failureTimeout = .seconds(600)
        let duel = try Duel(options: options)
        duel.begin()
        let ring = duel.ring
        let thread = try NamedThread("waiter") { #expect(failure(ring) == .aborted) }
        duel.ring.abort()
        thread.join()
        #expect(throws: CollectiveError.aborted) {
            try duel.ring.allGather([1], step: 5, round: 0)
        }
    }

    @Test("frames of another generation or an older step are dropped")
    func dropsStaleFrames() throws {
        let duel = try Duel()
        try duel.send(generation: 6)
        duel.begin()
        try duel.send(generation: 8)
        try duel.send(step: 4)
        try duel.send()
        try duel.send(chunk: 0, phase: FrameHeader.Phase.allGather)
        #expect(failure(duel.ring) == nil)
        #expect(duel.ring.statistics.staleFrames == 3)
        // Rank 1 added nothing to slice 1 and said that slice 0 is zero.
        let expected = [UInt8](repeating: 0, count: 2000) + duel.local.array[2000...]
        #expect(duel.reduced.array == expected)
    }

    @Test(
        "what cannot be ends the reduction with its reason",
        arguments: [
            "damaged", "short", "not due", "no such chunk", "whole before its time", "twice",
        ])
    func refusesViolations(kind: String) throws {
        let duel = try Duel()
        duel.begin()
        switch kind {
        case "damaged": try duel.send(checksum: 12345)
        case "short": try duel.send(payloadBytes: 1996)
        case "not due": try duel.send(chunk: 0)
        case "no such chunk": try duel.send(chunk: 2)
        case "whole before its time":
            try duel.send(step: 6, phase: FrameHeader.Phase.allGather)
        default:
            try duel.send()
            try duel.send()
        }
        let error = try #require(failure(duel.ring))
        #expect(error.suspect == 1)
        guard case .peerClosed = error else { return }
        Issue.record("\(kind): \(error)")
    }

    @Test("a rank that leaves on purpose is an error only for who still needs it")
    func farewell() throws {
        let failures = Monitor<[CollectiveError]>([])
        let rings = try makeRings(2) { error in failures.update { $0.append(error) } }
        try onEveryRank(2) { rank in
            _ = try rings[rank].allGather([1], step: 1, round: 0)
            if rank == 0 { rings[0].close() }
        }
        #expect(throws: CollectiveError.self) {
            try rings[1].allGather([1], step: 2, round: 0)
        }
        #expect(failures.withLock { $0.allSatisfy { $0.suspect == 0 } })
    }
}

@Suite("Compression policy")
struct CompressionPolicyTests {
    private func measured(link: Double) -> CompressionPolicy {
        var policy = CompressionPolicy(.auto)
        policy.sent(bytes: Int(link), seconds: 1)
        policy.encoded(rawBytes: 500_000_000, payloadBytes: 400_000_000, seconds: 1)
        policy.decoded(rawBytes: 1_000_000_000, seconds: 1)
        policy.decide()
        return policy
    }

    @Test("compresses on slow links and not on fast ones")
    func followsTheLink() {
        #expect(measured(link: 20e6).isOn)
        #expect(!measured(link: 2e9).isOn)
        #expect(measured(link: 20e6).reason.contains("link 20 MB/s"))
    }

    @Test("measures one chunk in sixty-four while it is off")
    func probes() {
        var policy = CompressionPolicy(.auto)
        let probes = (0..<640).count { _ in policy.next().isProbe }
        #expect(probes == 10)
    }
}
