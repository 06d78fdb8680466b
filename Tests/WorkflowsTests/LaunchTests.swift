import CommandLineInterface
import Configurations
import Diagnosis
import Foundation
import Launching
import Runs
import Runtime
import TestSupport
import Testing

@testable import Workflows

/// What `launch` starts, what it remembers, and what it ends with.
@Suite struct LaunchTests {
    private func settings(_ workers: Int, threads: Int? = nil) -> LaunchSettings {
        LaunchSettings(RunDirectory(path: "runs/first"), workers: workers, threads: threads)
    }

    private func value(of option: String, in words: [String]) -> String? {
        words.firstIndex(of: option).map { words[$0 + 1] }
    }

    @Test func everyProcessIsToldItsPart() throws {
        var settings = settings(3)
        settings.coordinator.configuration = "c.json"
        settings.coordinator.overrides = ["seed=4"]
        settings.coordinator.failureTimeout = .seconds(4)
        let plan = LaunchPlan(settings, data: "ecg.purkinje", programs: "/opt/bin")
        let coordinator = plan.coordinatorProgram
        #expect(coordinator.executable == "/opt/bin/purkinje-coordinator")
        for (option, expected) in [
            ("--run", "runs/first"), ("--data", "ecg.purkinje"), ("--workers", "3"),
            ("--config", "c.json"), ("--set", "seed=4"), ("--failure-timeout", "4s"),
            ("--signs-of-life", "500ms"), ("--bind", "127.0.0.1"),
        ] {
            #expect(value(of: option, in: coordinator.arguments) == expected, "\(option)")
        }
        #expect(coordinator.arguments.contains("--no-progress"))
        #expect(!coordinator.arguments.contains("--insecure"))
        let workers = plan.workersHere(threads: 2)
        #expect(workers.count == 3)
        #expect(workers.map(\.member) == [.worker(1), .worker(2), .worker(3)])
        for program in workers + [coordinator] {
            #expect(program.followsInput && program.showsLife)
            #expect(program.arguments.contains("--until-input-ends"))
            #expect(value(of: "--data", in: program.arguments) == "ecg.purkinje")
        }
        #expect(value(of: "--threads", in: workers[0].arguments) == "2")
    }

    /// It would wait for ever for workers whom nobody starts.
    @Test func moreWorkersThanAreStartedAreNoMinimum() throws {
        var settings = settings(2)
        settings.coordinator.minimumWorkers = 2
        try settings.check()
        settings.coordinator.minimumWorkers = 3
        let error = #expect(throws: CommandError.self) { try settings.check() }
        #expect(error?.exitCode == .usage)
        #expect(error?.message.contains("--min-workers 3") == true)
        #expect(error?.message.contains("--workers 2") == true)
    }

    /// A tape of these sizes is beyond every machine, and so is what adds them up in whole numbers.
    @Test func whatNoMachineHoldsIsRefusedBeforeItIsTried() throws {
        try MemoryEstimate.requireRoom(for: smallConfiguration(), threads: 1)
        let large = try Configuration([
            "method": "st-mem", "batchSize": 1_048_576, "logicalShards": 1,
            "encoder": ["width": 65_536, "depth": 1_000, "heads": 1_024, "headWidth": 4_096],
        ])
        let error = #expect(throws: CommandError.self) {
            try MemoryEstimate.requireRoom(for: large, threads: 1_024, workers: 10_000)
        }
        #expect(error?.exitCode == .usage)
        #expect(error?.message.contains("of memory, and this machine has") == true)
    }

    /// Only where workers come from other machines is the coordinator open to them.
    @Test func otherMachinesAreLetIn() {
        var plan = LaunchPlan(settings(1), data: nil, programs: "/opt/bin")
        plan.listen(as: "10.0.0.1")
        let words = plan.coordinatorProgram.arguments
        #expect(value(of: "--bind", in: words) == "0.0.0.0")
        #expect(value(of: "--advertise", in: words) == "10.0.0.1")
        #expect(words.contains("--insecure") && !words.contains("--data"))
    }

    @Test func processorsAreSharedOut() {
        let processors = ProcessInfo.processInfo.activeProcessorCount
        #expect(settings(1).threadsHere == processors)
        #expect(settings(1000).threadsHere == 1)
        #expect(settings(1000, threads: 7).threadsHere == 7)
    }

    @Test func aLaunchIsRemembered() throws {
        let folder = try TemporaryFolder()
        let run = folder.run()
        try run.create()
        #expect(LaunchRecord.read(from: run) == nil)
        for record in [
            LaunchRecord(workers: 3, threads: nil), LaunchRecord(workers: 1, threads: 4),
        ] {
            try record.write(to: run)
            #expect(LaunchRecord.read(from: run) == record)
        }
        try folder.write("{\"threads\": 2", to: "run/launch.json")
        #expect(LaunchRecord.read(from: run) == nil)
    }

    /// Steps that were made and are in no checkpoint are not called saved.
    @Test func unsavedStepsAreAFailure() throws {
        let folder = try TemporaryFolder()
        let run = folder.run()
        let configuration = try smallConfiguration()
        try run.begin(configuration)
        try folder.write("", to: "run/metrics.jsonl")
        let progress = LaunchProgress(
            configuration, settings: LaunchSettings(run, workers: 2), directory: run)
        #expect(!progress.look())
        #expect(progress.ending(.interrupted) == .interrupted)
        let handle = try #require(FileHandle(forWritingAtPath: run.metricsPath.text))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("{\"step\": 2, \"loss\": 0.5}\n".utf8))
        try handle.close()
        #expect(progress.look())
        #expect(progress.ending(.success) == .success)
        #expect(progress.ending(.interrupted) == .failure)
        #expect(progress.ending(.diverged) == .diverged)
        #expect(LaunchRecord.read(from: run) == LaunchRecord(workers: 2, threads: nil))
    }

    @Test func aRunBeginsOnlyWhereItMay() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            #"{ "method": "st-mem", "batchSize": 8, "logicalShards": 1 }"#, to: "c.json")
        func beginning(
            _ run: RunDirectory, _ overrides: [String] = [], weights: FilePath? = nil
        ) throws -> RunBeginning {
            try RunBeginning(
                of: run, configuration: path, overrides: overrides, weights: weights)
        }
        #expect(try beginning(folder.run()).prepare(fresh: true))
        #expect(try !beginning(folder.run()).prepare(fresh: false))
        try folder.file("other").makeFolders()
        try folder.write("x", to: "other/00001.hea")
        let occupied = #expect(throws: CommandError.self) {
            try beginning(folder.run("other")).prepare(fresh: false)
        }
        #expect(occupied?.message.contains("holds no run, but other things") == true)
        let refining = #expect(throws: CommandError.self) {
            try beginning(folder.run(), ["method=triplet"]).prepare(fresh: false)
        }
        #expect(refining?.message.contains("--initialise-from") == true)
        #expect(throws: WorkflowError.noWeights(path: "/nowhere/at-all")) {
            try beginning(folder.run(), weights: "/nowhere/at-all")
        }
        #expect(throws: ConfigurationError.self) { try beginning(folder.run(), ["seeed=1"]) }
        // With weights step 0 is written here, and nobody else is to refuse the folder for it.
        let source = folder.run("source")
        try source.begin(Configuration(path: path))
        let begun = try beginning(folder.run("begun"), weights: source.path)
        #expect(try !begun.prepare(fresh: true))
        #expect(folder.run("begun").holdsRun)
        #expect(begun.overrides.last?.hasPrefix("initialWeights=") == true)
    }
}
