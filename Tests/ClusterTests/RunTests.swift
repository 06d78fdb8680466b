import Checkpoints
import Collectives
import Configurations
import Foundation
import Runs
import Runtime
import TestSupport
import Testing
import Transport

@testable import Cluster

/// A coordinator and workers of one run, in threads of this process, over real connections.
final class ToyCluster: Sendable {
    let directory: RunDirectory
    let record: RunRecord
    let steps: UInt64
    let ballastBytes: Int
    let secondsPerShard: Double
    let gathersEmbeddings: Bool
    let dataset = SHA256.digest(of: "data".utf8)
    let outcomes = Monitor<[String: Result<Outcome, CheckpointFailure>]>([:])
    let events = Monitor<[RunEvent]>([])
    let committed = Monitor(0)

    init(
        steps: UInt64 = 12, ballastBytes: Int = 0, secondsPerShard: Double = 0,
        gathersEmbeddings: Bool = false, files: any FileSystem = SystemFiles()
    ) throws {
        self.gathersEmbeddings = gathersEmbeddings
        self.steps = steps
        self.ballastBytes = ballastBytes
        self.secondsPerShard = secondsPerShard
        let path = NSTemporaryDirectory() + "purkinje-cluster-\(UUID().uuidString)"
        directory = RunDirectory(path: FilePath(path), in: files)
        let configuration = try Configuration([
            "method": "st-mem", "batchSize": 12, "logicalShards": 6,
            "steps": .integer(Int64(steps)),
            "optimizer": ["learningRate": 0.001, "warmupSteps": 1],
            "checkpoint": ["everySteps": 5, "keep": 2],
        ])
        record = RunRecord(
            id: .random(), configuration: configuration, version: Software.version, dataPath: nil,
            dataDigest: nil)
        try directory.create()
        try directory.write(record)
    }

    deinit { try? directory.files.removeAll(directory.path) }

    func coordinator(workers: Int, stop: UInt64? = nil, minimum: Int = 1) throws
        -> CoordinatorDriver
    {
        var options = CoordinatorOptions(directory: directory, record: record)
        options.settings.workers = workers
        options.settings.minimumWorkers = minimum
        options.settings.stopStep = stop
        options.settings.digestEvery = 1
        options.settings.joinWindow = .milliseconds(20)
        options.settings.waitForWorkers = .seconds(60)
        let (events, committed) = (events, committed)
        let observer = CoordinatorObserver(
            onStep: { metrics in committed.update { $0 = metrics.step } },
            onEvent: { event in events.update { $0.append(event) } })
        return try CoordinatorDriver(options, observer: observer, log: Log(prefix: "test"))
    }

    /// Runs a coordinator on a thread of its own.
    func start(_ name: String, _ driver: CoordinatorDriver) throws {
        try start(name) { try driver.run() }
    }

    /// A body that is let go, with the driver and the locks that it holds, before its outcome shows.
    ///
    /// `@unchecked Sendable`: the one thread that it is handed to uses it.
    private final class Work: @unchecked Sendable {
        private var body: (() throws -> Outcome)?

        init(_ body: @escaping () throws -> Outcome) { self.body = body }

        func finish() -> Result<Outcome, CheckpointFailure> {
            defer { body = nil }
            return Result { try body?() ?? Outcome(exitCode: 1, message: "run twice") }
                .mapError { CheckpointFailure("\($0)") }
        }
    }

    private func start(_ name: String, _ body: @escaping () throws -> Outcome) throws {
        let outcomes = outcomes
        let work = Work(body)
        _ = try NamedThread(name) {
            let result = work.finish()
            outcomes.update { $0[name] = result }
        }
    }

