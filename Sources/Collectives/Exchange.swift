/// How the members of one generation add up what they computed, and tell each other what they know.
///
/// One round is `begin`, `submit` for every bucket, `finish`; an `allGather` may stand before it or after it. All
/// members do the same in the same order. `submit` and `abort` may be called from any thread, everything else from
/// one. Nothing of how the exchange works can change a bit: sums are of integers, and what is gathered is in the order
/// of ranks. After an error an exchange is of no more use, and every call throws that error again.
public protocol Exchange: AnyObject, Sendable {
    /// This member's place among all.
    var rank: Int { get }
    /// How many members there are.
    var worldSize: Int { get }

    /// Waits until all members can be reached; what is begun before that travels from then on.
    ///
    /// - Throws: `CollectiveError` where they never will be.
    func waitUntilFormed() throws(CollectiveError)

    /// Begins a reduction: the sum of all members' lanes is to lie in `reduced` on every member.
    ///
    /// - Parameters:
    ///   - step: With `round`, grows from exchange to exchange; the same on all members.
    ///   - round: 0, or 1 when a step is summed again.
    ///   - layout: The same on all members.
    ///   - local: This member's lanes; a bucket is read from its `submit` on, and nothing is written.
    ///   - reduced: Holds anything until `finish` returns.
    func begin(
        step: UInt64, round: UInt8, layout: ReductionLayout, local: UnsafeRawBufferPointer,
        reduced: UnsafeMutableRawBufferPointer)

    /// Says that a bucket of `local` holds all that this member has to add.
    ///
    /// Buckets travel in the layout's order, whatever the order of these calls.
    func submit(bucket: Int)

    /// Waits until `reduced` is whole.
    ///
    /// All buckets must have been submitted or be about to be.
    ///
    /// - Throws: `CollectiveError`; both buffers are then no longer touched, and `reduced` holds anything.
    func finish() throws(CollectiveError)

    /// Gives every member the payloads of all.
    ///
    /// - Parameters:
    ///   - payload: This member's; sizes may differ.
    ///   - step: As in `begin`; several exchanges of one step and round follow each other in order.
    ///   - round: As in `begin`.
    /// - Returns: The payloads by rank.
    /// - Throws: `CollectiveError`.
    func allGather(_ payload: [UInt8], step: UInt64, round: UInt8) throws(CollectiveError)
        -> [[UInt8]]

    /// Gives up: `finish` and `allGather` throw promptly.
    func abort()

    /// Leaves on purpose, once nothing is exchanged any more: no member takes it for a failure that it does not need.
    func close()

    /// What the exchange has done up to its last whole reduction or gathering.
    var statistics: ExchangeStatistics { get }
}

extension Exchange {
    /// Returns at once: most exchanges are made of members that are connected already.
    public func waitUntilFormed() throws(CollectiveError) {}

    /// Does nothing: most exchanges end with their owner.
    public func close() {}
}

/// What an exchange has done so far.
public struct ExchangeStatistics: Sendable, Equatable {
    /// Bytes that left for other members, headers and all.
    public var sentBytes: UInt64 = 0
    /// Bytes that came from other members.
    public var receivedBytes: UInt64 = 0
    /// Chunks that travelled compressed, counted where they were encoded.
    public var compressedChunks = 0
    /// Chunks that this member sent as they were.
    public var rawChunks = 0
    /// Frames of another generation or an older exchange, which were dropped.
    public var staleFrames = 0
    /// Seconds of waiting for bytes that were due, while an exchange was on.
    public var receiveWaitSeconds = 0.0
    /// Seconds in which the other side took no more bytes.
    public var sendWaitSeconds = 0.0
    /// Whether chunks are compressed now.
    public var isCompressing = false
    /// Why chunks are compressed or not, with the measurements.
    public var compressionReason = ""

    /// Counters of an exchange that has done nothing.
    public init() {}
}
