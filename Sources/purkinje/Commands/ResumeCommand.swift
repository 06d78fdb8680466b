import CommandLineInterface
import Runs

private let run = Argument("DIR", .directory, help: "The run directory.")
private let workers = Option(
    "workers", .integer(0...), otherwise: "as many as it had",
    help: "How many workers; 0 goes on in one process without network.")
private let data = Option(
    "data", .file, otherwise: "where it was",
    help: "The prepared data set, where the same one has moved.")

/// Goes on with a run that ended early.
let resumeCommand = Command(
    "resume",
    summary: "goes on with a run from its newest whole checkpoint, with any number of workers",
    discussion: """
        The configuration is the run's own. A damaged checkpoint is named and passed over. The order of the data goes \
        on exactly where it was, and the bits do not depend on the number of workers.
        """,
    parameters: [run, workers, data] + LaunchSettings.options,
    example: "purkinje resume runs/first --workers 3"
) { invocation in
    _ = try StopRequest.install()
    let directory = RunDirectory(path: invocation[run])
    let record = try directory.read()
    let previous = LaunchRecord.read(from: directory)
    let count = invocation[workers] ?? previous?.workers ?? 0
    if count == 0 {
        try invocation.refuse(
            LaunchSettings.ofProcesses,
            "in one process without a network (more than one: --workers)")
    }
    let settings = try LaunchSettings(invocation, workers: max(1, count), previous: previous)
    guard count > 0 else {
        return try trainInOneProcess(
            directory: directory, configuration: nil, data: invocation[data],
            threads: settings.threadsHere, stopAfter: settings.steps, fresh: false)
    }
    return try launch(
        settings, configuration: record.configuration, directory: directory,
        data: invocation[data] ?? record.dataPath, coordinatorArguments: [])
}