    @discardableResult
    func startWorker(
        _ name: String, kernel: String = "toy", patience: Duration = .seconds(60),
        exchange: (any ExchangeConnector)? = nil,
        afterEmbeddings: @escaping @Sendable (_ step: UInt64) -> Void = { _ in }
    ) throws -> WorkerDriver {
        var options = WorkerOptions(
            directory: directory, runID: "\(record.id)",
            configurationDigest: record.configuration.digest(dataset: dataset),
            configuration: record.configuration.resolved, datasetDigest: dataset,
            matrixLibrary: "none", kernel: kernel, threads: 1)
        options.coordinatorPatience = patience
        if let exchange { options.exchange = exchange }
        let (steps, ballast, seconds) = (steps, ballastBytes, secondsPerShard)
        let gathersEmbeddings = gathersEmbeddings
        let driver = try WorkerDriver(options, log: Log(prefix: name)) {
            let replica = ToyReplica(
                steps: steps, ballastBytes: ballast, secondsPerShard: seconds,
                gathersEmbeddings: gathersEmbeddings)
            replica.afterEmbeddings = { [unowned replica] in afterEmbeddings(replica.step) }
            return replica
        }
        try start(name) { try driver.run() }
        return driver
    }

    func outcome(of name: String, seconds: Int = 60) -> Outcome? {
        let result = outcomes.wait(
            timeout: .seconds(seconds), until: { $0[name] != nil }, then: { $0[name] })
        switch result ?? nil {
        case .success(let outcome): return outcome
        case .failure(let failure):
            Issue.record("\(name) threw \(failure)")
            return nil
        case nil:
            Issue.record("\(name) did not end; events: \(events.withLock { $0.map(\.message) })")
            return nil
        }
    }

    func waitForStep(_ step: Int) {
        _ = committed.wait(timeout: .seconds(60), until: { $0 >= step }, then: { _ in })
    }

    func eventKinds() -> [RunEvent.Kind] { events.withLock { $0.map(\.kind) } }

    /// Digest of the newest whole checkpoint.
    func digest() throws -> String {
        let store = directory.checkpoints
        let newest = try store.newestWhole { _, _ in }
        return newest.map { "\($0.manifest.stateDigest) step=\($0.name.step)" } ?? "none"
    }

    /// What an undisturbed process computes.
    func expected(_ step: UInt64) throws -> String {
        let replica = ToyReplica(
            steps: steps, ballastBytes: ballastBytes, gathersEmbeddings: gathersEmbeddings)
        let (runner, alone) = (StepRunner(replica), SingleProcessExchange())
        while replica.step < step { _ = try runner.step(Array(0..<6), over: alone) }
        return "\(StateDigest.digest(of: replica.state)) step=\(step)"
    }

    func metricsSteps() throws -> [Int] {
        try directory.files.contents(of: directory.metricsPath).split(separator: 0x0A)
            .compactMap { line in
                let value = try JSONValue(parsing: line)
                return value["loss"] == nil ? nil : value["step"]?.integerValue
            }
    }
}

extension WorkerDriver {
    /// Ends as a process that is killed: its connections close and nobody is told why.
    func crash() {
        let connection = core.shared.withLock { $0.connection }
        core.end(Outcome(exitCode: 137, message: "killed"))
        connection?.shutDown()
    }
}

@Suite(.serialized) struct RunTests {
    @Test(arguments: [1, 2, 3, 5])
    func endsWithTheBitsOfOneProcess(workers: Int) throws {
        let cluster = try ToyCluster()
        try cluster.start("coordinator", cluster.coordinator(workers: workers))
        for number in 1...workers { try cluster.startWorker("worker \(number)") }
        #expect(cluster.outcome(of: "coordinator")?.exitCode == 0)
        for number in 1...workers {
            #expect(cluster.outcome(of: "worker \(number)")?.exitCode == 0)
        }
        #expect(try cluster.digest() == cluster.expected(12))
        #expect(try cluster.metricsSteps() == Array(1...12))
        #expect(try CoordinatorAddress.read(from: cluster.directory) == nil)
    }

