import CommandLineInterface
import Runs
import Workflows

private let run = Option(
    required: "run", .directory, help: "The run directory, which all workers see.")
private let workers = Option(required: "workers", .workers, help: "How many workers.")

/// Runs a coordinator and its workers, here or over ssh.
let launchCommand = Command(
    "launch",
    summary: "trains with a coordinator and several workers, here or over ssh",
    discussion: """
        Starts the coordinator and the workers, forwards what they say, starts a dead or frozen one again, and returns when \
        the run ends. Ctrl-C finishes the step, writes a checkpoint and exits with code 130; another one, a second or more later, \
        ends at once. The same command goes on with a run that was interrupted; any number of workers gives the same bits.
        """,
    parameters: [TrainingOptions.configuration, TrainingOptions.data, run, workers]
        + LaunchOptions.all
        + [TrainingOptions.set, TrainingOptions.initialWeights, TrainingOptions.fresh],
    example: "purkinje launch --config cluster/configurations/st-mem-tiny.json "
        + "--data ecg.purkinje --run runs/first --workers 2"
) { given in
    _ = try StopRequest.install()
    let directory = RunDirectory(path: given[run])
    // Read here only to refuse a mistake before anything is started; the coordinator reads it again.
    let beginning = try TrainingOptions.beginning(given, of: directory)
    var settings = try LaunchOptions.settings(given, directory: directory, workers: given[workers])
    settings.coordinator.configuration = given[TrainingOptions.configuration]
    settings.coordinator.overrides = beginning.overrides
    let fresh = try beginning.prepare(fresh: given[TrainingOptions.fresh])
    return try LaunchRun(
        settings, configuration: beginning.configuration, directory: directory,
        data: given[TrainingOptions.data]
    ).run(fresh: fresh)
}
