import CommandLineInterface
import Configurations
import Diagnosis
import Evaluation
import Reporting
import Runs
import Runtime
import TestSupport
import Testing

@testable import Workflows

/// What the files of a run and of a machine say.
@Suite struct RunStatusTests {
    private let folder: TemporaryFolder
    private let run: RunDirectory

    init() throws {
        folder = try TemporaryFolder()
        run = folder.run()
        try run.begin(smallConfiguration(steps: 30))
    }

    private func status(events: Int = 5) throws -> RunStatus {
        try RunStatus(run, eventCount: events, lookingBack: nil)
    }

    @Test func aRunThatHasJustBegunHasNoSteps() throws {
        let status = try status()
        #expect(!status.hasEnded)
        #expect(status.json["step"]?.integerValue == 0)
        #expect(status.json["steps"]?.integerValue == 30)
        #expect(status.json["metrics"] == .null)
        #expect(status.json["last_checkpoint_step"]?.integerValue == 0)
        #expect(status.text.contains("step 0/30"))
        #expect(status.text.contains("no coordinator is noted"))
        #expect(throws: RunError.self) {
            try RunStatus(folder.run("nowhere"), eventCount: 1, lookingBack: nil)
        }
    }

    @Test func stepsEventsAndDamageAreShown() throws {
        try folder.write(
            """
            {"step": 1, "loss": 0.9, "world_size": 2}
            nonsense
            {"step": 2, "loss": 0.5, "world_size": 2, "codebook": {"active": 3, "codes": 8, "perplexity": 2.5}}
            {"step": 2, "validation_loss": 0.75}

            """, to: "run/metrics.jsonl")
        try folder.write(
            """
            {"time": "t1", "event": "start", "message": "first"}
            {"time": "t2", "event": "end", "message": "last"}

            """, to: "run/events.jsonl")
        let status = try status(events: 1)
        #expect(status.hasEnded)
        #expect(status.json["step"]?.integerValue == 2)
        #expect(status.json["events"]?.arrayValue?.count == 1)
        #expect(status.json["damaged_lines"]?.arrayValue?.count == 1)
        for text in [
            "step 2/30", "validation: loss 0.7500 at step 2", "3 of 8 active", "the run has ended",
            "t2  end: last", "passed over",
        ] {
            #expect(status.text.contains(text), "\(text): \(status.text)")
        }
        #expect(!status.text.contains("first"))
    }

    @Test func whoShowsNoEventsKnowsTheEndAllTheSame() throws {
        let line = "{\"time\": \"t\", \"event\": \"end\", \"message\": \"last\"}\n"
        try folder.write(line, to: "run/events.jsonl")
        let status = try status(events: 0)
        #expect(status.hasEnded && status.json["events"] == .array([]))
        #expect(!status.text.contains("last events"))
    }

    /// Whatever looks at a run looks into its own file system.
    @Test func aRunInMemoryIsSeenWhole() throws {
        let memory = RunDirectory(path: "/none/run", in: MemoryFileSystem())
        let digest = try memory.begin(smallConfiguration(steps: 30))
        #expect(!memory.path.exists)
        try memory.files.write("{\"step\": 1, \"loss\": 0.9}\n", to: memory.metricsPath)
        let status = try RunStatus(memory, eventCount: 5, lookingBack: nil)
        #expect(status.json["step"] == 1 && status.json["last_checkpoint_step"] == 0)
        #expect(status.json["metrics_age_seconds"]?.doubleValue != nil)
        let record = LaunchRecord(workers: 3, threads: 2)
        try record.write(to: memory)
        #expect(LaunchRecord.read(from: memory) == record)
        #expect(try RunReport(memory, of: memory.read(), pictures: []).html.contains("\(digest)"))
        let encoder = try TrainedEncoder(run: memory) { Issue.record("\($0): \($1)") }
        #expect(encoder.stateDigest == digest)
        #expect(try Reconstructor(run: memory).step == 0)
        #expect(!memory.path.exists)
    }

    @Test func aPageIsWrittenWithoutItsData() throws {
        let page = try RunPage(
            run,
            .init(records: 2, mapRecords: 10, perplexity: 5, embedding: EmbeddingSettings()))
        #expect(page.reconstructsRecords && page.record.configuration.steps == 30)
        let written = try page.write(to: folder.file("page.html"), data: nil)
        let bytes = try folder.read("page.html")
        #expect(written.json["file"] == .string(folder.file("page.html").text))
        #expect(written.json["bytes"]?.integerValue.map { Int($0) } == bytes.count)
        #expect(
            written.text.hasSuffix("page.html: \(bytes.count / 1024) KiB, opens in any browser"))
        #expect(throws: RunError.self) {
            try RunPage(
                folder.run("nowhere"),
                .init(records: 0, mapRecords: 0, perplexity: 5, embedding: EmbeddingSettings()))
        }
    }

    @Test func theWorstFindingDecides() {
        func check(_ verdicts: [Finding.Verdict]) -> MachineCheck {
            MachineCheck(
                findings: verdicts.enumerated().map { number, verdict in
                    Finding(
                        "subject \(number)", verdict, "is so",
                        remedy: verdict == .good ? nil : "do this")
                })
        }
        #expect(check([.good, .good]).verdict == .good)
        #expect(check([.good]).text.hasSuffix("nothing stands in the way of a run"))
        let warned = check([.good, .warning])
        #expect(warned.verdict == .warning && warned.json["verdict"] == "warning")
        #expect(warned.json["subject_1"] != nil)
        #expect(warned.text.contains("warning  subject 1: is so\n         remedy: do this"))
        #expect(warned.text.hasSuffix("a run works here; 1 of 2 checks could be better"))
        let broken = check([.problem, .warning])
        #expect(broken.verdict == .problem)
        #expect(broken.text.hasSuffix("1 of 2 checks would make a run fail"))
    }

    @Test func shardsHaveTheSizeThatIsAskedFor() throws {
        let path = try folder.write(
            #"{ "method": "st-mem", "batchSize": 24, "logicalShards": 2 }"#, to: "c.json")
        func shards(_ size: Int?, _ overrides: [String] = []) throws -> Int {
            try StepMeasurement.configuration(path, overrides: overrides, shardSize: size)
                .logicalShards
        }
        #expect(try shards(nil) == 2 && shards(6) == 4 && shards(24) == 1)
        #expect(try shards(8, ["batchSize=16"]) == 2)
        #expect(try shards(nil, ["logicalShards=3"]) == 3)
        for (size, overrides, text) in [
            (7, [], "does not divide the batch of 24"), (48, [], "does not divide"),
            (6, ["logicalShards=4"], "say the same thing"),
        ] as [(Int, [String], String)] {
            let error = #expect(throws: CommandError.self) { try shards(size, overrides) }
            #expect(error?.message.contains(text) == true && error?.exitCode == .usage)
        }
    }
}
