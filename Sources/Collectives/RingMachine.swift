import Runtime
import Transport

/// One rank's part in a ring: sums what comes from the rank before and sends on to the next.
///
/// A state machine that neither waits nor reads a clock of its own: whoever drives it takes turns, waits for what the
/// machine wishes, and tells it for how long. So a test can play a whole ring over streams in memory, one turn of one rank
/// after the other, with time that passes by hand.
///
/// Sums travel from the previous rank and to the next one; the other way go only credits and signs of life.
/// A rank always reads, into bounded memory: whole sums go to their place in `reduced`, partial sums into as
/// many chunk buffers as it gave credits for. A partial sum waits in `reduced` until it is sent: the whole sum
/// that will overwrite it can only come after it.
final class RingMachine {
    /// Reduce-scatter chunks that may be on their way without having been taken up.
    static let creditCount = 8
    /// Bytes that are read or frames that are sent before the other direction has its turn.
    static let turnLimit = 8

    let rank: Int
    let worldSize: Int
    let generation: UInt32
    let options: RingOptions
    let clock: any MonotonicClock

    var previous: Edge
    var next: Edge
    var pool: ChunkPool
    var statistics = ExchangeStatistics()
    var policy: CompressionPolicy
    let encoder = PlaneEncoder()
    let decoder = PlaneDecoder()
    let encoded: ChunkBuffer
    let decoded: ChunkBuffer

    // Reduction: receiving.
    var reduction: Reduction?
    var geometry: ReductionGeometry?
    var lastReduction: ExchangeKey?
    var isReduced = false
    var arrivingHeader = FrameHeader(type: .alive)
    var arrival = Arrival.control
    var held: [HeldFrame] = []
    var creditsToReturn = 0
    var forwardedBuffers = 0

    // Reduction: sending.
    var credits = RingMachine.creditCount
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
        var lastHeard: ContinuousClock.Instant
        var lastSent: ContinuousClock.Instant
        var hasLeft = false
        var isOpen = true
    }

    init(
        rank: Int, worldSize: Int, generation: UInt32, previous: FrameStream, next: FrameStream,
        options: RingOptions, clock: any MonotonicClock
    ) {
        self.rank = rank
        self.worldSize = worldSize
        self.generation = generation
        self.options = options
        self.clock = clock
        let now = clock.now
        self.previous = Edge(
            rank: (rank + worldSize - 1) % worldSize, stream: previous, lastHeard: now,
            lastSent: now)
        self.next = Edge(
            rank: (rank + 1) % worldSize, stream: next, lastHeard: now, lastSent: now)
        pool = ChunkPool(chunkBytes: FrameType.tensor.payloadLimitBytes)
        encoded = ChunkBuffer(byteCount: options.largestChunkBytes)
        decoded = ChunkBuffer(byteCount: options.largestChunkBytes)
        policy = CompressionPolicy(options.compression)
        contributions = Array(repeating: [], count: worldSize)
        for edge in [previous, next] {
            let isChecked = options.payloadChecks.coversPayloads(of: edge.bytes)
            edge.writer.leavesPayloadsUnchecked = !isChecked
            edge.reader.acceptsUncheckedPayloads = !isChecked
        }
    }

    /// Takes what has come and sends what may be sent, as far as that goes without waiting.
    ///
    /// - Returns: Whether the turn ended before the work, so that the next one need not wait.
    /// - Throws: `CollectiveError`; the ring is then of no more use.
    func takeTurn() throws(CollectiveError) -> Bool {
        var hasMore = try receiveFromPrevious()
        try receiveFromNext()
        hasMore = try sendToNext() || hasMore
        try sendToPrevious()
        return hasMore
    }

    /// What has become whole since the last call; `nil` when nothing has.
    func takeFinished() throws(CollectiveError) -> (isReduced: Bool, gathered: [[UInt8]]?)? {
        if reduction?.isDone == true {
            lastReduction = reduction?.key
            reduction = nil
            isReduced = true
        }
        let gathered = try finishedGather()
        guard isReduced || gathered != nil else { return nil }
        statistics.sentBytes = next.stream.writer.sentBytes
        statistics.receivedBytes = previous.stream.reader.receivedBytes
        statistics.isCompressing = policy.isOn
        statistics.compressionReason = policy.reason
        defer { isReduced = false }
        return (isReduced, gathered)
    }

    /// Shuts both edges and lets go of the buffers of a reduction under way.
    func stop() {
        previous.stream.bytes.shutDown()
        next.stream.bytes.shutDown()
        reduction = nil
    }

    /// Tells both neighbours that this rank leaves on purpose, as far as that goes without waiting.
    func sayFarewell() {
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
}
