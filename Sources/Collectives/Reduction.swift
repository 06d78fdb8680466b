import Transport

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
    /// Partial sums for a bucket that this rank has not submitted yet, and their place where the reduction was known
    /// when their header came.
    case held(ChunkBuffer, ChunkPlace?)
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
