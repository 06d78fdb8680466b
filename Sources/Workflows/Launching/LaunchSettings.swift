import CommandLineInterface
import Foundation
import Launching
import Runs
import Runtime

/// How a run is spread over processes; none of it shows in the result.
public struct LaunchSettings: Sendable {
    /// What the coordinator is told; the run's directory, configuration and data are told to the launch.
    public var coordinator: CoordinatorFlags
    /// Compute threads of each worker; `nil` shares the processors out.
    public var threads: Int?
    /// Machines to start workers on; empty for this one.
    public var hosts: [RemoteHost] = []
    /// Where the machines are listed, to be named in errors.
    public var hostsPath: FilePath?
    /// What to reach them with.
    public var shell = RemoteShell()

    /// Workers here, and everything else as it is where nobody says anything.
    public init(_ directory: RunDirectory, workers: Int, threads: Int? = nil) {
        coordinator = CoordinatorFlags(run: directory.path)
        coordinator.workers = workers
        self.threads = threads
    }

    /// How many workers.
    public var workers: Int { coordinator.workers }

    /// Refuses a run that would wait for workers whom nobody starts.
    ///
    /// - Throws: `CommandError` with code 2.
    public func check() throws(CommandError) {
        guard let least = coordinator.minimumWorkers, least > workers else { return }
        throw CommandError(
            .usage,
            "--min-workers \(least) is more than the workers of this launch (--workers \(workers)), and the run would "
                + "wait for ones that nobody starts; give --min-workers at most \(workers), or --workers at least "
                + "\(least)")
    }

    /// Threads of a worker, where neither flag nor host says it.
    public var threadsHere: Int {
        threads ?? max(1, ProcessCounts.processors / workers)
    }
}

/// How a run was launched last, kept in its directory for `resume`.
public struct LaunchRecord: Sendable, Equatable {
    /// How many workers.
    public var workers: Int
    /// Compute threads of each worker, where it was said.
    public var threads: Int?

    /// A launch to be remembered.
    public init(workers: Int, threads: Int?) { (self.workers, self.threads) = (workers, threads) }

    private static func path(in directory: RunDirectory) -> FilePath {
        directory.path.appending("launch.json")
    }

    /// Reads the record; `nil` where the run was never launched.
    public static func read(from directory: RunDirectory) -> LaunchRecord? {
        guard let content = try? directory.files.contents(of: path(in: directory)),
            let value = try? JSONValue(parsing: content),
            let workers = value["workers"]?.integerValue
        else { return nil }
        return LaunchRecord(workers: workers, threads: value["threads"]?.integerValue)
    }

    /// Writes the record in place of a former one.
    public func write(to directory: RunDirectory) throws(SystemError) {
        let value: JSONValue = [
            "workers": .integer(Int64(workers)),
            "threads": threads.map { .integer(Int64($0)) } ?? .null,
        ]
        try directory.files.write(
            value.text(pretty: true) + "\n", to: Self.path(in: directory))
    }
}