    @Test func aDiskThatHangsHoldsCheckpointsUpAndNoStep() throws {
        let files = MemoryFileSystem()
        let cluster = try ToyCluster(steps: 40, files: files)
        files.inject(.hang, atNext: { $0.hasPrefix("fsync") && $0.contains("state-00001-of") })
        try cluster.start("coordinator", cluster.coordinator(workers: 2))
        for number in 1...2 { try cluster.startWorker("worker \(number)") }
        #expect(files.waitUntilSomethingHangs(timeout: .seconds(60)))
        cluster.waitForStep(20)
        #expect(cluster.committed.withLock { $0 } >= 20)
        #expect(try cluster.directory.checkpoints.list().isEmpty)
        files.mend()
        #expect(cluster.outcome(of: "coordinator")?.exitCode == 0)
        #expect(try cluster.digest() == cluster.expected(40))
        #expect(try cluster.metricsSteps() == Array(1...40))
    }

    /// Journal, metrics and events wait for room; only checkpoints are missing until there is some.
    @Test func aFullDiskStopsNoStep() throws {
        let files = MemoryFileSystem()
        let cluster = try ToyCluster(steps: 10_000, secondsPerShard: 0.002, files: files)
        let driver = try cluster.coordinator(workers: 2)
        let stop = driver.stopper
        try cluster.start("coordinator", driver)
        for number in 1...2 { try cluster.startWorker("worker \(number)") }
        cluster.waitForStep(6)
        files.inject(.fullDisk, atNext: { $0.hasPrefix("write") && $0.contains("journal-t1") })
        cluster.waitForStep(20)
        #expect(cluster.committed.withLock { $0 } >= 20)
        files.mend()
        stop(nil)
        #expect(cluster.outcome(of: "coordinator")?.exitCode == 130)
        let last = try #require(cluster.metricsSteps().last)
        #expect(try cluster.digest() == cluster.expected(UInt64(last)))
        #expect(try cluster.metricsSteps() == Array(1...last))
        let path = cluster.directory.journalPath(term: 1)
        let steps = try Journal.records(at: path, in: files).0.compactMap { record in
            if case .commit(let step, _) = record { Int(step) } else { nil }
        }
        #expect(steps == Array(0..<last))
    }

    @Test func aWorkerForWhichThereIsNoThreadComesAgain() throws {
        let cluster = try ToyCluster()
        let driver = try cluster.coordinator(workers: 2)
        let refusals = Locked(3)
        driver.startThread = { (name, stackBytes, body) throws(SystemError) in
            let isRefused = refusals.withLock { left in
                left -= 1
                return left >= 0
            }
            if isRefused { throw SystemError(call: "pthread_create", subject: name, code: EAGAIN) }
            try startSystemThread(name, stackBytes, body)
        }
        try cluster.start("coordinator", driver)
        for number in 1...2 { try cluster.startWorker("worker \(number)") }
        #expect(cluster.outcome(of: "coordinator")?.exitCode == 0)
        #expect(refusals.withLock { $0 } < 0)
        #expect(try cluster.digest() == cluster.expected(12))
    }

    @Test func aWorkerThatDiesInMidStepDoesNotEndTheRun() throws {
        let cluster = try ToyCluster(steps: 30, secondsPerShard: 0.01)
        try cluster.start("coordinator", cluster.coordinator(workers: 3))
        let drivers = try (1...3).map { try cluster.startWorker("worker \($0)") }
        cluster.waitForStep(6)
        drivers[1].crash()
        #expect(cluster.outcome(of: "coordinator")?.exitCode == 0)
        #expect(cluster.eventKinds().contains(.lost))
        #expect(try cluster.digest() == cluster.expected(30))
        #expect(try cluster.metricsSteps() == Array(1...30))
    }

    @Test(arguments: [1, 3])
    func rowsOfAllShardsReachEverybody(workers: Int) throws {
        let cluster = try ToyCluster(gathersEmbeddings: true)
        try cluster.start("coordinator", cluster.coordinator(workers: workers))
        for number in 1...workers { try cluster.startWorker("worker \(number)") }
        #expect(cluster.outcome(of: "coordinator")?.exitCode == 0)
        #expect(try cluster.digest() == cluster.expected(12))
    }

