import CommandLineInterface
import Runs
import Workflows

private let run = Option(required: "run", .directory, help: "The run directory.")
private let threads = Option(
    "threads", .threads, default: 1, help: "Compute threads; any number gives the same bits.")
private let steps = Option(
    "steps", .count, otherwise: "the configuration's steps",
    help: "Stop after this step with a checkpoint; the schedule stays as it is.")
private let printConfig = Flag(
    "print-config", help: "Show every value and where it came from, and end.")

/// Trains in one process.
let pretrainCommand = Command(
    "pretrain",
    summary: "trains in one process, without a network",
    discussion: """
        The single-node debug mode: the same step, the same sums and the same bits as a cluster of any size. Goes on \
        from the newest whole checkpoint where the run directory has one. Ctrl-C finishes the step, writes a checkpoint \
        and exits with code 130; another one, a second or more later, ends at once and loses no earlier checkpoint.
        """,
    parameters: [
        TrainingOptions.configuration, TrainingOptions.data, run, threads, steps,
        TrainingOptions.set, TrainingOptions.initialWeights, TrainingOptions.fresh, printConfig,
    ],
    example: "purkinje pretrain --config cluster/configurations/st-mem-tiny.json "
        + "--data ecg.purkinje --run runs/first --threads 2"
) { given in
    _ = try StopRequest.install()
    let directory = RunDirectory(path: given[run])
    let beginning = try TrainingOptions.beginning(given, of: directory)
    if given[printConfig] {
        let entries = beginning.configuration.entries
        Output.write(Output.table(entries.map { [$0.key, $0.value.text(), "\($0.source)"] }))
        return .success
    }
    let fresh = try beginning.prepare(fresh: given[TrainingOptions.fresh])
    return try SingleProcessTraining(
        of: directory, configuration: beginning.configuration, data: given[TrainingOptions.data],
        threads: given[threads]
    ).run(stopAfter: given[steps], fresh: fresh)
}
