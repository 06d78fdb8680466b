import Foundation
import Runtime

/// What somebody waits for, and whether it has come.
public struct StreamWish {
    /// What is waited for; `nil` leaves the wish out.
    public var source: (any Waitable)?
    /// Which of its events.
    public var events: StreamEvents
    /// Whether one of them has come, or the end of the source.
    public var isFulfilled = false

    /// A wish.
    public init(_ source: (any Waitable)?, _ events: StreamEvents) {
        self.source = source
        self.events = events
    }
}

/// Waits for streams: the one place of the network's rooms where a thread rests, and by whose clock.
public protocol StreamWaiter: Sendable {
    /// The clock that deadlines are read by.
    var clock: any MonotonicClock { get }

    /// Waits until a wish is fulfilled.
    ///
    /// - Parameters:
    ///   - wishes: Each is told whether it is fulfilled; with none, only the deadline ends the wait.
    ///   - deadline: When to give up; `nil` waits for ever, and one that has passed only looks.
    /// - Returns: Whether any is.
    /// - Throws: `SystemError` when the system cannot wait.
    func wait(for wishes: inout [StreamWish], until deadline: ContinuousClock.Instant?)
        throws(SystemError) -> Bool
}

extension StreamWaiter {
    /// Waits for one source.
    ///
    /// - Returns: Whether its events have come before the deadline.
    /// - Throws: `TransportError.system` when the system cannot wait.
    func wait(
        for source: any Waitable, _ events: StreamEvents, until deadline: ContinuousClock.Instant?
    ) throws(TransportError) -> Bool {
        var wishes = [StreamWish(source, events)]
        do throws(SystemError) {
            return try wait(for: &wishes, until: deadline)
        } catch {
            throw .system(error)
        }
    }
}

/// Waits with `poll` on descriptors, by the machine's clock.
public struct PollWaiter: StreamWaiter {
    /// The machine's clock.
    public let clock: any MonotonicClock = SystemClock()

    /// The waiter.
    public init() {}

    /// Waits in `poll`, or not at all where input is buffered already.
    public func wait(for wishes: inout [StreamWish], until deadline: ContinuousClock.Instant?)
        throws(SystemError) -> Bool
    {
        let count = wishes.count
        return try withUnsafeTemporaryAllocation(of: pollfd.self, capacity: count) {
            entries throws(SystemError) in
            var isAnyFulfilled = false
            for index in 0..<count {
                let (source, events) = (wishes[index].source, wishes[index].events)
                let isBuffered = events.contains(.input) && source?.hasBufferedInput == true
                wishes[index].isFulfilled = isBuffered
                isAnyFulfilled = isAnyFulfilled || isBuffered
                // A negative descriptor is left out by poll.
                entries[index] = pollfd(
                    fd: source?.descriptor ?? -1,
                    events: source?.wants(events).pollEvents ?? 0, revents: 0)
            }
            while true {
                let milliseconds = isAnyFulfilled ? 0 : self.milliseconds(until: deadline)
                let ready = poll(entries.baseAddress, nfds_t(count), milliseconds)
                if ready < 0 && errno != EINTR {
                    throw SystemError(call: "poll", subject: "\(count) streams")
                }
                for index in 0..<count where ready > 0 && entries[index].revents != 0 {
                    wishes[index].isFulfilled = true
                    isAnyFulfilled = true
                }
                if isAnyFulfilled || milliseconds == 0 { return isAnyFulfilled }
            }
        }
    }

    /// Rounded up, so that a wait never ends just before its deadline.
    private func milliseconds(until deadline: ContinuousClock.Instant?) -> Int32 {
        guard let deadline else { return -1 }
        let left = clock.now.duration(to: deadline)
        return left > .zero ? Int32(clamping: left.milliseconds + 1) : 0
    }
}

extension StreamEvents {
    fileprivate var pollEvents: Int16 {
        Int16((contains(.input) ? POLLIN : 0) | (contains(.output) ? POLLOUT : 0))
    }
}