    @Test func aWorkerThatDiesBetweenTheTwoPhasesOfAGatheredStepIsReplaced() throws {
        let cluster = try ToyCluster(steps: 20, gathersEmbeddings: true)
        try cluster.start("coordinator", cluster.coordinator(workers: 3))
        let victim = Monitor<WorkerDriver?>(nil)
        for number in 1...2 { try cluster.startWorker("worker \(number)") }
        let driver = try cluster.startWorker("worker 3") { step in
            // Its embeddings are with everybody, its shards with nobody.
            guard step == 7 else { return }
            victim.wait(until: { $0 != nil }, then: { $0 })??.crash()
        }
        victim.update { $0 = driver }
        #expect(cluster.outcome(of: "coordinator")?.exitCode == 0)
        #expect(cluster.eventKinds().contains(.lost))
        victim.update { $0 = nil }
        #expect(try cluster.digest() == cluster.expected(20))
        #expect(try cluster.metricsSteps() == Array(1...20))
    }

    @Test func aLateWorkerTakesOverTheStateInPieces() throws {
        let cluster = try ToyCluster(steps: 100, ballastBytes: 9_000_000, secondsPerShard: 0.005)
        try cluster.start("coordinator", cluster.coordinator(workers: 2))
        for number in 1...2 { try cluster.startWorker("worker \(number)") }
        cluster.waitForStep(3)
        try cluster.startWorker("late")
        #expect(cluster.outcome(of: "coordinator", seconds: 120)?.exitCode == 0)
        #expect(cluster.outcome(of: "late")?.exitCode == 0)
        let sizes = cluster.events.withLock { events in
            events.filter { $0.kind == .generation }.map {
                $0.details["workers"]?.arrayValue?.count
            }
        }
        #expect(sizes.contains(3))
        #expect(try cluster.digest() == cluster.expected(100))
    }

    @Test func aSuccessorOfTheCoordinatorGoesOnWithTheSameStep() throws {
        let cluster = try ToyCluster(steps: 40, secondsPerShard: 0.01)
        try cluster.start("first", cluster.coordinator(workers: 2))
        for number in 1...2 { try cluster.startWorker("worker \(number)") }
        cluster.waitForStep(4)
        // What a second coordinator does first; the one that works sees it within a second.
        try AtomicFile.write("", to: cluster.directory.termPath(term: 2))
        _ = cluster.outcomes.wait(
            timeout: .seconds(30), until: { $0["first"] != nil }, then: { _ in })
        try cluster.start("second", cluster.coordinator(workers: 2))
        #expect(cluster.outcome(of: "second")?.exitCode == 0)
        #expect(!cluster.eventKinds().contains(.rewind))
        #expect(try cluster.digest() == cluster.expected(40))
        #expect(try cluster.metricsSteps() == Array(1...40))
    }

    @Test func aStoppedRunIsGoneOnWithByAnotherNumberOfWorkers() throws {
        let cluster = try ToyCluster(steps: 20)
        try cluster.start("first", cluster.coordinator(workers: 3, stop: 8))
        for number in 1...3 { try cluster.startWorker("worker \(number)") }
        #expect(cluster.outcome(of: "first")?.exitCode == 0)
        for number in 1...3 { _ = cluster.outcome(of: "worker \(number)") }
        #expect(try cluster.digest() == cluster.expected(8))
        try cluster.start("second", cluster.coordinator(workers: 2))
        for number in 4...5 { try cluster.startWorker("worker \(number)") }
        #expect(cluster.outcome(of: "second")?.exitCode == 0)
        #expect(try cluster.digest() == cluster.expected(20))
        #expect(try cluster.metricsSteps() == Array(1...20))
    }

    @Test func aStopRequestSavesAndEndsWith130() throws {
        let cluster = try ToyCluster(steps: 10_000, secondsPerShard: 0.002)
        let driver = try cluster.coordinator(workers: 2)
        let stop = driver.stopper
        try cluster.start("coordinator", driver)
        for number in 1...2 { try cluster.startWorker("worker \(number)") }
        cluster.waitForStep(4)
        stop(nil)
        #expect(cluster.outcome(of: "coordinator")?.exitCode == 130)
        #expect(cluster.outcome(of: "worker 1")?.exitCode == 0)
        let step = try #require(cluster.metricsSteps().last)
        #expect(try cluster.digest() == cluster.expected(UInt64(step)))
    }

