import Checkpoints
import Cluster
import CommandLineInterface
import Configurations
import Runs
import Runtime
import Transport

private let run = Option(
    required: "run", .directory, help: "The run directory, which all workers see.")
private let configuration = Option(
    "config", .file, otherwise: "what the run directory says", help: "The configuration.")
private let data = Option(
    "data", .file, otherwise: "what the run directory says",
    help: "The prepared data set, as the workers find it.")
private let set = Option(
    repeated: "set", .text.named("KEY=VALUE"), help: "Override one value of the configuration.")
private let fresh = Flag("fresh", help: "Begin a new run; refuse a directory that is not empty.")
private let workers = Option(
    "workers", .count, default: 1, help: "Workers to wait for before the first step.")
private let minimum = Option(
    "min-workers", .count, otherwise: "half of --workers",
    help: "With fewer the run pauses, and ends with code 5 after --wait-for-workers.")
private let steps = Option(
    "steps", .count, otherwise: "the configuration's steps",
    help: "Stop after this step with a checkpoint; the schedule stays as it is.")
private let port = Option(
    "port", .integer(0...65_535), default: 0, help: "Where to listen; 0 lets the kernel choose.")
private let bind = Option(
    "bind", .text.named("HOST"), default: "127.0.0.1", help: "The interface to listen on.")
private let advertise = Option(
    "advertise", .text.named("HOST"), otherwise: "--bind", help: "The host that workers connect to."
)
private let insecure = Flag(
    "insecure", help: "Listen beyond this machine although nothing is encrypted.")
private let failureTimeout = Option(
    "failure-timeout", .duration, default: .seconds(2),
    help: "A process that is silent for this long is dead; other intervals follow from it.")
private let joinWindow = Option(
    "join-window", .duration, default: .seconds(1),
    help: "How long late workers are collected, so that many cost one pause.")
private let waitForWorkers = Option(
    "wait-for-workers", .duration, default: .seconds(300),
    help: "How long a start or a pause waits for workers.")
private let digestEvery = Option(
    "digest-every", .integer(0...), default: 50,
    help: "Steps from one comparison of the workers' states to the next; 0 compares none.")
private let mixedKernels = Flag(
    "allow-mixed-kernels", help: "Let workers with other matrix kernels in.")
private let mixedBuilds = Flag(
    "allow-mixed-builds",
    help: "Let workers in that were built from other sources of the same release.")
private let noProgress = Flag(
    "no-progress", help: "Show no progress line, for launchers that show their own.")
private let untilInputEnds = Flag(
    "until-input-ends",
    help:
        "Take the end of standard input for SIGTERM, for launchers that hold its other end; text before it is why the run cannot go on."
)
private let signsOfLife = Option(
    "signs-of-life", .duration, otherwise: "none",
    help:
        "Write a byte to standard output this often, for launchers that look whether it is frozen.")

private let coordinate = Command(
    "", summary: "decides who computes what, and what is committed; carries no tensors",
    discussion: """
        Starts or goes on with the run in a shared directory. Workers find it through the directory. A coordinator \
        that dies may simply be started again: the workers wait for it, and the step in hand goes on. SIGINT or SIGTERM \
        finish the step, write a checkpoint and exit with code 130; another one, a second or more later, ends at once.
        """,
    parameters: [
        run, configuration, data, set, fresh, workers, minimum, steps, port, bind, advertise,
        insecure, failureTimeout, joinWindow, waitForWorkers, digestEvery, mixedKernels,
        mixedBuilds,
        noProgress,
        untilInputEnds, signsOfLife,
    ],
    example: "purkinje-coordinator --run runs/first --workers 2"
) { given in
    if let interval = given[signsOfLife] { try SignsOfLife.begin(every: interval) }
    let isLocal = ["127.0.0.1", "::1", "localhost"].contains(given[bind])
    guard isLocal || given[insecure] else {
        throw CommandError(
            .usage,
            "--bind \(given[bind]) is open to others and nothing is encrypted: "
                + "say --insecure where the network is trusted")
    }
    guard given[advertise] != nil || !["0.0.0.0", "::"].contains(given[bind]) else {
        throw CommandError(
            .usage,
            "--bind \(given[bind]) names no address that workers could connect to: "
                + "give one with --advertise")
    }
    if given[configuration] == nil { try given.refuse([set], "without --config") }
    let stop = try StopRequest.install()
    if given[untilInputEnds] { try stop.followStandardInput() }
    let directory = RunDirectory(path: given[run])
    if let objection = directory.objection { throw CommandError(.usage, "--run \(objection)") }
    let wanted = try given[configuration].map { path throws(ConfigurationError) in
        try Configuration(path: path, overrides: given[set])
    }
    let record = try directory.open(
        configuration: wanted, dataPath: given[data], dataDigest: nil, fresh: given[fresh])
    var options = CoordinatorOptions(directory: directory, record: record)
    options.settings.workers = given[workers]
    options.settings.minimumWorkers = given[minimum] ?? max(1, given[workers] / 2)
    options.settings.stopStep = given[steps].map(UInt64.init)
    options.settings.failureTimeout = given[failureTimeout]
    options.settings.joinWindow = given[joinWindow]
    options.settings.waitForWorkers = given[waitForWorkers]
    options.settings.digestEvery = UInt64(given[digestEvery])
    options.listen = NetworkAddress(host: given[bind], port: UInt16(given[port]))
    options.advertisedHost = given[advertise]
    options.allowsMixedKernels = given[mixedKernels]
    options.allowsMixedBuilds = given[mixedBuilds]
    let progress = ProgressLine()
    let observer = observer(options, progress: given[noProgress] ? nil : progress) { code in
        stop.settle(code)
    }
    let driver = try CoordinatorDriver(options, observer: observer)
    let stopper = driver.stopper
    stop.onRequest { stopper(stop.reason) }
    let outcome = try driver.run()
    progress.finish()
    return ExitCode(rawValue: outcome.exitCode) ?? .failure
}

/// Shows steps as a progress line, and events above it; the last event says what the process exits with.
private func observer(
    _ options: CoordinatorOptions, progress: ProgressLine?,
    onEnd: @escaping @Sendable (ExitCode) -> Void
) -> CoordinatorObserver {
    let log = Log(prefix: "coordinator")
    let batchSize = options.record.configuration.batchSize
    let final = Int(options.settings.lastStep)
    return CoordinatorObserver(
        onStep: { metrics in
            progress?.update(
                TrainingProgress(
                    step: metrics.step, finalStep: final, batchSize: batchSize, loss: metrics.loss,
                    samplesPerSecond: metrics.samplesPerSecond, workers: metrics.worldSize
                ).text)
        },
        onEvent: { event in
            if event.kind == .ended, let number = event.details["exit_code"]?.integerValue {
                onEnd(ExitCode(rawValue: Int32(number)) ?? .failure)
            }
            let isFault = [.warning, .lost, .paused, .rewind].contains(event.kind)
            let text = (isFault ? "warning: " : "") + event.message
            if let progress { progress.log("coordinator: \(text)") } else { log.info(text) }
        })
}

Program(
    name: "purkinje-coordinator", summary: "the coordinator of a run", commands: [coordinate]
) { error in
    switch error {
    case is ConfigurationError, RunError.configuration, RunError.occupied: .usage
    case RunError.differs, CheckpointError.differs: .refused
    default: .failure
    }
}.main()
