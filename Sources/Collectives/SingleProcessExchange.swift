import Runtime

/// The exchange of a process that has nobody to exchange with: its own lanes are the sum.
///
/// The same calls in the same order as in a cluster, so that one process is a cluster of one and nothing else.
///
/// `@unchecked Sendable`: all that changes is behind a lock.
public final class SingleProcessExchange: Exchange, @unchecked Sendable {
    private struct State {
        var local = UnsafeRawBufferPointer(start: nil, count: 0)
        var reduced = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        var isReducing = false
        var isAborted = false
    }

    private let state = Locked(State())

    /// An exchange of one.
    public init() {}

    /// The only rank.
    public var rank: Int { 0 }
    /// One.
    public var worldSize: Int { 1 }
    /// Nothing is ever sent.
    public var statistics: ExchangeStatistics { ExchangeStatistics() }

    /// Begins a reduction.
    public func begin(
        step: UInt64, round: UInt8, layout: ReductionLayout, local: UnsafeRawBufferPointer,
        reduced: UnsafeMutableRawBufferPointer
    ) {
        precondition(
            local.count == layout.byteCount && reduced.count == layout.byteCount,
            "a layout of \(layout.byteCount) bytes, \(local.count) local, \(reduced.count) reduced")
        state.withLock { state in
            precondition(!state.isReducing, "a reduction is still on")
            (state.local, state.reduced, state.isReducing) = (local, reduced, true)
        }
    }

    /// Does nothing: all buckets are taken in `finish`.
    public func submit(bucket: Int) {}

    /// Copies the lanes, which are whole by now.
    public func finish() throws(CollectiveError) {
        try state.withLock { state throws(CollectiveError) in
            defer { state.isReducing = false }
            if state.isAborted { throw .aborted }
            if state.isReducing { state.reduced.copyMemory(from: state.local) }
        }
    }

    /// Gives the payload back.
    public func allGather(_ payload: [UInt8], step: UInt64, round: UInt8) throws(CollectiveError)
        -> [[UInt8]]
    {
        if state.withLock({ $0.isAborted }) { throw .aborted }
        return [payload]
    }

    /// Makes every further call fail.
    public func abort() { state.withLock { $0.isAborted = true } }
}
