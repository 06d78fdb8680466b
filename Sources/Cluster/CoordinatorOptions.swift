import Configurations
import Runs
import Runtime
import Transport

/// What a coordinator is started with.
public struct CoordinatorOptions: Sendable {
    /// The run, whose folder exists.
    public var directory: RunDirectory
    /// What the run directory says of it.
    public var record: RunRecord
    /// The knobs of the state machine; what the configuration decides is filled in.
    public var settings = CoordinatorSettings()
    /// Where it listens.
    public var listen = NetworkAddress(host: "127.0.0.1", port: 0)
    /// The host that workers are told to connect to; by default that of `listen`.
    public var advertisedHost: String?
    /// Whether workers with other matrix kernels are let in.
    public var allowsMixedKernels = false
    /// Whether workers are let in that were built from other sources of the same release.
    public var allowsMixedBuilds = false
    /// Waits for connections, and has the clock.
    public var waiter: any StreamWaiter = PollWaiter()

    /// Options for a run; shards, steps and checkpoints are those of its configuration.
    public init(directory: RunDirectory, record: RunRecord) {
        self.directory = directory
        self.record = record
        settings.logicalShards = record.configuration.logicalShards
        settings.finalStep = UInt64(record.configuration.steps)
        settings.checkpointEvery = UInt64(record.configuration.checkpoint.everySteps)
    }
}

/// What a coordinator shows while it works.
public struct CoordinatorObserver: Sendable {
    /// A step was committed.
    public var onStep: @Sendable (StepMetrics) -> Void
    /// Something happened that the user should read.
    public var onEvent: @Sendable (RunEvent) -> Void

    /// Closures that are called on the coordinator's thread and must not take long.
    public init(
        onStep: @escaping @Sendable (StepMetrics) -> Void = { _ in },
        onEvent: @escaping @Sendable (RunEvent) -> Void = { _ in }
    ) {
        self.onStep = onStep
        self.onEvent = onEvent
    }
}
