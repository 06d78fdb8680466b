import CommandLineInterface
import Runtime

/// What a coordinator is told: by its own command line, and by `launch`, which makes that line.
///
/// Each option is declared once, here; those of `shared` are options of `launch` and `resume`, too.
public struct CoordinatorFlags: Sendable, Equatable {
    private static let run = Option(
        required: "run", .directory, help: "The run directory, which all workers see.")
    private static let configuration = Option(
        "config", .file, otherwise: "what the run directory says", help: "The configuration.")
    private static let data = Option(
        "data", .file, otherwise: "what the run directory says",
        help: "The prepared data set, as the workers find it.")
    private static let set = Option(
        repeated: "set", .text.named("KEY=VALUE"), help: "Override one value of the configuration.")
    private static let fresh = Flag(
        "fresh", help: "Begin a new run; refuse a directory that is not empty.")
    private static let workers = Option(
        "workers", .workers, default: standard.workers,
        help: "Workers to wait for before the first step.")
    private static let bind = Option(
        "bind", .text.named("HOST"), default: standard.bind, help: "The interface to listen on.")
    private static let advertise = Option(
        "advertise", .text.named("HOST"), otherwise: "--bind",
        help: "The host that workers connect to.")
    private static let insecure = Flag(
        "insecure", help: "Listen beyond this machine although nothing is encrypted.")
    private static let joinWindow = Option(
        "join-window", .duration, default: standard.joinWindow,
        help: "How long late workers are collected, so that many cost one pause.")
    private static let digestEvery = Option(
        "digest-every", .integer(0...), default: standard.digestEvery,
        help: "Steps from one comparison of the workers' states to the next; 0 compares none.")
    private static let noProgress = Flag(
        "no-progress", help: "Show no progress line, for launchers that show their own.")

    /// The shortest time of silence that can mean death.
    ///
    /// Signs of life come at an eighth of it, and a process that was just started has five times as long to show itself:
    /// below 25 ms between signs and a second to start, a process that only waits for its turn on a busy machine is
    /// killed, and so is the one that takes its place.
    public static let shortestFailureTimeout = Duration.milliseconds(200)
    /// The step to stop after.
    public static let steps = Option(
        "steps", .count, otherwise: "the configuration's",
        help: "Stop after this step with a checkpoint; the schedule stays as it is.")
    private static let minimumWorkers = Option(
        "min-workers", .workers, otherwise: "half of --workers",
        help: "Below this number the run pauses, and ends if nobody comes.")
    private static let failureTimeout = Option(
        "failure-timeout", .duration(shortestFailureTimeout...), default: standard.failureTimeout,
        help: "A process that is silent or frozen for this long is taken for dead.")
    private static let waitForWorkers = Option(
        "wait-for-workers", .duration, default: standard.waitForWorkers,
        help: "How long a start or a pause waits for workers.")
    private static let mixedKernels = Flag(
        "allow-mixed-kernels", help: "Let workers with other matrix kernels in.")
    private static let mixedBuilds = Flag(
        "allow-mixed-builds",
        help: "Let workers in that were built from other sources of the same release.")
    private static let port = Option(
        "port", .integer(0...65_535), default: standard.port,
        help: "Where the coordinator listens; 0 lets the kernel pick.")

    /// What `launch` and `resume` take as well and hand on, beside `steps`.
    public static let shared: [any Parameter] = [
        minimumWorkers, failureTimeout, waitForWorkers, mixedKernels, mixedBuilds, port,
    ]

    /// Everything, in the order of the coordinator's help.
    public static let all: [any Parameter] =
        [
            run, configuration, data, set, fresh, workers, minimumWorkers, steps, port, bind,
            advertise, insecure, failureTimeout, joinWindow, waitForWorkers, digestEvery,
            mixedKernels, mixedBuilds, noProgress,
        ] + ChildFlags.all

    /// A coordinator to which nobody has said anything.
    private static let standard = CoordinatorFlags(run: ".")

