import CommandLineInterface
import Configurations
import Diagnosis
import Runs
import Runtime
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
