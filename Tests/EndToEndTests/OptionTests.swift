import Checkpoints
import Foundation
import Runtime
import Testing

/// What somebody typed has an effect or an error, and a run keeps out of folders of other things.
@Suite(.trainingFixture) struct OptionTests {
    private let folder: FilePath

    init() throws {
        folder = FilePath.temporary.absolute.appending("purkinje options \(UUID())")
        try folder.makeFolders()
    }

    private func path(_ name: String) -> String { folder.text + "/" + name }

    /// A run of one step in a folder whose name has a space.
    private func train(_ fixture: TrainingFixture, more: [String] = []) throws -> (
        code: Int32?, lines: [String]
    ) {
        try Programs.run(
            ["pretrain"]
                + fixture.flags(run: path("run"), set: ["batchSize=8", "encoder.depth=1"])
                + ["--steps", "1"] + more)
    }

    @Test func optionsThatWouldChangeNothingAreRefused() throws {
        defer { try? folder.removeAll() }
        let fixture = try #require(TrainingFixture.current)
        let trained = try train(fixture)
        try #require(trained.code == 0, "\(trained.lines)")
        let record = fixture.folder + "/ecg/records500/00000/00001_hr"
        let run = ["--run", path("run"), "--data", fixture.data]
        let weights = path("weights.safetensors")
        try #require(
            try Programs.run(["checkpoint", "export", path("run"), "--out", weights]).code == 0)
        let cases: [(words: [String], option: String, value: String?)] = [
            (["parameters", record], "--per-lead", nil),
            (["data", "inspect", record, "--svg", path("s")], "--window", "1"),
            (["data", "inspect", record], "--from", "2"),
            (["data", "inspect", fixture.data, "--svg", path("s")], "--from", "2"),
            (["data", "inspect", fixture.folder], "--window", "1"),
            (["evaluate"] + run, "--perplexity", "5"), (["evaluate"] + run, "--map-records", "5"),
            (["evaluate"] + run, "--coordinates", nil), (["evaluate"] + run, "--workers", "2"),
            (["evaluate"] + run, "--finetune-run", path("f")),
            (["evaluate"] + run, "--set", "seed=1"), (["evaluate"] + run, "--label-draws", "2"),
            (["evaluate", "--protocols", "knn"] + run, "--label-fractions", "0.1"),
            (["evaluate", "--protocols", "knn"] + run, "--cluster-dimension", "3"),
            (["evaluate", "--report", path("r"), "--map-records", "0"] + run, "--perplexity", "5"),
            (["compare", path("run"), "--data", fixture.data], "--coordinates", nil),
            (["explain", "--record", "1", "--map", "attention"] + run, "--class", "MI"),
            (["explain", "--record", "1", "--map", "attention"] + run, "--patch", "1"),
            (["explain", "--record", "1"] + run, "--numbers", nil),
            (["map", weights, "--method", "pca"], "--perplexity", "5"),
            (["map", weights], "--coordinates", nil), (["metrics", weights], "--seed", "1"),
            (["report", path("run"), "--out", path("r"), "--map-records", "0"], "--threads", "2"),
            (["resume", path("run")], "--hosts", "hosts.txt"),
            (["resume", path("run"), "--workers", "0"], "--port", "4000"),
            (["launch", "--workers", "1"] + fixture.flags(run: path("run")), "--ssh", "rsh"),
            (["bench", "allreduce", "--join", "localhost:1"], "--sizes", "1M"),
        ]
        for (words, option, value) in cases {
            let arguments = words + [option] + [value].compactMap(\.self)
            let result = try Programs.run(arguments)
            #expect(result.code == 2, "\(arguments): \(result.lines)")
            #expect(
                result.lines.count == 1
                    && result.lines[0].contains("error: \(option) would change nothing "),
                "\(arguments): \(result.lines)")
        }
        for (program, words) in [
            ("purkinje-coordinator", ["--run", path("run"), "--set", "seed=1"]),
            ("purkinje-worker", ["--run", path("run"), "--port", "4000"]),
        ] {
            let result = try Programs.run(words, of: program)
            #expect(result.code == 2 && result.lines.joined().contains("would change nothing"))
        }
    }

    @Test func aRunKeepsOutOfFoldersOfOtherThings() throws {
        defer { try? folder.removeAll() }
        let fixture = try #require(TrainingFixture.current)
        let records = path("records")
        try FilePath(records).makeFolders()
        for name in ["00001_hr.hea", "00001_hr.dat"] {
            try AtomicFile.write(
                FilePath(fixture.folder + "/ecg/records500/00000/\(name)").contents(),
                to: FilePath(records).appending(FilePath(name)))
        }
        let before = try FilePath(records).names().sorted()
        let flags = ["--config", fixture.configuration, "--data", fixture.data, "--run", records]
        for (program, words) in [
            ("purkinje", ["pretrain"]), ("purkinje", ["launch", "--workers", "1"]),
            ("purkinje-coordinator", []),
        ] {
            let result = try Programs.run(words + flags, of: program)
            #expect(result.code == 2, "\(result.lines)")
            #expect(
                result.lines.last?.contains(
                    "\(records): this folder holds no run, but other things (00001_hr.dat and 1 more)"
                )
                    == true, "\(result.lines)")
        }
        #expect(try FilePath(records).names().sorted() == before)
        // What a run left that was killed before it wrote its configuration, and what file systems leave.
        for name in ["run", "run/checkpoints", "run/.snapshot"] {
            try FilePath(path(name)).makeFolders()
        }
        try AtomicFile.write("", to: FilePath(path("run/lock")))
        let result = try train(fixture)
        #expect(result.code == 0, "\(result.lines)")
    }

    @Test func proposedCommandsCanBePasted() throws {
        defer { try? folder.removeAll() }
        let fixture = try #require(TrainingFixture.current)
        let trained = try train(fixture)
        #expect(
            trained.lines.last?.hasSuffix("look at it with: purkinje status '\(path("run"))'")
                == true,
            "\(trained.lines)")
        let weights = path("weights.safetensors")
        let export = try Programs.run([
            "checkpoint", "export", path("run"), "--out", weights, "--whole-model",
        ])
        #expect(export.code == 0, "\(export.lines)")
        let imported = try Programs.run([
            "checkpoint", "import", weights, "--run", path("imported"), "--config",
            fixture.configuration, "--set", "encoder.depth=1",
        ])
        #expect(
            imported.lines.last == "go on with: purkinje resume '\(path("imported"))' --data DATA",
            "\(imported.lines)")
        let synthesised = try Programs.run([
            "data", "synthesise", "--out", path("ecg/"), "--records", "1",
        ])
        #expect(
            synthesised.lines.last?.hasSuffix(
                "--source '\(path("ecg/"))' --out '\(path("ecg.prepared"))'") == true,
            "\(synthesised.lines)")
    }

    /// The learning rate has no part in the first step's loss.
    @Test func givenWeightsThatNothingCanBeComputedWithAreSaidToBeTheCause() throws {
        defer { try? folder.removeAll() }
        let fixture = try #require(TrainingFixture.current)
        let trained = try train(fixture)
        try #require(trained.code == 0, "\(trained.lines)")
        let weights = FilePath(path("weights.safetensors"))
        let export = try Programs.run(["checkpoint", "export", path("run"), "--out", weights.text])
        try #require(export.code == 0, "\(export.lines)")
        let tensors = try SafetensorsFile(path: weights).tensors()
        for named in tensors {
            for index in 0..<named.tensor.count { named.tensor.floats[index] = 1e38 }
        }
        try SafetensorsFile.write(tensors, metadata: [:], to: weights)
        let result = try Programs.run(
            ["pretrain"]
                + fixture.flags(run: path("begun"), set: ["batchSize=8", "encoder.depth=1"])
                + ["--initialise-from", weights.text])
        #expect(result.code == 6, "\(result.lines)")
        let last = result.lines.last ?? ""
        #expect(last.contains("the weights that the run begins with (--initialise-from; SHA-256"))
        #expect(!last.contains("learningRate"))
    }

    /// Refused before it is tried, with the remedy.
    @Test func whatAMachineCannotDoIsRefused() throws {
        defer { try? folder.removeAll() }
        let fixture = try #require(TrainingFixture.current)
        let flags = fixture.flags(run: path("run"))
        let large = ["--set", "encoder.width=65536", "--set", "encoder.depth=1000"]
        let records = fixture.folder + "/ecg"
        let prepare = ["data", "prepare", "--out", path("set"), "--source", records, "--source"]
        for (words, text) in [
            (
                ["pretrain", "--threads", "99999999"] + flags,
                "--threads needs a whole number from 1 to"
            ),
            (["pretrain"] + flags + large, "of memory, and this machine has"),
            (["launch", "--workers", "1"] + flags + large, "of memory, and this machine has"),
            (
                ["bench", "step"] + Array(flags.prefix(2)) + large,
                "of memory, and this machine has"
            ),
            (
                ["launch", "--workers", "2", "--min-workers", "3"] + flags,
                "--min-workers 3 is more"
            ),
            (
                ["launch", "--workers", "2", "--failure-timeout", "0s"] + flags,
                "--failure-timeout needs a duration of at least 200ms"
            ),
            (prepare + [records], "has folders in common with the source"),
            (prepare + [records + "/records500"], "has folders in common with the source"),
            (["data", "synthesise", "--records", "1", "--out", "/dev/null/x"], "cannot be made"),
            (["finetune"], "purkinje evaluate --protocols finetune"),
        ] {
            let result = try Programs.run(words)
            #expect(
                result.code == 2 && result.lines.last?.contains(text) == true,
                "\(words): \(result.lines)")
        }
        #expect(try folder.names().isEmpty, "a refused command left something behind")
    }

    @Test func aFolderWithBrokenHeadersFailsItsInspection() throws {
        defer { try? folder.removeAll() }
        let fixture = try #require(TrainingFixture.current)
        #expect(try Programs.run(["data", "inspect", fixture.folder + "/ecg"]).code == 0)
        try AtomicFile.write("h 12 -1\n", to: folder.appending("h.hea"))
        let result = try Programs.run(["data", "inspect", folder.text])
        #expect(result.code == 1 && result.lines.contains { $0.hasPrefix("broken: h: ") })
    }

    /// Numbers that no record reaches, and more records than a disk holds.
    @Test func hugeNumbersAreRefused() throws {
        defer { try? folder.removeAll() }
        let fixture = try #require(TrainingFixture.current)
        let record = fixture.folder + "/ecg/records500/00000/00001_hr"
        for (words, text) in [
            (
                ["data", "inspect", record, "--svg", path("s"), "--from", "1e300"],
                "--from 1e+300 lies"
            ),
            (
                ["data", "synthesise", "--out", path("n"), "--records", "\(Int.max)"],
                "from 1 to 1000000"
            ),
        ] {
            let result = try Programs.run(words)
            #expect(
                result.code == 2 && result.lines.last?.contains(text) == true, "\(result.lines)")
        }
        #expect(try folder.names().isEmpty)
    }

    @Test func aRateOfPTBXLNeedsPTBXL() throws {
        defer { try? folder.removeAll() }
        let fixture = try #require(TrainingFixture.current)
        let words = ["data", "prepare", "--source-rate", "500", "--out", path("set"), "--source"]
        let refused = try Programs.run(words + [fixture.folder + "/ecg/records500"])
        #expect(refused.code == 1)
        #expect(refused.lines.last?.contains("leave --source-rate out") == true, "\(refused.lines)")
        let accepted = try Programs.run(words + [fixture.folder + "/ecg"])
        #expect(accepted.code == 0, "\(accepted.lines)")
    }
}
