import Runtime
import Workflows
import CommandLineInterface
import Configurations
import Runs

private let configuration = Option(
    required: "config", .file, help: "The configuration, a JSON file.")
private let data = Option(required: "data", .file, help: "The prepared data set.")
private let run = Option(
    required: "run", .directory, help: "The run directory, which all workers see.")
private let workers = Option(required: "workers", .integer(1...10_000), help: "How many workers.")
private let set = Option(
    repeated: "set", .text.named("KEY=VALUE"),
    help: "Override one value of the configuration, such as optimizer.learningRate=1e-3.")
private let fresh = Flag("fresh", help: "Begin a new run; refuse a directory that is not empty.")

/// Runs a coordinator and its workers, here or over ssh.
let launchCommand = Command(
    "launch",
    summary: "trains with a coordinator and several workers, here or over ssh",
    discussion: """
        Starts the coordinator and the workers, forwards what they say, starts a dead or frozen one again, and returns when \
        the run ends. Ctrl-C finishes the step, writes a checkpoint and exits with code 130; another one, a second or more later, \
        ends at once. The same command goes on with a run that was interrupted; any number of workers gives the same bits.
        """,
    parameters: [configuration, data, run, workers] + LaunchSettings.options
        + [set, InitialWeights.option, fresh],
    example: "purkinje launch --config cluster/configurations/st-mem-tiny.json "
        + "--data ecg.purkinje --run runs/first --workers 2"
) { invocation in
    _ = try StopRequest.install()
    // Read here only to refuse a mistake before anything is started; the coordinator reads it again.
    let weights = try invocation[InitialWeights.option].map { try InitialWeights(path: $0) }
    let overrides = invocation[set] + (weights.map { [$0.override()] } ?? [])
    let model = try Configuration(path: invocation[configuration], overrides: overrides)
    for notice in model.notices { Log().warning(notice) }
    var arguments = ["--config", invocation[configuration].text]
    for override in overrides { arguments += ["--set", FilePath(bytes: override.utf8).text] }
    let settings = try LaunchSettings(
        invocation, workers: invocation[workers], previous: nil)
    let directory = RunDirectory(path: invocation[run])
    try requireRunFolder(directory)
    try requireEncoder(model, for: directory, given: weights)
    try weights?.begin(directory, configuration: model, fresh: invocation[fresh])
    return try launch(
        settings, configuration: model, directory: directory,
        fresh: invocation[fresh] && weights == nil, data: invocation[data],
        coordinatorArguments: arguments)
}
