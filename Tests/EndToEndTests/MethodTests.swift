import Foundation
import Runtime
import Testing

/// A method with sizes that take a second or two.
struct MethodCase: Sendable, CustomTestStringConvertible {
    let method: String
    /// What tells the case from others of the method.
    var variant = ""
    /// What the configuration has beside batch, steps and optimizer.
    let settings: String
    /// Whether it begins with the encoder of another run.
    var refines = false
    /// Logical shards; where statistics are those of a shard, it needs eight records.
    var shards = 4
    /// The step after which everything is killed once, to be resumed.
    var killAfter = 12
    /// The step after which a worker joins.
    var joinAfter = 4

    static let steps = 40
    var testDescription: String { method + variant }

    static let all = [
        MethodCase(
            method: "st-mem",
            settings: """
                "encoder": { "width": 64, "depth": 1, "heads": 2, "headWidth": 32 },
                "decoder": { "width": 32, "depth": 1, "heads": 1, "headWidth": 32 }
                """, refines: true),
        MethodCase(
            method: "ecg-jepa",
            settings: """
                "input": { "cropSamples": 500, "patchSamples": 25 },
                "encoder": { "width": 32, "depth": 2, "heads": 2 },
                "predictor": { "width": 16, "depth": 2, "heads": 2 }
                """),
        MethodCase(
            method: "hybrid",
            settings: """
                "input": { "cropSamples": 500, "patchSamples": 25 },
                "encoder": { "width": 32, "depth": 2, "heads": 2 },
                "predictor": { "width": 16, "depth": 2, "heads": 2 }
                """),
        // Killed in the warm-up, so that the codes start after the resume; a worker joins when the pool is in use.
        MethodCase(
            method: "vq-full",
            settings: """
                "encoder": { "width": 64, "depth": 1, "heads": 2, "headWidth": 32 },
                "decoder": { "width": 32, "depth": 1, "heads": 1, "headWidth": 32 },
                "quantiser": { "codes": 32, "codeDimension": 8, "warmupSteps": 25, "decay": 0.8 }
                """),
        MethodCase(
            method: "vq-finetune",
            settings: """
                "encoder": { "width": 64, "depth": 1, "heads": 2, "headWidth": 32 },
                "head": { "latentWidth": 32, "hiddenWidth": 32 },
                "quantiser": { "codes": 8, "codeDimension": 8, "warmupSteps": 25, "decay": 0.8 }
                """, refines: true),
        // A gathered step over an encoder, and over a network whose running statistics travel with the gradients.
        MethodCase(
            method: "simclr",
            settings: """
                "backbone": "st-mem", "projectionWidth": 16,
                "encoder": { "width": 32, "depth": 1, "heads": 1, "headWidth": 32 }
                """),
        MethodCase(
            method: "cmsc",
            settings: """
                "backbone": "cnn", "cnn": { "channels": 4, "blocks": 3, "width": 16 }
                """, shards: 2),
        // State spaces that look both ways, and dropped channels of two views.
        MethodCase(
            method: "simclr", variant: "-s4",
            settings: """
                "backbone": "s4", "projectionWidth": 16,
                "encoder": { "width": 8, "depth": 2, "state": 4, "bidirectional": true },
                "input": { "cropSamples": 500 }
                """),
        MethodCase(
            method: "cpc",
            settings: """
                "encoder": { "channels": 8 }, "context": { "width": 8 }, "horizons": 2,
                "negatives": { "count": 8 }
                """),
        MethodCase(
            method: "ecg-cpc",
            settings: """
                "encoder": { "width": 8, "depth": 2, "state": 4 }, "horizon": 5,
                "negatives": { "count": 8 }, "input": { "cropSamples": 500 }
                """),
        MethodCase(
            method: "ecg-cpc", variant: "-clinical",
            settings: """
                "encoder": { "width": 8, "depth": 2, "state": 4 }, "horizon": 5,
                "negatives": { "count": 8 }, "input": { "cropSamples": 500 },
                "clinical": { "weight": 10, "segments": 4 }
                """, shards: 2),
        MethodCase(
            method: "triplet",
            settings: """
                "encoder": { "width": 64, "depth": 1, "heads": 2, "headWidth": 32 },
                "unfreeze": 1, "mining": "semi-hard"
                """, refines: true),
        MethodCase(
            method: "finetune",
            settings: """
                "base": "st-mem", "augmentation": { "operations": 2 },
                "encoder": { "width": 64, "depth": 1, "heads": 2, "headWidth": 32 }
                """, refines: true, shards: 2),
        MethodCase(
            method: "finetune", variant: "-supervised-s4",
            settings: """
                "base": "ecg-cpc", "readout": "attention", "learningRateFactor": 0.5,
                "encoder": { "stem": "linear", "bidirectional": true, "sampleRateHz": 100, "width": 8, "depth": 2 },
                "input": { "cropSamples": 625 }
                """, shards: 2),
    ]
}

