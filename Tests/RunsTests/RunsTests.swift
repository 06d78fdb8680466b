import Configurations
import Foundation
import Runs
import Runtime
import Testing

/// A run directory of its own for a test, removed with it.
final class TemporaryRun {
    let directory: RunDirectory

    init() {
        directory = RunDirectory(
            path: FilePath(FileManager.default.temporaryDirectory.path + "/runs-\(UUID())/a/b"))
    }

    deinit {
        let root = URL(filePath: directory.path.text).deletingLastPathComponent()
            .deletingLastPathComponent()
        try? FileManager.default.removeItem(at: root)
    }
}

private func metrics(_ step: Int, loss: Double = 0.5) -> StepMetrics {
    StepMetrics(
        step: step, loss: loss, learningRate: 1e-3, samplesPerSecond: 20, worldSize: 2,
        recomputed: false,
        seconds: .init(compute: 1, wait: 0.5, exchange: .nan, update: 0.25),
        details: ["gradient_norm": 3.5])
}

private func steps(_ directory: RunDirectory) throws -> [Int?] {
    try String(contentsOfFile: directory.metricsPath.text, encoding: .utf8)
        .split(separator: "\n")
        .map { try JSONValue(parsing: $0.utf8)["step"]?.integerValue }
}

@Suite struct RunDirectoryTests {
    @Test func aRecordReadsBack() throws {
        let run = TemporaryRun()
        try run.directory.create(fresh: true)
        #expect(!run.directory.holdsRun)
        let record = RunRecord(
            id: .random(), configuration: try Configuration(["method": "st-mem", "seed": 4]),
            version: "1.2.3", dataPath: "/data/set", dataDigest: SHA256.digest(of: [1]))
        try run.directory.write(record)
        let read = try run.directory.read()
        #expect(read.id == record.id)
        #expect(read.version == "1.2.3" && read.dataPath == "/data/set")
        #expect(read.dataDigest == record.dataDigest)
        #expect(read.configuration.differences(from: record.configuration).isEmpty)
    }

    @Test func theRecordServesAsAConfiguration() throws {
        let run = TemporaryRun()
        try run.directory.create()
        let configuration = try Configuration(["method": "st-mem", "steps": 7])
        try run.directory.write(
            RunRecord(
                id: .random(), configuration: configuration, version: "1", dataPath: nil,
                dataDigest: nil))
        #expect(try Configuration(path: run.directory.configurationPath).steps == 7)
        #expect(try run.directory.read().dataDigest == nil)
    }

