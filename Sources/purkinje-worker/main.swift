import Cluster
import Collectives
import CommandLineInterface
import Configurations
import Electrocardiography
import LinearAlgebra
import Runs
import Runtime
import Training
import Transport

private let run = Option(
    required: "run", .directory, help: "The run directory, which says everything else.")
private let coordinator = Option(
    "coordinator", .text.named("HOST:PORT"), otherwise: "what the run directory says",
    help: "Where the coordinator listens.")
private let data = Option(
    "data", .file, otherwise: "what the run directory says",
    help: "The prepared data set on this machine.")
private let threads = Option(
    "threads", .count, default: 1, help: "Compute threads; any number gives the same bits.")
private let bind = Option(
    "bind", .text.named("HOST"), otherwise: "the address that reaches the coordinator",
    help: "The interface for data connections from other workers.")
private let advertise = Option(
    "advertise", .text.named("HOST"), otherwise: "the address that the coordinator sees",
    help: "The host that other workers connect to.")
private let port = Option(
    "port", .integer(0...65_535), default: 0,
    help: "The port for data connections; 0 lets the kernel choose.")
private let patience = Option(
    "coordinator-patience", .duration, default: .seconds(600),
    help: "How long to look for a coordinator that is lost before ending with code 4.")
private let untilInputEnds = Flag(
    "until-input-ends",
    help: "Take the end of standard input for SIGTERM, for launchers that hold its other end.")
private let signsOfLife = Option(
    "signs-of-life", .duration, otherwise: "none",
    help:
        "Write a byte to standard output this often, for launchers that look whether it is frozen.")

private let work = Command(
    "", summary: "computes its part of every step",
    discussion: """
        Joins a run at any time: a late worker takes the state over from the others. SIGINT or SIGTERM let it finish \
        the step and leave; the run goes on without it. Another one, a second or more later, ends it at once, which the \
        run survives too.
        """,
    parameters: [
        run, coordinator, data, threads, bind, advertise, port, patience, untilInputEnds,
        signsOfLife,
    ],
    example: "purkinje-worker --run runs/first --threads 2"
) { given in
    if let interval = given[signsOfLife] { try SignsOfLife.begin(every: interval) }
    let log = Log(prefix: "worker")
    let stop = try StopRequest.install(onFirst: { name in
        log.info("\(name): finishing the step and leaving; \(SignalRule.hint)")
    })
    if given[untilInputEnds] { try stop.followStandardInput() }
    if given[bind] == nil { try given.refuse([port], "without --bind") }
    let fixed = try given[coordinator].map { text throws(NetworkAddressError) in
        try NetworkAddress(parsing: text)
    }
    let directory = RunDirectory(path: given[run])
    guard let record = try record(of: directory, patience: given[patience], stop: stop, log: log)
    else { return .success }
    guard let path = given[data] ?? record.dataPath else {
        throw CommandError(.usage, "the run names no data set: give one with --data")
    }
    let dataset = try PreparedDataset(
        path: path, damageCode: .inputDamaged)
    let configuration = record.configuration
    MatrixProduct.useOneThread()
    var options = WorkerOptions(
        directory: directory, runID: "\(record.id)",
        configurationDigest: configuration.digest(dataset: dataset.digest),
        configuration: configuration.resolved, datasetDigest: dataset.digest,
        matrixLibrary: MatrixProduct.libraryDescription, kernel: MatrixProduct.kernelName,
        threads: given[threads])
    options.coordinator = fixed
    options.holdsBeginning = configuration.initialWeights == nil
    options.coordinatorPatience = given[patience]
    options.advertisedHost = given[advertise]
    if let host = given[bind] {
        options.listen = NetworkAddress(host: host, port: UInt16(given[port]))
    }
    options.compression = configuration.exchange.compression
    let driver = try WorkerDriver(options, log: log) {
        try TrainingReplica(
            configuration: configuration, dataset: dataset, threads: given[threads])
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

Program(name: "purkinje-worker", summary: "a worker of a run", commands: [work]) { error in
    switch error {
    case RunError.differs: .refused
    // One that cannot be opened may come back with its disk; one that is damaged does not.
    case let error as PreparedDatasetError where error.field != "file": .inputDamaged
    case is NetworkAddressError, RunError.configuration: .usage
    default: .failure
    }
}.main()
