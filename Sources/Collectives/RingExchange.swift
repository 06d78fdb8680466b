import Transport

/// Memory for the bytes of one frame.
final class ChunkBuffer {
    let start: UnsafeMutableRawPointer
    let byteCount: Int

    init(byteCount: Int) {
        self.byteCount = byteCount
        start = .allocate(byteCount: max(1, byteCount), alignment: 64)
    }

    deinit { start.deallocate() }
}

/// Chunk buffers that are used again, the warmest first.
struct ChunkPool {
    let chunkBytes: Int
    private var free: [ChunkBuffer] = []

    init(chunkBytes: Int) { self.chunkBytes = chunkBytes }

    mutating func take() -> ChunkBuffer { free.popLast() ?? ChunkBuffer(byteCount: chunkBytes) }

    mutating func give(_ buffer: ChunkBuffer) { free.append(buffer) }
}

/// First in, first out, without moving what waits.
struct Queue<Element> {
    private var elements: [Element] = []
    private var head = 0

    var isEmpty: Bool { head == elements.count }
    var first: Element? { isEmpty ? nil : elements[head] }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        defer {
            head += 1
            if head == elements.count {
                elements.removeAll(keepingCapacity: true)
                head = 0
            }
        }
        return elements[head]
    }
}

/// A reduction as its caller asked for it.
struct ReductionRequest {
    let key: ExchangeKey
    let layout: ReductionLayout
    let local: UnsafeRawBufferPointer
    let reduced: UnsafeMutableRawBufferPointer
}

/// A reduction on its way.
struct Reduction {
    let key: ExchangeKey
    let geometry: ReductionGeometry
    let local: UnsafeRawPointer
    let reduced: UnsafeMutableRawPointer
    var isSubmitted: [Bool]
    var hasArrived: [Bool]
    var awaitedFrames: Int
    var unsentFrames: Int
    /// The next chunk of this rank's own slice to begin its way, in travelling order.
    var freshBucket = 0
    var freshChunk = 0

    var isDone: Bool { awaitedFrames == 0 && unsentFrames == 0 }
}

/// A frame of sums that may be sent as soon as the edge is free.
struct SendJob {
    let place: ChunkPlace
    /// The payload's checksum where it came with the frame that is now handed on.
    var checksum: UInt32?
    /// Compressed bytes that are handed on untouched.
    var compressed: (buffer: ChunkBuffer, byteCount: Int)?
}

/// What becomes of the payload that is arriving.
enum Arrival {
    case control
    case discarded(ChunkBuffer)
    /// Partial sums for a bucket that this rank has not submitted yet.
    case held(ChunkBuffer)
    case added(ChunkPlace, ChunkBuffer, lanes: Int)
    case decodedAndAdded(ChunkPlace, ChunkBuffer)
    case stored(ChunkPlace)
    case decoded(ChunkPlace, ChunkBuffer)
    case small(ChunkBuffer)
}

/// Partial sums that wait for this rank's own.
struct HeldFrame {
    let key: ExchangeKey
    let header: FrameHeader
    let buffer: ChunkBuffer
    var place: ChunkPlace?
}

/// What one rank has contributed to a small exchange, as far as it has arrived.
struct SmallContribution {
    let key: ExchangeKey
    var bytes: [UInt8]
    var isWhole: Bool
}

/// What a ring has done so far.
public struct RingStatistics: Sendable, Equatable {
    /// Bytes that left for the next rank, headers and all.
    public var sentBytes: UInt64 = 0
    /// Bytes that came from the rank before.
    public var receivedBytes: UInt64 = 0
    /// Chunks that travelled compressed, counted where they were encoded.
    public var compressedChunks = 0
    /// Chunks that this rank sent as they were.
    public var rawChunks = 0
    /// Frames of another generation or an older exchange, which were dropped.
    public var staleFrames = 0
    /// Seconds in which the I/O thread waited for the rank before, while an exchange was on.
    public var receiveWaitSeconds = 0.0
    /// Seconds in which the next rank took no more bytes.
    public var sendWaitSeconds = 0.0
    /// Whether chunks are compressed now.
    public var isCompressing = false
    /// Why chunks are compressed or not, with the measurements.
    public var compressionReason = ""

    /// Counters of a ring that has done nothing.
    public init() {}
}

/// What callers ask of the I/O thread, and what it answers.
struct RingRequests {
    var begun: ReductionRequest?
    var submitted: [Int] = []
    var gather: (key: ExchangeKey, payload: [UInt8])?
    var isReducing = false
    var isReduced = false
    var gathered: [[UInt8]]?
    var isAborted = false
    var isClosing = false
    var failure: CollectiveError?
    var statistics = RingStatistics()
}
