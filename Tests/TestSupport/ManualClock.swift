import Runtime

/// Time that passes when a test says so.
package final class ManualClock: MonotonicClock {
    private let instant = Locked(ContinuousClock.now)

    /// A clock at some instant.
    package init() {}

    package var now: ContinuousClock.Instant { instant.withLock { $0 } }

    /// Lets time pass.
    package func advance(by duration: Duration) { instant.withLock { $0 += duration } }
}
