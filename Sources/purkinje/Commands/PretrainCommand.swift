import CommandLineInterface
import Configurations
import Foundation
import Runs
import Runtime
import Workflows
import Training

private let configuration = Option(
    required: "config", .file, help: "The configuration, a JSON file.")
private let data = Option(required: "data", .file, help: "The prepared data set.")
private let run = Option(required: "run", .directory, help: "The run directory.")
private let threads = Option(
    "threads", .count, default: 1, help: "Compute threads; any number gives the same bits.")
private let steps = Option(
    "steps", .count, otherwise: "the configuration's steps",
    help: "Stop after this step with a checkpoint; the schedule stays as it is.")
private let set = Option(
    repeated: "set", .text.named("KEY=VALUE"),
    help: "Override one value of the configuration, such as optimizer.learningRate=1e-3.")
private let fresh = Flag("fresh", help: "Begin a new run; refuse a directory that is not empty.")
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
        configuration, data, run, threads, steps, set, InitialWeights.option, fresh, printConfig,
    ],
    example: "purkinje pretrain --config cluster/configurations/st-mem-tiny.json "
        + "--data ecg.purkinje --run runs/first --threads 2"
) { given in
    _ = try StopRequest.install()
    let weights = try given[InitialWeights.option].map { try InitialWeights(path: $0) }
    let model = try Configuration(
        path: given[configuration],
        overrides: given[set] + (weights.map { [$0.override()] } ?? []))
    for notice in model.notices { Log().warning(notice) }
    if given[printConfig] {
        Output.write(
            Output.table(
                model.entries.map { [$0.key, $0.value.text(), "\($0.source)"] }))
        return .success
    }
    let directory = RunDirectory(path: given[run])
    try requireRunFolder(directory)
    try requireEncoder(model, for: directory, given: weights)
    try weights?.begin(directory, configuration: model, fresh: given[fresh])
    return try trainInOneProcess(
        directory: directory, configuration: model, data: given[data],
        threads: given[threads], stopAfter: given[steps],
        fresh: given[fresh] && weights == nil)
}

/// Begins or goes on with a run in this process, and shows how it gets on.
///
/// - Parameters:
///   - directory: The run's folder.
///   - configuration: What to train; `nil` goes on with what is written there.
///   - data: The prepared data set; `nil` for the one that is written there.
///   - threads: Compute threads.
///   - stopAfter: The step to stop after; `nil` for the configuration's.
///   - fresh: Whether a folder with anything in it is refused.
/// - Returns: How the program is to end.
/// - Throws: Whatever keeps the run from beginning or going on.
func trainInOneProcess(
    directory: RunDirectory, configuration: Configuration?, data: FilePath?, threads: Int,
    stopAfter: Int?, fresh: Bool
) throws -> ExitCode {
    let request = try StopRequest.install()
    let progress = ProgressLine()
    let begun = ContinuousClock.now
    var first: Int?
    let target = Locked((final: 0, batch: 0, operations: 0.0))
    let training = try SingleProcessRun(
        directory: directory, configuration: configuration, dataPath: data, fresh: fresh,
        threads: threads,
        observer: SingleProcessRun.Observer(
            note: { progress.log($0) }, warning: { progress.log("warning: \($0)") },
            step: { metrics in
                let start = first ?? metrics.step - 1
                first = start
                let (final, batch, operations) = target.withLock { $0 }
                let seconds = (ContinuousClock.now - begun) / .seconds(1)
                let rate = Double((metrics.step - start) * batch) / seconds
                progress.update(
                    TrainingProgress(
                        step: metrics.step, finalStep: final, batchSize: batch, loss: metrics.loss,
                        samplesPerSecond: rate, gflopsPerSecond: rate * operations / 1e9
                    ).text)
            }))
    let replica = training.replica
    let final = min(stopAfter ?? replica.configuration.steps, replica.configuration.steps)
    target.withLock { $0 = (final, replica.configuration.batchSize, replica.operationsPerSample) }
    let ending = try training.run(stopAfter: stopAfter.map(UInt64.init)) { request.isMade }
    progress.finish()
    switch ending {
    case .finished, .stopped:
        Log().info(
            "\(ending) at step \(replica.step); look at it with: purkinje status \(directory.path.shellWord)"
        )
        return .success
    case .interrupted:
        Log().info("saved at step \(replica.step); go on with the same command")
        return .interrupted
    }
}
