import Runtime
import Transport

/// What the ring waits for, and what the passing of time means to it.
extension RingMachine {
    /// How long it may be left without a turn.
    var longestWait: Duration { Patience(options.failureTimeout).signOfLife }

    /// What the edge to the rank before waits for.
    var previousWish: StreamWish { wish(previous) }
    /// What the edge to the next rank waits for.
    var nextWish: StreamWish { wish(next) }

    private func wish(_ edge: Edge) -> StreamWish {
        StreamWish(
            edge.isOpen ? edge.stream.bytes : nil,
            edge.stream.writer.isIdle ? .input : [.input, .output])
    }

    private var needsPrevious: Bool {
        (reduction?.awaitedFrames ?? 0) > 0 || (wantedGather != nil && !hasAllContributions)
    }

    private var needsNext: Bool {
        (reduction?.unsentFrames ?? 0) > 0 || !outbox.isEmpty || !next.stream.writer.isIdle
    }

    /// Fails where a neighbour has left whose bytes are still needed.
    func failWhereNeeded() throws(CollectiveError) {
        for (edge, isNeeded) in [(previous, needsPrevious), (next, needsNext)]
        where !edge.isOpen && isNeeded {
            throw .peerLeft(rank: edge.rank, peer: edge.stream.peer)
        }
    }

    /// Takes note that the ring has waited until now: counts it, judges silent neighbours, and shows life to them.
    func hasWaited(since before: ContinuousClock.Instant) throws(CollectiveError) {
        let now = clock.now
        let waited = before.duration(to: now)
        if needsPrevious { statistics.receiveWaitSeconds += waited.seconds }
        if !next.stream.writer.isIdle {
            statistics.sendWaitSeconds += waited.seconds
            policy.sent(bytes: 0, seconds: waited.seconds)
        }
        // A process that was itself stopped must hear what came meanwhile before it judges.
        if waited > longestWait * 2 {
            previous.lastHeard = now
            next.lastHeard = now
        }
        try judgeSilence(now)
        showLife(now)
    }

    private func judgeSilence(_ now: ContinuousClock.Instant) throws(CollectiveError) {
        for (edge, isNeeded) in [(previous, needsPrevious), (next, needsNext)]
        where isNeeded && edge.lastHeard.duration(to: now) > options.failureTimeout {
            throw .silent(
                rank: edge.rank, peer: edge.stream.peer, after: options.failureTimeout)
        }
    }

    private func showLife(_ now: ContinuousClock.Instant) {
        func show(_ edge: inout Edge) {
            guard edge.isOpen, edge.lastSent.duration(to: now) >= longestWait,
                edge.stream.writer.isIdle
            else { return }
            edge.lastSent = now
            edge.stream.writer.start(header(.alive), payload: .init(start: nil, count: 0))
        }
        show(&previous)
        show(&next)
    }
}
