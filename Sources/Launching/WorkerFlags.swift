import CommandLineInterface
import Runtime

/// What a worker is told: by its own command line, and by `launch`, which makes that line.
public struct WorkerFlags: Sendable, Equatable {
    private static let run = Option(
        required: "run", .directory, help: "The run directory, which says everything else.")
    private static let coordinator = Option(
        "coordinator", .text.named("HOST:PORT"), otherwise: "what the run directory says",
        help: "Where the coordinator listens.")
    private static let data = Option(
        "data", .file, otherwise: "what the run directory says",
        help: "The prepared data set on this machine.")
    private static let threads = Option(
        "threads", .threads, default: standard.threads,
        help: "Compute threads; any number gives the same bits.")
    private static let bind = Option(
        "bind", .text.named("HOST"), otherwise: "the address that reaches the coordinator",
        help: "The interface for data connections from other workers.")
    private static let advertise = Option(
        "advertise", .text.named("HOST"), otherwise: "the address that the coordinator sees",
        help: "The host that other workers connect to.")
    private static let port = Option(
        "port", .integer(0...65_535), default: standard.port,
        help: "The port for data connections; 0 lets the kernel choose.")
    private static let patience = Option(
        "coordinator-patience", .duration, default: standard.coordinatorPatience,
        help: "How long to look for a coordinator that is lost before ending with code 4.")

    /// Everything, in the order of the help.
    public static let all: [any Parameter] =
        [run, coordinator, data, threads, bind, advertise, port, patience] + ChildFlags.all

    private static let standard = WorkerFlags(run: ".")

    /// The run directory.
    public var run: FilePath
    /// Where the coordinator listens, as `host:port`; `nil` for what the run directory says.
    public var coordinator: String?
    /// The prepared data set; `nil` for that of the run directory.
    public var data: FilePath?
    /// Compute threads.
    public var threads = 1
    /// The interface for data connections; `nil` for the one that reaches the coordinator.
    public var bind: String?
    /// The host that other workers connect to; `nil` for the address that the coordinator sees.
    public var advertise: String?
    /// The port for data connections; 0 lets the kernel choose.
    public var port = 0
    /// How long it looks for a coordinator that is lost.
    public var coordinatorPatience = Duration.seconds(600)
    /// How it and its launcher watch each other.
    public var child = ChildFlags()

    /// A worker of a run, with everything as it is where nobody says anything.
    public init(run: FilePath) { self.run = run }

    /// Reads the worker's own command line.
    ///
    /// - Throws: `CommandError` for options that would change nothing.
    public init(_ given: Invocation) throws(CommandError) {
        run = given[Self.run]
        coordinator = given[Self.coordinator]
        data = given[Self.data]
        threads = given[Self.threads]
        bind = given[Self.bind]
        advertise = given[Self.advertise]
        port = given[Self.port]
        coordinatorPatience = given[Self.patience]
        child = ChildFlags(given)
        if bind == nil { try given.refuse([Self.port], "without --bind") }
    }

    /// The command line that says all of it.
    public var arguments: [String] {
        let whereItIs = Self.run.words(run) + Self.coordinator.words(coordinator)
        let addresses =
            bind == nil
            ? Self.advertise.words(advertise)
            : Self.bind.words(bind) + Self.advertise.words(advertise) + Self.port.words(port)
        return whereItIs + Self.data.words(data) + Self.threads.words(threads) + addresses
            + Self.patience.words(coordinatorPatience) + child.arguments
    }
}
