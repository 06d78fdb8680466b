import CommandLineInterface
import Runs
import Workflows

private let run = Argument("DIR", .directory, help: "The run directory.")
private let workers = Option(
    "workers", .integer(0...ProcessCounts.workers.upperBound), otherwise: "as many as it had",
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
    parameters: [run, workers, data] + LaunchOptions.all,
    example: "purkinje resume runs/first --workers 3"
) { given in
    _ = try StopRequest.install()
    let directory = RunDirectory(path: given[run])
    let record = try directory.read()
    let previous = LaunchRecord.read(from: directory)
    let count = given[workers] ?? previous?.workers ?? 0
    if count == 0 {
        try given.refuse(
            LaunchOptions.ofProcesses,
            "in one process without a network (more than one: --workers)")
    }
    let settings = try LaunchOptions.settings(
        given, directory: directory, workers: max(1, count), previous: previous)
    guard count > 0 else {
        return try SingleProcessTraining(
            of: directory, configuration: nil, data: given[data], threads: settings.threadsHere
        ).run(stopAfter: settings.coordinator.stopStep)
    }
    return try LaunchRun(
        settings, configuration: record.configuration, directory: directory,
        data: given[data] ?? record.dataPath
    ).run()
}
