import CommandLineInterface
import Foundation
import Launching
import Runs
import Runtime

/// How a run is spread over processes; none of it shows in the result.
struct LaunchSettings {
    private static let threads = Option(
        "threads", .count, otherwise: "the processors shared out among the workers",
        help: "Compute threads of each worker.")
    private static let steps = Option(
        "steps", .count, otherwise: "the configuration's",
        help: "Stop after this step with a checkpoint; the schedule stays as it is.")
    private static let hosts = Option(
        "hosts", .file, otherwise: "all workers here",
        help: "Machines to start workers on by ssh, one a line.")
    private static let remoteShell = Option(
        "ssh", .text.named("COMMAND"), default: "ssh", help: "What to reach them with.")
    private static let minimumWorkers = Option(
        "min-workers", .count, otherwise: "half of --workers",
        help: "Below this number the run pauses, and ends if nobody comes.")
    private static let failureTimeout = Option(
        "failure-timeout", .duration, default: .seconds(2),
        help: "A process that is silent or frozen for this long is taken for dead.")
    private static let waitForWorkers = Option(
        "wait-for-workers", .duration, default: .seconds(300),
        help: "How long a start or a pause waits for workers.")
    private static let mixedKernels = Flag(
        "allow-mixed-kernels", help: "Let workers with other matrix kernels in.")
    private static let port = Option(
        "port", .integer(0...65535), default: 0,
        help: "Where the coordinator listens; 0 lets the kernel pick.")

    /// What `launch` and `resume` have in common.
    static let options: [any Parameter] = [threads, steps] + ofProcesses

    /// What means nothing where one process trains alone.
    static let ofProcesses: [any Parameter] = [
        hosts, remoteShell, minimumWorkers, failureTimeout, waitForWorkers, mixedKernels, port,
    ]

    let workers: Int
    let threads: Int?
    let steps: Int?
    let minimumWorkers: Int?
    let failureTimeout: Duration
    let waitForWorkers: Duration
    let allowsMixedKernels: Bool
    let port: Int
    let hosts: [RemoteHost]
    let hostsPath: FilePath?
    let shell: RemoteShell

    /// Reads the flags; what they leave open is as it was when the run was last launched.
    init(_ invocation: Invocation, workers: Int?, previous: LaunchRecord?) throws {
        self.workers = workers ?? previous?.workers ?? 1
        threads = invocation[Self.threads] ?? previous?.threads
        steps = invocation[Self.steps]
        minimumWorkers = invocation[Self.minimumWorkers]
        failureTimeout = invocation[Self.failureTimeout]
        waitForWorkers = invocation[Self.waitForWorkers]
        allowsMixedKernels = invocation[Self.mixedKernels]
        port = invocation[Self.port]
        shell = RemoteShell(command: invocation[Self.remoteShell])
        hostsPath = invocation[Self.hosts]
        guard let path = hostsPath else {
            try invocation.refuse([Self.remoteShell], "without --hosts")
            hosts = []
            return
        }
        do {
            hosts = try HostsFile.parse(path.contents(), path: path)
        } catch {
            throw CommandError(.usage, "--hosts: \(error)")
        }
    }

    /// Workers here, and everything else as it is where nobody says anything.
    init(workers: Int, threads: Int) {
        (self.workers, self.threads) = (workers, threads)
        (steps, minimumWorkers) = (nil, nil)
        (failureTimeout, waitForWorkers) = (.seconds(2), .seconds(300))
        (allowsMixedKernels, port, hosts, hostsPath) = (false, 0, [], nil)
        shell = RemoteShell(command: "ssh")
    }

    /// What the coordinator is told of it.
    func coordinatorArguments(run: FilePath, data: FilePath?) -> [String] {
        var arguments =
            ["--run", run.text, "--workers", "\(workers)", "--port", "\(port)"]
            + ["--failure-timeout", durationText(failureTimeout), "--no-progress"]
            + ["--wait-for-workers", durationText(waitForWorkers)]
        if let data { arguments += ["--data", data.text] }
        if allowsMixedKernels { arguments.append("--allow-mixed-kernels") }
        if let steps { arguments += ["--steps", "\(steps)"] }
        if let minimumWorkers { arguments += ["--min-workers", "\(minimumWorkers)"] }
        return arguments
    }

    /// Threads of a worker, where neither flag nor host says it.
    var threadsHere: Int {
        threads ?? max(1, ProcessInfo.processInfo.activeProcessorCount / workers)
    }
}

/// How a run was launched last, kept in its directory for `resume`.
struct LaunchRecord {
    var workers: Int
    var threads: Int?

    private static func path(in directory: RunDirectory) -> FilePath {
        directory.path.appending("launch.json")
    }

    /// Reads the record; `nil` where the run was never launched.
    static func read(from directory: RunDirectory) -> LaunchRecord? {
        guard let content = try? path(in: directory).contents(),
            let value = try? JSONValue(parsing: content),
            let workers = value["workers"]?.integerValue
        else { return nil }
        return LaunchRecord(workers: workers, threads: value["threads"]?.integerValue)
    }

    /// Writes the record in place of a former one.
    func write(to directory: RunDirectory) throws(SystemError) {
        let value: JSONValue = [
            "workers": .integer(Int64(workers)),
            "threads": threads.map { .integer(Int64($0)) } ?? .null,
        ]
        try AtomicFile.write(value.text(pretty: true) + "\n", to: Self.path(in: directory))
    }
}
