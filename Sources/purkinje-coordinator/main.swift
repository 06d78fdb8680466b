import Checkpoints
import Cluster
import CommandLineInterface
import Configurations
import Launching
import Runs
import Runtime
import Transport

private let coordinate = Command(
    "", summary: "decides who computes what, and what is committed; carries no tensors",
    discussion: """
        Starts or goes on with the run in a shared directory. Workers find it through the directory. A coordinator \
        that dies may simply be started again: the workers wait for it, and the step in hand goes on. SIGINT or SIGTERM \
        finish the step, write a checkpoint and exit with code 130; another one, a second or more later, ends at once.
        """,
    parameters: CoordinatorFlags.all, example: "purkinje-coordinator --run runs/first --workers 2"
) { given in
    let flags = try CoordinatorFlags(given)
    try flags.child.begin()
    let stop = try StopRequest.install()
    try flags.child.follow(by: stop)
    let directory = RunDirectory(path: flags.run)
    if let objection = directory.objection { throw CommandError(.usage, "--run \(objection)") }
    let wanted = try flags.configuration.map { path throws(ConfigurationError) in
        try Configuration(path: path, overrides: flags.overrides)
    }
    let record = try directory.open(
        configuration: wanted, dataPath: flags.data, dataDigest: nil, fresh: flags.isFresh)
    let options = CoordinatorOptions(flags, directory: directory, record: record)
    let progress = ProgressLine()
    let observer = CoordinatorObserver(
        options, progress: flags.hidesProgress ? nil : progress, onEnd: { stop.settle($0) })
    let driver = try CoordinatorDriver(options, observer: observer)
    let stopper = driver.stopper
    stop.onRequest { stopper(stop.reason) }
    let outcome = try driver.run()
    progress.finish()
    return ExitCode(rawValue: outcome.exitCode) ?? .failure
}

extension CoordinatorOptions {
    /// What the command line says of a run.
    fileprivate init(_ flags: CoordinatorFlags, directory: RunDirectory, record: RunRecord) {
        self.init(directory: directory, record: record)
        settings.workers = flags.workers
        settings.minimumWorkers = flags.minimumWorkers ?? max(1, flags.workers / 2)
        settings.stopStep = flags.stopStep.map(UInt64.init)
        settings.failureTimeout = flags.failureTimeout
        settings.joinWindow = flags.joinWindow
        settings.waitForWorkers = flags.waitForWorkers
        settings.resumeCommand = "purkinje resume \(directory.path.shellWord)"
        settings.digestEvery = UInt64(flags.digestEvery)
        listen = NetworkAddress(host: flags.bind, port: UInt16(flags.port))
        advertisedHost = flags.advertise
        allowsMixedKernels = flags.allowsMixedKernels
        allowsMixedBuilds = flags.allowsMixedBuilds
    }
}

extension CoordinatorObserver {
    /// Shows steps as a progress line, and events above it; the last event says what the process exits with.
    fileprivate init(
        _ options: CoordinatorOptions, progress: ProgressLine?,
        onEnd: @escaping @Sendable (ExitCode) -> Void
    ) {
        let log = Log(prefix: "coordinator")
        let batchSize = options.record.configuration.batchSize
        let final = Int(options.settings.lastStep)
        self.init(
            onStep: { metrics in
                progress?.update(
                    TrainingProgress(
                        step: metrics.step, finalStep: final, batchSize: batchSize,
                        loss: metrics.loss, samplesPerSecond: metrics.samplesPerSecond,
                        workers: metrics.worldSize
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