    @Test func refusesWhatIsNoRun() throws {
        let run = TemporaryRun()
        #expect(throws: RunError.absent(path: run.directory.path)) { try run.directory.read() }
        let file = RunDirectory(path: #filePath)
        #expect(throws: RunError.self) { try file.create() }
        try run.directory.create()
        #expect(throws: RunError.occupied(path: run.directory.path)) {
            try run.directory.create(fresh: true)
        }
        try AtomicFile.write("{", to: run.directory.configurationPath)
        #expect(throws: RunError.self) { try run.directory.read() }
        try AtomicFile.write(#"{"method": "st-mem"}"#, to: run.directory.configurationPath)
        let error = #expect(throws: RunError.self) { try run.directory.read() }
        #expect(error?.description.contains("run.id") == true)
    }

    @Test func aRunIsBegunAndGoneOnWith() throws {
        let run = TemporaryRun()
        let given = try Configuration(["method": "st-mem", "seed": 4])
        let data = SHA256.digest(of: [1])
        #expect(throws: RunError.absent(path: run.directory.path)) {
            try run.directory.open(configuration: nil, dataPath: nil, dataDigest: nil)
        }
        #expect(!FileManager.default.fileExists(atPath: run.directory.path.text))
        let begun = try run.directory.open(
            configuration: given, dataPath: "/a", dataDigest: nil, fresh: true)
        #expect(begun.dataDigest == nil)
        let again = try run.directory.open(
            configuration: Configuration(given.resolved, overrides: ["checkpoint.keep=9"]),
            dataPath: "/b", dataDigest: data)
        #expect(again.id == begun.id && again.configuration.checkpoint.keep == 9)
        let resumed = try run.directory.open(
            configuration: nil, dataPath: nil, dataDigest: nil)
        #expect(resumed.dataPath == "/b" && resumed.dataDigest == data)
        #expect(resumed.configuration.checkpoint.keep == 9)
        #expect(throws: RunError.occupied(path: run.directory.path)) {
            try run.directory.open(
                configuration: given, dataPath: nil, dataDigest: nil, fresh: true)
        }
    }

    @Test func anotherRunIsRefused() throws {
        let run = TemporaryRun()
        let given = try Configuration(["method": "st-mem"])
        _ = try run.directory.open(
            configuration: given, dataPath: nil, dataDigest: SHA256.digest(of: [1]))
        let seed = #expect(throws: RunError.self) {
            try run.directory.open(
                configuration: Configuration(["method": "st-mem", "seed": 1]), dataPath: nil,
                dataDigest: nil)
        }
        #expect(seed?.description.contains("seed: 1 here, 0 there") == true)
        let data = #expect(throws: RunError.self) {
            try run.directory.open(
                configuration: given, dataPath: nil, dataDigest: SHA256.digest(of: [2]))
        }
        #expect(data?.description.contains("data set: ") == true)
    }

    @Test func aRunFromWeightsIsGoneOnWithItsOwnConfiguration() throws {
        let run = TemporaryRun()
        let weights = SHA256.digest(of: [7])
        let given = try Configuration(["method": "st-mem"])
        _ = try run.directory.open(
            configuration: Configuration(
                given.resolved, overrides: ["initialWeights=\"\(weights)\""]),
            dataPath: nil, dataDigest: nil)
        let again = try run.directory.open(
            configuration: given, dataPath: nil, dataDigest: nil)
        #expect(again.configuration.initialWeights == weights)
    }

    @Test func onlyOneHasTheLock() throws {
        let run = TemporaryRun()
        try run.directory.create()
        var first: RunLock? = try RunLock(run.directory)
        let holder = "process \(getpid()) on \(ProcessInfo.processInfo.hostName)"
        #expect(throws: RunError.inUse(path: run.directory.path, holder: holder)) {
            try RunLock(run.directory)
        }
        _ = consume first
        first = try RunLock(run.directory)
        #expect(first != nil)
    }

    @Test func identifiersAreRandomAndReadBack() throws {
        let id = RunID.random()
        #expect(id != RunID.random())
        #expect(RunID(hexadecimal: id.description) == id)
        #expect(RunID(id.bytes) == id)
        #expect(RunID(hexadecimal: "12") == nil && RunID([1, 2]) == nil)
    }

    @Test func theAddressComesAndGoes() throws {
        let run = TemporaryRun()
        try run.directory.create()
        #expect(try CoordinatorAddress.read(from: run.directory) == nil)
        let first = CoordinatorAddress(host: "::1", port: 4_000, term: 1, processID: 17)
        try first.write(to: run.directory)
        #expect(try CoordinatorAddress.read(from: run.directory) == first)
        let second = CoordinatorAddress(host: "::1", port: 4_001, term: 2, processID: 18)
        try second.write(to: run.directory)
        try first.remove(from: run.directory)
        #expect(try CoordinatorAddress.read(from: run.directory) == second)
        try second.remove(from: run.directory)
        #expect(try CoordinatorAddress.read(from: run.directory) == nil)
        try AtomicFile.write(#"{"host": "x", "port": 70000}"#, to: run.directory.coordinatorPath)
        #expect(throws: RunError.self) { try CoordinatorAddress.read(from: run.directory) }
    }
}

@Suite struct MetricsLogTests {
    @Test func linesHaveTheKeysOfTheContract() throws {
        let run = TemporaryRun()
        try run.directory.create()
        let log = try MetricsLog(run.directory, after: 0)
        try log.append(metrics(1, loss: .nan))
        try log.append(ValidationMetrics(step: 1, loss: 0.75))
        let text = try String(contentsOfFile: run.directory.metricsPath.text, encoding: .utf8)
        #expect(
            text == #"{"gradient_norm":3.5,"learning_rate":0.001,"loss":null,"recomputed":false,"#
                + #""samples_per_second":20,"seconds":{"compute":1,"exchange":null,"update":0.25,"#
                + #""wait":0.5},"step":1,"world_size":2}"# + "\n"
                + #"{"step":1,"validation_loss":0.75}"# + "\n")
    }

