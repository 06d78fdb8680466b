import Checkpoints
import Runtime
import Testing
import Transport

@testable import Cluster

/// A coordinator's state machine that is played by hand: a test says what each worker sends and how time passes, and
/// looks at the effects.
struct CoordinatorPlay {
    var state: CoordinatorState
    /// All effects so far.
    var effects: [CoordinatorEffect] = []
    private(set) var now = ContinuousClock.now

    static func settings(
        workers: Int, steps: UInt64 = 100, every: UInt64 = 4
    ) -> CoordinatorSettings {
        var settings = CoordinatorSettings()
        settings.workers = workers
        settings.logicalShards = 8
        settings.finalStep = steps
        settings.checkpointEvery = every
        return settings
    }

    static func checkpoint(_ step: UInt64) -> CheckpointName {
        CheckpointName(step: step, generation: 1, term: 1)
    }

    init(_ settings: CoordinatorSettings, recovered: RecoveredRun = RecoveredRun()) {
        state = CoordinatorState(settings: settings, recovered: recovered, now: now)
    }

    /// A run that goes on from checkpoints, of which no worker holds the state.
    init(workers: Int, checkpoints steps: [UInt64]) {
        var recovered = RecoveredRun()
        recovered.term = 2
        recovered.committed = steps.max() ?? 0
        recovered.checkpoints = steps.map(Self.checkpoint)
        recovered.metricsStep = recovered.committed
        self.init(Self.settings(workers: workers), recovered: recovered)
        for number in 1...workers { join(number, held: HeldState(applied: nil)) }
        for number in 1...workers { report(number, HeldState(applied: nil)) }
    }

    /// A run of workers that make their first step.
    static func stepping(_ settings: CoordinatorSettings) -> CoordinatorPlay {
        var play = CoordinatorPlay(settings)
        for number in 1...settings.workers { play.join(number) }
        for number in 1...settings.workers { play.report(number, HeldState(applied: 0)) }
        return play
    }

    // MARK: Events

    mutating func feed(_ event: CoordinatorEvent) {
        effects += state.handle(event, at: now)
    }

    func link(_ number: Int) -> LinkID { LinkID(number) }
    func id(_ number: Int) -> WorkerID { WorkerID(UInt64(number)) }

    mutating func join(_ number: Int, held: HeldState = HeldState(applied: 0)) {
        feed(.joined(link(number), hello(number, held: held), Self.endpoint))
    }

    static let endpoint = NetworkAddress(host: "127.0.0.1", port: 1)

    func hello(
        _ number: Int, held: HeldState = HeldState(applied: 0), generation: UInt32 = 0,
        wanted: UInt32 = 0
    ) -> Hello {
        Hello(
            id: id(number), number: wanted, softwareVersion: "", runID: "", configurationDigest: "",
            configuration: "", datasetDigest: "", matrixLibrary: "", kernel: "", hostName: "host",
            processID: 1, threads: 1, dataPort: 1, advertisedHost: "", term: 0,
            generation: generation, held: held)
    }

    mutating func send(_ message: WorkerMessage, from number: Int) {
        feed(.message(link(number), message))
    }

    mutating func report(_ number: Int, _ held: HeldState) {
        send(.report(generation: state.generation, held), from: number)
    }

    mutating func reportAll(_ held: HeldState) {
        for id in state.members { report(Int(id.value), held) }
    }

    mutating func failToLoad(_ number: Int, _ message: String = "stale file handle") {
        send(.stateFailed(generation: state.generation, message: message), from: number)
    }

    /// All members vote for a step.
    mutating func commit(_ numbers: ClosedRange<Int>) {
        for number in numbers {
            send(
                .ready(
                    Ready(
                        generation: state.generation, step: state.committed, checksum: 1,
                        stateDigest: nil, recomputed: false, timings: StepTimings())),
                from: number)
        }
    }

    /// Time passes, in which all workers show that they live.
    mutating func pass(seconds: Double) {
        var left = seconds
        while left > 0 {
            now += .milliseconds(250)
            left -= 0.25
            for worker in state.workersByNumber {
                send(
                    .heartbeat(
                        Heartbeat(
                            generation: state.generation, step: state.committed,
                            activity: "computing", residentBytes: 0)),
                    from: Int(worker.id.value))
            }
            feed(.tick)
        }
    }

    // MARK: What came of it

    var events: [RunEvent] {
        effects.compactMap { effect in
            if case .event(let event) = effect { event } else { nil }
        }
    }

    func messages(of kind: RunEvent.Kind) -> [String] {
        events.filter { $0.kind == kind }.map(\.message)
    }

    var outcome: Outcome? {
        for case .end(let outcome) in effects { return outcome }
        return nil
    }

    var abandoned: [CheckpointName] {
        effects.compactMap { effect in
            if case .abandonCheckpoint(let name) = effect { name } else { nil }
        }
    }

    /// What a worker was told.
    func told(_ number: Int) -> [CoordinatorMessage] {
        effects.compactMap { effect in
            if case .send(link(number), let message) = effect { message } else { nil }
        }
    }
}
