import Cluster
import CommandLineInterface
import Configurations
import Electrocardiography
import Launching
import LinearAlgebra
import Runs
import Runtime
import Training
import Transport

private let work = Command(
    "", summary: "computes its part of every step",
    discussion: """
        Joins a run at any time: a late worker takes the state over from the others. SIGINT or SIGTERM let it finish \
        the step and leave; the run goes on without it. Another one, a second or more later, ends it at once, which the \
        run survives too.
        """,
    parameters: WorkerFlags.all, example: "purkinje-worker --run runs/first --threads 2"
) { given in
    let flags = try WorkerFlags(given)
    try flags.child.begin()
    let log = Log(prefix: "worker")
    let stop = try StopRequest.install(onFirst: { name in
        log.info("\(name): finishing the step and leaving; \(SignalRule.hint)")
    })
    try flags.child.follow(by: stop)
    let fixed = try flags.coordinator.map { text throws(NetworkAddressError) in
        try NetworkAddress(parsing: text)
    }
    let directory = RunDirectory(path: flags.run)
    guard
        let record = try record(
            of: directory, patience: flags.coordinatorPatience, stop: stop, log: log)
    else { return .success }
    guard let path = flags.data ?? record.dataPath else {
        throw CommandError(.usage, "the run names no data set: give one with --data")
    }
    let dataset = try PreparedDataset(path: path, damageCode: .inputDamaged)
    let configuration = record.configuration
    configuration.pinMatrixKernel()
    MatrixProduct.useOneThread()
    var options = WorkerOptions(
        directory: directory, runID: "\(record.id)",
        configurationDigest: configuration.digest(dataset: dataset.digest),
        configuration: configuration.resolved, datasetDigest: dataset.digest,
        matrixLibrary: MatrixProduct.libraryDescription, kernel: MatrixProduct.kernelName,
        threads: flags.threads)
    options.coordinator = fixed
    options.holdsBeginning = configuration.initialWeights == nil
    options.coordinatorPatience = flags.coordinatorPatience
    options.advertisedHost = flags.advertise
    options.listen = flags.bind.map { NetworkAddress(host: $0, port: UInt16(flags.port)) }
    options.exchange = RingConnector(compression: configuration.exchange.compression)
    let driver = try WorkerDriver(options, log: log) {
        let replica = try TrainingReplica(
            configuration: configuration, dataset: dataset, threads: flags.threads)
        if let note = replica.cropNote { log.info(note) }
        return replica
    }
    stop.onRequest(driver.leaver)
    let outcome = try driver.run()
    if outcome.exitCode == ExitCode.success.rawValue {
        log.info(outcome.message)
    } else {
        log.error(outcome.message)
    }
    return ExitCode(rawValue: outcome.exitCode) ?? .failure
}

/// What the run directory says, once a coordinator has written it; `nil` when this process is asked to end before.
private func record(
    of directory: RunDirectory, patience: Duration, stop: StopRequest, log: Log
) throws -> RunRecord? {
    let deadline = ContinuousClock.now + patience
    var isFirst = true
    while !directory.holdsRun {
        guard ContinuousClock.now < deadline else {
            throw CommandError(
                .coordinatorLost,
                "\(directory.path) holds no run after \(durationText(patience)): start the coordinator "
                    + "with this directory, or look whether it is shared")
        }
        if isFirst { log.info("waiting for a run in \(directory.path)") }
        isFirst = false
        if stop.wait(timeout: .milliseconds(100)) { return nil }
    }
    return try directory.read()
}

MatrixProduct.restartWithFittingKernel()
Program(name: "purkinje-worker", summary: "a worker of a run", commands: [work]) { error in
    switch error {
    case RunError.differs: .refused
    // One that cannot be opened may come back with its disk; one that is damaged does not.
    case let error as PreparedDatasetError where error.field != "file": .inputDamaged
    case is NetworkAddressError, RunError.configuration: .usage
    default: .failure
    }
}.main()
