import CSystem
import Foundation
import Runtime
import Transport

/// What the checksum of a frame covers beside the header.
public enum PayloadChecks: String, Sendable, CaseIterable {
    /// The payload too.
    case whole
    /// Nothing else; for networks faster than a core can check.
    case header
    /// The payload too, except on loopback: no wire is there to spoil it, and before a step is committed the members
    /// compare checksums of whole sums anyway.
    case auto

    func coversPayloads(of stream: any ByteStream) -> Bool {
        switch self {
        case .whole: true
        case .header: false
        case .auto: stream.peerAddress?.isLoopback != true
        }
    }
}

/// How a ring works; nothing of it can change a bit of a sum.
public struct RingOptions: Sendable {
    /// Whether chunks are compressed.
    public var compression = Compression.auto
    /// How long a neighbour may be silent while bytes are due.
    public var failureTimeout = Duration.seconds(2)
    /// What the checksums of frames cover; the same on all ranks.
    public var payloadChecks = PayloadChecks.auto
    /// The largest chunk; the same on all ranks.
    public var largestChunkBytes = 1 << 20

    /// The default options.
    public init() {}
}

/// The ranks of one generation in a circle, each connected to the next.
///
/// One thread of its own does all input and output, driving a `RingMachine`. After an error its connections are shut.
///
/// `@unchecked Sendable`: what threads share is behind a monitor; the rest does not change.
public final class Ring: Exchange, @unchecked Sendable {
    /// This rank's place in the ring.
    public let rank: Int
    /// How many ranks there are, at least two.
    public let worldSize: Int
    private let requests = Monitor(RingRequests())
    private let wakeUp: WakeUp
    private let thread: NamedThread

    /// A ring whose edges stand.
    ///
    /// - Parameters:
    ///   - rank: This rank's place in the ring.
    ///   - worldSize: How many ranks there are, at least two; a lone process needs no ring.
    ///   - generation: Frames of any other are dropped.
    ///   - previous: From rank - 1.
    ///   - next: To rank + 1; another connection than `previous`, in a world of two as well.
    ///   - options: How it works.
    ///   - waiter: Waits for the edges, and has the clock.
    ///   - onFailure: Called once on the I/O thread when an edge fails, even while nothing is exchanged.
    /// - Throws: `SystemError` when the system has no thread or descriptor left.
    public init(
        rank: Int, worldSize: Int, generation: UInt64, previous: FrameStream, next: FrameStream,
        options: RingOptions = RingOptions(), waiter: any StreamWaiter = PollWaiter(),
        onFailure: (@Sendable (CollectiveError) -> Void)? = nil
    ) throws(SystemError) {
        precondition(worldSize > 1 && 0..<worldSize ~= rank, "rank \(rank) of \(worldSize)")
        self.rank = rank
        self.worldSize = worldSize
        let wakeUp = try WakeUp()
        self.wakeUp = wakeUp
        let machine = RingMachine(
            rank: rank, worldSize: worldSize, generation: UInt32(truncatingIfNeeded: generation),
            previous: previous, next: next, options: options, clock: waiter.clock)
        let loop = Transferred(
            RingLoop(
                machine, requests: requests, wakeUp: wakeUp, waiter: waiter, onFailure: onFailure))
        thread = try NamedThread("ring \(rank)") { loop.value.run() }
    }

    deinit { close() }

    /// Begins a reduction.
    public func begin(
        step: UInt64, round: UInt8, layout: ReductionLayout, local: UnsafeRawBufferPointer,
        reduced: UnsafeMutableRawBufferPointer
    ) {
        precondition(
            local.count == layout.byteCount && reduced.count == layout.byteCount,
            "a layout of \(layout.byteCount) bytes, \(local.count) local, \(reduced.count) reduced")
        let request = ReductionRequest(
            key: ExchangeKey(step: UInt32(truncatingIfNeeded: step), round: round), layout: layout,
            local: local, reduced: reduced)
        requests.withLock { requests in
            precondition(!requests.isReducing, "a reduction is still on")
            requests.begun = request
            requests.submitted.removeAll(keepingCapacity: true)
            requests.isReducing = true
            requests.isReduced = false
        }
    }

    /// Says that a bucket is ready to travel.
    public func submit(bucket: Int) {
        requests.withLock { $0.submitted.append(bucket) }
        wakeUp.signal()
    }

    /// Waits until the reduction is whole.
    public func finish() throws(CollectiveError) {
        wakeUp.signal()
        let failure = requests.wait(until: { $0.isReduced || $0.failure != nil }) { requests in
            requests.isReducing = false
            return requests.isReduced ? nil : requests.failure
        }
        if let error = failure ?? nil { throw error }
    }

    /// Gives every rank the payloads of all, each at most `largestContributionBytes`.
    public func allGather(_ payload: [UInt8], step: UInt64, round: UInt8) throws(CollectiveError)
        -> [[UInt8]]
    {
        precondition(
            payload.count <= Self.largestContributionBytes, "a payload of \(payload.count) bytes")
        let key = ExchangeKey(step: UInt32(truncatingIfNeeded: step), round: round)
        requests.withLock { $0.gather = (key, payload) }
        wakeUp.signal()
        let result: Result<[[UInt8]], CollectiveError>? = requests.wait(
            until: { $0.gathered != nil || $0.failure != nil }
        ) { requests in
            defer { requests.gathered = nil }
            if let gathered = requests.gathered { return .success(gathered) }
            return .failure(requests.failure ?? .aborted)
        }
        guard let result else { throw .aborted }
        return try result.get()
    }

    /// The most that one rank may add to a small exchange.
    public static let largestContributionBytes = 64 << 20

    /// Gives up: `finish` and `allGather` throw promptly.
    public func abort() {
        requests.update { $0.isAborted = true }
        wakeUp.signal()
    }

    /// Leaves the ring: the neighbours learn that it was on purpose, and the I/O thread ends.
    public func close() {
        requests.withLock { $0.isClosing = true }
        wakeUp.signal()
        thread.join()
    }

    /// What the ring has done up to its last exchange.
    public var statistics: ExchangeStatistics { requests.withLock { $0.statistics } }
}

/// Carries a value to the one thread that will use it.
private struct Transferred<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

/// Wakes a thread that waits in `poll`.
final class WakeUp: Waitable {
    let descriptor: Int32

    init() throws(SystemError) {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard descriptor >= 0 else { throw SystemError(call: "eventfd", subject: "ring") }
    }

    deinit { Foundation.close(descriptor) }

    func signal() {
        eventfd_write(descriptor, 1)
    }

    func clear() {
        var count: eventfd_t = 0
        eventfd_read(descriptor, &count)
    }
}
