import CommandLineInterface
import Launching
import Runs
import Runtime
import Workflows

/// How a run is spread over processes: what `launch` and `resume` have in common.
enum LaunchOptions {
    private static let threads = Option(
        "threads", .threads, otherwise: "the processors shared out among the workers",
        help: "Compute threads of each worker.")
    private static let hosts = Option(
        "hosts", .file, otherwise: "all workers here",
        help: "Machines to start workers on by ssh, one a line.")
    private static let remoteShell = Option(
        "ssh", .text.named("COMMAND"), default: "ssh", help: "What to reach them with.")

    /// All of them.
    static let all: [any Parameter] = [threads, CoordinatorFlags.steps] + ofProcesses

    /// What means nothing where one process trains alone.
    static let ofProcesses: [any Parameter] = [hosts, remoteShell] + CoordinatorFlags.shared

    /// Reads the flags; what they leave open is as it was when the run was last launched.
    static func settings(
        _ given: Invocation, directory: RunDirectory, workers: Int, previous: LaunchRecord? = nil
    ) throws -> LaunchSettings {
        var settings = LaunchSettings(
            directory, workers: workers, threads: given[threads] ?? previous?.threads)
        settings.coordinator = CoordinatorFlags(run: directory.path, sharedOf: given)
        settings.coordinator.workers = workers
        try settings.check()
        settings.shell = RemoteShell(command: given[remoteShell])
        guard let path = given[hosts] else {
            try given.refuse([remoteShell], "without --hosts")
            return settings
        }
        settings.hostsPath = path
        do {
            settings.hosts = try HostsFile.parse(path.contents(), path: path)
        } catch {
            throw CommandError(.usage, "--hosts: \(error)")
        }
        return settings
    }
}
