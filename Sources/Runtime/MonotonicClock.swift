/// Time that only moves forward, handed to whoever decides or measures by it.
///
/// `Transport`, `Collectives`, `Checkpoints`, `Cluster` and `Training` decide by no clock of their own, so that a test can let hours
/// pass in no time.
public protocol MonotonicClock: Sendable {
    /// The present instant.
    var now: ContinuousClock.Instant { get }
}

extension MonotonicClock {
    /// Seconds that have passed since an instant of this clock.
    public func seconds(since start: ContinuousClock.Instant) -> Double {
        (now - start) / .seconds(1)
    }
}

/// The machine's own clock, which goes on while the process is stopped.
public struct SystemClock: MonotonicClock {
    /// The clock.
    public init() {}

    /// The present instant.
    public var now: ContinuousClock.Instant { .now }
}
