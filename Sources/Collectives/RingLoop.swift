import Foundation
import Runtime
import Transport

/// The I/O thread of a ring: sums what comes from the rank before, sends on to the next, and waits in `poll`.
///
/// Sums travel from the previous rank and to the next one; the other way go only credits and signs of life.
/// A rank always reads, into bounded memory: whole sums go to their place in `reduced`, partial sums into as
/// many chunk buffers as it gave credits for. A partial sum waits in `reduced` until it is sent: the whole sum
/// that will overwrite it can only come after it.
final class RingLoop {
    /// Reduce-scatter chunks that may be on their way without having been taken up.
    static let creditCount = 8
    /// Bytes that are read or frames that are sent before the other direction has its turn.
    static let turnLimit = 8

    let rank: Int
    let worldSize: Int
    let generation: UInt32
    let options: RingOptions
    let requests: Monitor<RingRequests>
    let wakeUp: WakeUp
    let onFailure: (@Sendable (CollectiveError) -> Void)?

    var previous: Edge
    var next: Edge
    var pool: ChunkPool
    var statistics = RingStatistics()
    var policy: CompressionPolicy
    let encoder = PlaneEncoder()
    let decoder = PlaneDecoder()
    let encoded: ChunkBuffer
    let decoded: ChunkBuffer

    // Reduction: receiving.
    var reduction: Reduction?
    var geometry: ReductionGeometry?
    var lastReduction: ExchangeKey?
    var arrivingHeader = FrameHeader(type: .alive)
    var arrival = Arrival.control
    var held: [HeldFrame] = []
    var creditsToReturn = 0
    var forwardedBuffers = 0

    // Reduction: sending.
    var credits = RingLoop.creditCount
    var wholeSums = Queue<SendJob>()
    var partialSums = Queue<SendJob>()
    var sending: SendJob?
    var isSendingSum = false

    // Small exchanges.
    var wantedGather: ExchangeKey?
    var ownContribution: [UInt8] = []
    var contributions: [[SmallContribution]]
    var outbox = Queue<(header: FrameHeader, buffer: ChunkBuffer)>()
    var sendingSmall: ChunkBuffer?

    /// One neighbour.
    struct Edge {
        let rank: Int
        let stream: FrameStream
        var lastHeard = ContinuousClock.now
        var lastSent = ContinuousClock.now
        var hasLeft = false
        var isOpen = true
    }

    init(
        rank: Int, worldSize: Int, generation: UInt32, previous: FrameStream, next: FrameStream,
        options: RingOptions, requests: Monitor<RingRequests>, wakeUp: WakeUp,
        onFailure: (@Sendable (CollectiveError) -> Void)?
    ) {
        self.rank = rank
        self.worldSize = worldSize
        self.generation = generation
        self.options = options
        self.requests = requests
        self.wakeUp = wakeUp
        self.onFailure = onFailure
        self.previous = Edge(rank: (rank + worldSize - 1) % worldSize, stream: previous)
        self.next = Edge(rank: (rank + 1) % worldSize, stream: next)
        pool = ChunkPool(chunkBytes: FrameType.tensor.payloadLimitBytes)
        encoded = ChunkBuffer(byteCount: options.largestChunkBytes)
        decoded = ChunkBuffer(byteCount: options.largestChunkBytes)
        policy = CompressionPolicy(options.compression)
        contributions = Array(repeating: [], count: worldSize)
        for edge in [previous, next] {
            let isChecked = options.payloadChecks.coversPayloads(of: edge.socket)
            edge.writer.leavesPayloadsUnchecked = !isChecked
            edge.reader.acceptsUncheckedPayloads = !isChecked
        }
    }

    func run() {
        do throws(CollectiveError) {
            while try takeRequests() {
                var hasMore = try receiveFromPrevious()
                try receiveFromNext()
                hasMore = try sendToNext() || hasMore
                try sendToPrevious()
                try publishWhatIsDone()
                try failWhereNeeded()
                try waitForEvents(hasMore: hasMore)
            }
            sayFarewell()
            stop(.aborted)
        } catch {
            // What was whole before the edge failed stays good.
            try? publishWhatIsDone()
            if error != .aborted { onFailure?(error) }
            stop(error)
        }
    }

    /// False when the ring is to be left.
    private func takeRequests() throws(CollectiveError) -> Bool {
        struct Taken {
            var begun: ReductionRequest?
            var submitted: [Int] = []
            var gather: (key: ExchangeKey, payload: [UInt8])?
            var isAborted = false
            var isClosing = false
        }
        let taken = requests.withLock { requests in
            defer {
                requests.begun = nil
                requests.gather = nil
                if !requests.submitted.isEmpty { requests.submitted = [] }
            }
            return Taken(
                begun: requests.begun, submitted: requests.submitted, gather: requests.gather,
                isAborted: requests.isAborted, isClosing: requests.isClosing)
        }
        if taken.isAborted { throw .aborted }
        if taken.isClosing { return false }
        if let request = taken.begun { try begin(request) }
        for bucket in taken.submitted { try submit(bucket) }
        if let gather = taken.gather { begin(gather.key, gather.payload) }
        return true
    }