    /// The run directory.
    public var run: FilePath
    /// The configuration's file; `nil` goes on with that of the run directory.
    public var configuration: FilePath?
    /// The prepared data set; `nil` for that of the run directory.
    public var data: FilePath?
    /// What replaces values of the configuration, each as `key=value`.
    public var overrides: [String] = []
    /// Whether a directory with anything in it is refused.
    public var isFresh = false
    /// Workers to wait for before the first step.
    public var workers = 1
    /// With fewer the run pauses; `nil` for half of the workers.
    public var minimumWorkers: Int?
    /// The step to stop after; `nil` for the configuration's last.
    public var stopStep: Int?
    /// Where it listens; 0 lets the kernel pick.
    public var port = 0
    /// The interface on which it listens.
    public var bind = "127.0.0.1"
    /// The host that workers connect to; `nil` for that of `bind`.
    public var advertise: String?
    /// Whether it may listen beyond this machine.
    public var isInsecure = false
    /// How long a process may be silent.
    public var failureTimeout = Duration.seconds(2)
    /// How long late workers are collected.
    public var joinWindow = Duration.seconds(1)
    /// How long a start or a pause waits for workers.
    public var waitForWorkers = Duration.seconds(300)
    /// Steps between comparisons of states; 0 compares none.
    public var digestEvery = 50
    /// Whether workers with other matrix kernels are let in.
    public var allowsMixedKernels = false
    /// Whether workers of other sources are let in.
    public var allowsMixedBuilds = false
    /// Whether it shows no progress line.
    public var hidesProgress = false
    /// How it and its launcher watch each other.
    public var child = ChildFlags()

    /// A coordinator of a run, with everything as it is where nobody says anything.
    public init(run: FilePath) { self.run = run }

    /// Reads what `launch` or `resume` were told: `steps` and the options of `shared`.
    public init(run: FilePath, sharedOf given: Invocation) {
        self.init(run: run)
        stopStep = given[Self.steps]
        minimumWorkers = given[Self.minimumWorkers]
        failureTimeout = given[Self.failureTimeout]
        waitForWorkers = given[Self.waitForWorkers]
        allowsMixedKernels = given[Self.mixedKernels]
        allowsMixedBuilds = given[Self.mixedBuilds]
        port = given[Self.port]
    }

    /// Reads the coordinator's own command line.
    ///
    /// - Throws: `CommandError` for options that would change nothing, and for addresses that are open or useless.
    public init(_ given: Invocation) throws(CommandError) {
        self.init(run: given[Self.run], sharedOf: given)
        configuration = given[Self.configuration]
        data = given[Self.data]
        overrides = given[Self.set]
        isFresh = given[Self.fresh]
        workers = given[Self.workers]
        bind = given[Self.bind]
        advertise = given[Self.advertise]
        isInsecure = given[Self.insecure]
        joinWindow = given[Self.joinWindow]
        digestEvery = given[Self.digestEvery]
        hidesProgress = given[Self.noProgress]
        child = ChildFlags(given)
        let isLocal = ["127.0.0.1", "::1", "localhost"].contains(bind)
        guard isLocal || isInsecure else {
            throw CommandError(
                .usage,
                "--bind \(bind) is open to others and nothing is encrypted: "
                    + "say --insecure where the network is trusted")
        }
        guard advertise != nil || !["0.0.0.0", "::"].contains(bind) else {
            throw CommandError(
                .usage,
                "--bind \(bind) names no address that workers could connect to: "
                    + "give one with --advertise")
        }
        if configuration == nil { try given.refuse([Self.set], "without --config") }
    }

    /// The command line that says all of it.
    public var arguments: [String] {
        let whereItIs =
            Self.run.words(run) + Self.configuration.words(configuration) + Self.data.words(data)
            + Self.set.words(overrides) + Self.fresh.words(isFresh)
        let addresses =
            Self.port.words(port) + Self.bind.words(bind) + Self.advertise.words(advertise)
            + Self.insecure.words(isInsecure)
        let members =
            Self.workers.words(workers) + Self.minimumWorkers.words(minimumWorkers)
            + Self.mixedKernels.words(allowsMixedKernels)
            + Self.mixedBuilds.words(allowsMixedBuilds)
        let times =
            Self.failureTimeout.words(failureTimeout) + Self.joinWindow.words(joinWindow)
            + Self.waitForWorkers.words(waitForWorkers) + Self.steps.words(stopStep)
            + Self.digestEvery.words(digestEvery)
        return whereItIs + addresses + members + times + Self.noProgress.words(hidesProgress)
            + child.arguments
    }
}