/// The promise for every method: one digest after 40 steps, whoever computed them and whatever went wrong.
@Suite(.serialized, .trainingFixture, .namesItsSeed) struct MethodTests {
    private let fixture: TrainingFixture

    init() throws { fixture = try #require(TrainingFixture.current) }

    /// The flags for a run of a method, whose configuration is written beside it.
    private func flags(_ method: MethodCase, run: String) throws -> [String] {
        let path = run + ".json"
        try AtomicFile.write(
            """
            {
              "method": "\(method.method)", "seed": 7,
              "batchSize": 16, "logicalShards": \(method.shards),
              "steps": \(MethodCase.steps),
              "optimizer": { "learningRate": 1e-3, "warmupSteps": 5 },
              "checkpoint": { "everySteps": 5, "keep": 3 },
              "validation": { "everySteps": 15 },
              \(method.settings)
            }
            """, to: FilePath(path))
        let from = method.refines ? ["--initialise-from", try encoderRun()] : []
        return ["--config", path, "--data", fixture.data, "--run", run] + from
    }

    /// A run of ST-MEM with the sizes that refining methods name, made when it is first asked for.
    private func encoderRun() throws -> String {
        let run = fixture.folder + "/encoder"
        guard !FileManager.default.fileExists(atPath: run + "/configuration.json") else {
            return run
        }
        let path = run + ".json"
        try AtomicFile.write(
            """
            {
              "method": "st-mem", "seed": 3, "batchSize": 8, "logicalShards": 4, "steps": 4,
              "encoder": { "width": 64, "depth": 1, "heads": 2, "headWidth": 32 },
              "decoder": { "width": 32, "depth": 1, "heads": 1, "headWidth": 32 }
            }
            """, to: FilePath(path))
        let result = try Programs.run([
            "pretrain", "--config", path, "--data", fixture.data, "--run", run,
        ])
        try #require(result.code == 0, "\(result.lines.suffix(20))")
        return run
    }

    private func expectSuccess(_ process: Running) {
        let code = process.wait()
        #expect(code == 0, "\(process.lines.suffix(40).joined(separator: "\n"))")
    }

    @Test(arguments: MethodCase.all)
    func everyWayGivesTheSameBits(method: MethodCase) throws {
        let reference = fixture.newRun(method.testDescription)
        let alone = try Programs.run(
            ["pretrain"] + flags(method, run: reference) + ["--threads", "1"])
        try #require(alone.code == 0, "\(alone.lines.suffix(20).joined(separator: "\n"))")
        let digest = try fixture.finalDigest(of: reference, step: MethodCase.steps)

        // One of three workers dies; most of a gathered step is its exchange of rows and what follows.
        let faulty = fixture.newRun(method.testDescription)
        let three = try Running(
            "purkinje",
            ["launch"] + flags(method, run: faulty) + ["--workers", "3", "--threads", "1"])
        #expect(fixture.waitForStep(10, of: faulty, while: three))
        var chance = Chance(method.testDescription)
        if let victim = chance.choice(of: three.children(named: "purkinje-worker")) {
            kill(victim, SIGKILL)
        }
        expectSuccess(three)
        #expect(fixture.worldSizes(of: faulty, steps: MethodCase.steps).contains(2))
        #expect(try fixture.finalDigest(of: faulty, step: MethodCase.steps) == digest)

        // One worker, a second one that joins, everything killed, and the rest in one process.
        let resumed = fixture.newRun(method.testDescription)
        let first = try Running(
            "purkinje",
            ["launch"] + flags(method, run: resumed) + ["--workers", "1", "--threads", "1"])
        #expect(fixture.waitForStep(method.joinAfter, of: resumed, while: first))
        let late = try Running("purkinje-worker", ["--run", resumed, "--threads", "1"])
        #expect(fixture.waitForStep(method.killAfter, of: resumed, while: first))
        first.killTree()
        late.killTree()
        _ = first.wait()
        let rest = try Programs.run(["resume", resumed, "--workers", "0", "--threads", "2"])
        #expect(rest.code == 0, "\(rest.lines.suffix(20).joined(separator: "\n"))")
        #expect(try fixture.finalDigest(of: resumed, step: MethodCase.steps) == digest)
    }

    @Test func anEncoderOfOtherSizesIsRefusedByName() throws {
        let run = fixture.newRun("other-sizes")
        let method = MethodCase.all[0]
        var flags = try flags(method, run: run)
        flags += ["--set", "encoder.width=96"]
        let result = try Programs.run(["pretrain"] + flags)
        #expect(result.code == 1)
        #expect(
            result.lines.contains {
                $0.contains("block0.attn.fn.to_out.0.bias") || $0.contains("[96")
            })
        #expect(!FileManager.default.fileExists(atPath: run + "/checkpoints"))
    }
}