    @Test func aReportIsSplitIntoTrainingAndValidation() {
        let report: JSONValue = [
            "loss": 1.5, "learning_rate": 0.1, "gradient_norm": 2, "validation_loss": 0.9,
            "validation_records": 144, "validation_step": 2,
        ]
        let training = StepMetrics(
            step: 3, report: report, samplesPerSecond: 1, worldSize: 1, recomputed: true,
            seconds: .init(compute: 0, wait: 0, exchange: 0, update: 0))
        #expect(training.loss == 1.5 && training.learningRate == 0.1)
        #expect(training.details == ["gradient_norm": 2])
        let validation = ValidationMetrics(step: 3, report: report)
        #expect(
            validation?.json == [
                "step": 2, "validation_loss": 0.9, "validation_records": 144,
            ])
        #expect(ValidationMetrics(step: 3, report: ["loss": 1]) == nil)
    }

    @Test func aResumeCutsTheStepsToBeDoneAgain() throws {
        let run = TemporaryRun()
        try run.directory.create()
        let log = try MetricsLog(run.directory, after: 0)
        for step in 1...5 { try log.append(metrics(step)) }
        try log.append(ValidationMetrics(step: 4, loss: 1))
        try log.append(ValidationMetrics(step: 5, loss: 1))
        // A state is measured on the way to the next one, so its validation comes again with that step.
        _ = try MetricsLog(run.directory, after: 5)
        #expect(try steps(run.directory) == [1, 2, 3, 4, 5, 4])
        let again = try MetricsLog(run.directory, after: 3)
        #expect(try steps(run.directory) == [1, 2, 3])
        try again.append(metrics(4))
        #expect(try steps(run.directory) == [1, 2, 3, 4])
    }

    @Test func aTornLineIsSetAside() throws {
        let run = TemporaryRun()
        try run.directory.create()
        let log = try MetricsLog(run.directory, after: 0)
        for step in 1...3 { try log.append(metrics(step)) }
        let path = run.directory.metricsPath
        let whole = try String(contentsOfFile: path.text, encoding: .utf8)
        for cut in [2, 20, 60] {
            try AtomicFile.write(String(whole.dropLast(cut)), to: path)
            let mendings = try MetricsLog(run.directory, after: 3).mendings
            #expect(mendings.count == 1 && mendings.first?.contains("line 3: it is torn") == true)
            #expect(try steps(run.directory) == [1, 2])
        }
    }

    @Test func statusFindsTheLastLines() throws {
        let run = TemporaryRun()
        try run.directory.create()
        #expect(try run.directory.lastMetrics().training == nil)
        let log = try MetricsLog(run.directory, after: 0)
        for step in 1...3_000 { try log.append(metrics(step)) }
        try log.append(ValidationMetrics(step: 3_000, loss: 0.9))
        let last = try run.directory.lastMetrics()
        #expect(last.training?["step"] == 3_000)
        #expect(last.validation?["validation_loss"] == 0.9)
    }

    @Test func eventFilesReadBackWithAnotherDecoder() throws {
        #expect(TensorBoardReader.crc32c("123456789".utf8) == 0xE306_9283)
        let run = TemporaryRun()
        try run.directory.create()
        let log = try MetricsLog(run.directory, after: 41)
        try log.append(metrics(42, loss: 0.25))
        try log.append(
            ValidationMetrics(
                step: 300, loss: 0.75, details: ["validation_codebook": ["active": 60]]))
        try log.synchronise()
        let folder = run.directory.tensorBoardPath
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.text)
        #expect(names.count == 1 && names.first?.contains("tfevents") == true)
        let file = try Data(contentsOf: URL(filePath: "\(folder)/\(names.first ?? "")"))
        let events = try TensorBoardReader([UInt8](file)).events
        #expect(events.map(\.step) == [0, 42, 42, 300])
        #expect(events[0].version == "brain.Event:2")
        #expect(events[1].session == [8, 1])
        #expect(
            events[2].scalars == [
                "loss": 0.25, "learning_rate": 1e-3, "samples_per_second": 20, "world_size": 2,
                "recomputed": 0, "seconds/compute": 1, "seconds/wait": 0.5, "seconds/update": 0.25,
                "gradient_norm": 3.5,
            ])
        #expect(
            events[3].scalars == ["validation_loss": 0.75, "validation_codebook/active": 60])
    }
}

@Suite struct EventLogTests {
    @Test func eventsHaveTimesAndDetails() throws {
        let run = TemporaryRun()
        try run.directory.create()
        let log = try EventLog(run.directory)
        try log.append(
            .join, "worker 3 joined", ["worker": 3], time: Date(timeIntervalSince1970: 0.25))
        try log.append(.fault, "worker 3 was silent for 2 s")
        let events = try run.directory.lastEvents(5)
        #expect(
            events.first == [
                "time": "1970-01-01T00:00:00.250Z", "event": "join", "message": "worker 3 joined",
                "worker": 3,
            ])
        #expect(try run.directory.lastEvents(1).map { $0["event"] } == ["fault"])
    }

    @Test func aTornLineIsSetAsideBeforeTheNext() throws {
        let run = TemporaryRun()
        try run.directory.create()
        try EventLog(run.directory).append(.start, "one")
        let text = try String(contentsOfFile: run.directory.eventsPath.text, encoding: .utf8)
        try AtomicFile.write(text + text.dropLast(9), to: run.directory.eventsPath)
        try EventLog(run.directory).append(.end, "two")
        #expect(try run.directory.lastEvents(9).map { $0["event"] } == ["start", "end"])
    }
}