    @Test func anEndForAReasonSavesAndIsAFailureThatNamesIt() throws {
        let cluster = try ToyCluster(steps: 10_000, secondsPerShard: 0.002)
        let driver = try cluster.coordinator(workers: 2)
        let stop = driver.stopper
        try cluster.start("coordinator", driver)
        for number in 1...2 { try cluster.startWorker("worker \(number)") }
        cluster.waitForStep(4)
        stop("the data set is damaged")
        let outcome = cluster.outcome(of: "coordinator")
        let step = try #require(cluster.metricsSteps().last)
        #expect(outcome?.exitCode == 1)
        #expect(
            outcome?.message.hasPrefix("the data set is damaged; ended after step \(step); saved")
                == true)
        #expect(try cluster.digest() == cluster.expected(UInt64(step)))
        let last = try cluster.directory.lastEvents(1).last?["message"]?.stringValue
        #expect(last == outcome?.message)
    }

    @Test func aWorkerThatLeavesIsNotMissed() throws {
        let cluster = try ToyCluster(steps: 30, secondsPerShard: 0.004)
        try cluster.start("coordinator", cluster.coordinator(workers: 2))
        let drivers = try (1...2).map { try cluster.startWorker("worker \($0)") }
        cluster.waitForStep(4)
        drivers[0].leaver()
        #expect(cluster.outcome(of: "worker 1")?.exitCode == 0)
        #expect(cluster.outcome(of: "coordinator")?.exitCode == 0)
        #expect(cluster.eventKinds().contains(.left))
        #expect(try cluster.digest() == cluster.expected(30))
    }

    @Test func anotherKernelIsRefusedWithAdvice() throws {
        let cluster = try ToyCluster(steps: 2_000, secondsPerShard: 0.002)
        let driver = try cluster.coordinator(workers: 1)
        let stop = driver.stopper
        try cluster.start("coordinator", driver)
        try cluster.startWorker("worker 1")
        cluster.waitForStep(2)
        try cluster.startWorker("stranger", kernel: "other")
        let refused = cluster.outcome(of: "stranger")
        #expect(refused?.exitCode == 3)
        #expect(refused?.message.contains("OPENBLAS_CORETYPE") == true)
        stop(nil)
        #expect(cluster.outcome(of: "coordinator")?.exitCode == 130)
    }

    @Test(arguments: [true, false]) func aWorkerThatLeavesDoesNotWaitForALostCoordinator(
        wasAskedBefore: Bool
    ) throws {
        let cluster = try ToyCluster(steps: 10_000, secondsPerShard: 0.002)
        try cluster.start("coordinator", cluster.coordinator(workers: 2, minimum: 2))
        let drivers = try (1...2).map {
            try cluster.startWorker("worker \($0)", patience: .seconds(3_600))
        }
        cluster.waitForStep(4)
        let leave = { for driver in drivers { driver.leaver() } }
        let loseCoordinator = {
            // What a second coordinator does first; the one that works sees it within a second.
            try AtomicFile.write("", to: cluster.directory.termPath(term: 2))
            _ = cluster.outcomes.wait(
                timeout: .seconds(30), until: { $0["coordinator"] != nil }, then: { _ in })
        }
        if wasAskedBefore { leave() }
        try loseCoordinator()
        if !wasAskedBefore { leave() }
        for number in 1...2 { #expect(cluster.outcome(of: "worker \(number)")?.exitCode == 0) }
    }

    @Test func aWorkerWithoutCoordinatorGivesUpAfterItsPatience() throws {
        let cluster = try ToyCluster()
        try cluster.startWorker("worker 1", patience: .milliseconds(300))
        #expect(cluster.outcome(of: "worker 1")?.exitCode == 4)
    }
}