    private func publishWhatIsDone() throws(CollectiveError) {
        let isReduced = reduction?.isDone == true
        let gathered = try finishedGather()
        guard isReduced || gathered != nil else { return }
        if isReduced {
            lastReduction = reduction?.key
            reduction = nil
        }
        statistics.sentBytes = next.stream.writer.sentBytes
        statistics.receivedBytes = previous.stream.reader.receivedBytes
        statistics.isCompressing = policy.isOn
        statistics.compressionReason = policy.reason
        requests.update { requests in
            if isReduced { requests.isReduced = true }
            if let gathered { requests.gathered = gathered }
            requests.statistics = statistics
        }
    }

    private func stop(_ failure: CollectiveError) {
        previous.stream.socket.shutDown()
        next.stream.socket.shutDown()
        reduction = nil
        requests.update { $0.failure = failure }
    }

    /// Tells both neighbours that this rank leaves on purpose, as far as that goes without waiting.
    private func sayFarewell() {
        for edge in [previous, next] where edge.isOpen && edge.stream.writer.isIdle {
            edge.stream.writer.start(header(.farewell), payload: .init(start: nil, count: 0))
            // A neighbour that takes no bytes sees the end of the stream instead.
            _ = try? edge.stream.writer.flush()
        }
    }

    func header(_ type: FrameType) -> FrameHeader {
        var header = FrameHeader(type: type)
        header.generation = generation
        return header
    }

    // MARK: Waiting and silence

    private var needsPrevious: Bool {
        (reduction?.awaitedFrames ?? 0) > 0 || (wantedGather != nil && !hasAllContributions)
    }

    private var needsNext: Bool {
        (reduction?.unsentFrames ?? 0) > 0 || !outbox.isEmpty || !next.stream.writer.isIdle
    }

    private func failWhereNeeded() throws(CollectiveError) {
        for (edge, isNeeded) in [(previous, needsPrevious), (next, needsNext)]
        where !edge.isOpen && isNeeded {
            throw .peerLeft(rank: edge.rank, peer: edge.stream.socket.peer)
        }
    }

    private func waitForEvents(hasMore: Bool) throws(CollectiveError) {
        func entry(_ edge: Edge) -> pollfd {
            let events = POLLIN | (edge.stream.writer.isIdle ? 0 : POLLOUT)
            return pollfd(
                fd: edge.isOpen ? edge.stream.socket.descriptor : -1, events: Int16(events),
                revents: 0)
        }
        let interval = options.failureTimeout / 4
        let before = ContinuousClock.now
        try withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 3) {
            entries throws(CollectiveError) in
            entries[0] = pollfd(fd: wakeUp.descriptor, events: Int16(POLLIN), revents: 0)
            entries[1] = entry(previous)
            entries[2] = entry(next)
            let milliseconds = hasMore ? 0 : Int32(clamping: max(1, interval.milliseconds))
            let ready = poll(entries.baseAddress, 3, milliseconds)
            if ready < 0 && errno != EINTR {
                throw .system(SystemError(call: "poll", subject: "ring of rank \(rank)"))
            }
            if entries[0].revents != 0 { wakeUp.clear() }
        }
        let now = ContinuousClock.now
        let waited = before.duration(to: now)
        if needsPrevious { statistics.receiveWaitSeconds += waited.seconds }
        if !next.stream.writer.isIdle {
            statistics.sendWaitSeconds += waited.seconds
            policy.sent(bytes: 0, seconds: waited.seconds)
        }
        // A process that was itself stopped must hear what came meanwhile before it judges.
        if waited > interval * 2 {
            previous.lastHeard = now
            next.lastHeard = now
        }
        try judgeSilence(now)
        showLife(now, interval)
    }

    private func judgeSilence(_ now: ContinuousClock.Instant) throws(CollectiveError) {
        for (edge, isNeeded) in [(previous, needsPrevious), (next, needsNext)]
        where isNeeded && edge.lastHeard.duration(to: now) > options.failureTimeout {
            throw .silent(
                rank: edge.rank, peer: edge.stream.socket.peer, after: options.failureTimeout)
        }
    }

    private func showLife(_ now: ContinuousClock.Instant, _ interval: Duration) {
        func show(_ edge: inout Edge) {
            guard edge.isOpen, edge.lastSent.duration(to: now) >= interval,
                edge.stream.writer.isIdle
            else { return }
            edge.lastSent = now
            edge.stream.writer.start(header(.alive), payload: .init(start: nil, count: 0))
        }
        show(&previous)
        show(&next)
    }
}
