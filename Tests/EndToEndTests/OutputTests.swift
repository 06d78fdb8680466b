import Foundation
import Runtime
import Testing

/// Outputs that could not be written, or would lose something, are refused before the work and leave all as it was.
@Suite(.trainingFixture) struct OutputTests {
    private let folder: FilePath

    init() throws {
        folder = FilePath.temporary.absolute.appending("purkinje-outputs-\(UUID())")
        try folder.makeFolders()
    }

    private func path(_ name: String) -> String { folder.text + "/" + name }

    /// A trained run and records of its own.
    private func prepare() throws -> TrainingFixture {
        let fixture = try #require(TrainingFixture.current)
        let run = try Programs.run(
            ["pretrain"]
                + fixture.flags(run: path("run"), set: ["batchSize=8", "encoder.depth=1"])
                + ["--steps", "1"])
        try #require(run.code == 0, "\(run.lines)")
        for ending in ["hea", "dat"] {
            try AtomicFile.write(
                FilePath(fixture.folder + "/ecg/records500/00000/00001_hr.\(ending)").contents(),
                to: FilePath(path("00001_hr.\(ending)")))
        }
        try folder.appending("folder").makeFolder()
        return fixture
    }

    /// Commands that need a run with the options that name their outputs.
    private func commands(_ fixture: TrainingFixture) -> [(words: [String], option: String)] {
        let run = ["--run", path("run"), "--data", fixture.data]
        return [
            (["embed"] + run, "--out"), (["embed", "--out", path("e")] + run, "--csv"),
            (["evaluate"] + run, "--report"),
            (["compare", path("run"), "--data", fixture.data], "--report"),
            (["explain", "--record", "1"] + run, "--svg"),
            (["neighbours", "--record", "1"] + run, "--svg"), (["reconstruct"] + run, "--svg"),
            (["report", path("run"), "--data", fixture.data], "--out"),
            (["checkpoint", "export", path("run")], "--out"),
        ]
    }

    private func expectRefusal(_ arguments: [String], code: Int32, saying text: String) throws {
        let result = try Programs.run(arguments)
        #expect(result.code == code, "\(arguments): \(result.lines)")
        // No line of progress either: the refusal comes first.
        #expect(
            result.lines.count == 1 && result.lines[0].contains(text),
            "\(arguments): \(result.lines)")
    }

    @Test func outputsWithoutAPlaceAreRefusedBeforeTheWork() throws {
        defer { try? folder.removeAll() }
        let fixture = try prepare()
        let record = path("00001_hr")
        let more = [
            (["data", "export", record], "--out"), (["data", "inspect", record], "--svg"),
            (["data", "prepare", "--source", fixture.folder + "/ecg"], "--out"),
            (["parameters", record], "--csv"), (["parameters", record], "--svg"),
        ]
        let before = try folder.names()
        for (words, option) in commands(fixture) + more {
            try expectRefusal(
                words + [option, path("folder")], code: 2, saying: "is a folder")
            try expectRefusal(
                words + [option, path("missing/file")], code: 2, saying: "make it first")
            try expectRefusal(
                words + [option, path(String(repeating: "x", count: 256))], code: 2,
                saying: "give it another name")
        }
        #expect(try folder.names() == before)
    }

    @Test func outputsThatWouldReplaceInputsAreRefused() throws {
        defer { try? folder.removeAll() }
        let fixture = try prepare()
        let record = path("00001_hr")
        let link = FilePath(path("link")).withSystemPath { link in
            FilePath(fixture.data).withSystemPath { symlink($0, link) }
        }
        #expect(link == 0)
        for (words, option) in commands(fixture) {
            try expectRefusal(
                words + [option, path("run/metrics.jsonl")], code: 2, saying: "the run's own files")
            guard words.contains("--data") else { continue }
            for data in [fixture.data, path("link")] {
                try expectRefusal(
                    words + [option, data], code: 2, saying: "would replace what the command reads")
            }
        }
        for ending in [".hea", ".dat"] {
            for (words, option) in [
                (["data", "export", record], "--out"), (["data", "inspect", record], "--svg"),
                (["data", "prepare", "--source", folder.text], "--out"),
                (["parameters", folder.text], "--csv"), (["parameters", record], "--svg"),
            ] {
                try expectRefusal(
                    words + [option, record + ending], code: 2,
                    saying: "would replace what the command reads")
            }
        }
        try expectRefusal(
            [
                "embed", "--run", path("run"), "--data", fixture.data, "--out", path("e"), "--csv",
                path("folder/../e"),
            ], code: 2, saying: "name the same file")
    }

    /// The table of a former call is no label table.
    @Test func aTableOfParametersMayLieAmongTheRecordsAndBeReplaced() throws {
        defer { try? folder.removeAll() }
        _ = try prepare()
        for _ in 0..<2 {
            let result = try Programs.run(["parameters", folder.text, "--csv", path("table.csv")])
            #expect(result.code == 0, "\(result.lines)")
        }
        try AtomicFile.write("ecg_id,patient_id\n", to: FilePath(path("labels.csv")))
        try expectRefusal(
            ["parameters", folder.text, "--csv", path("labels.csv")], code: 2,
            saying: "would replace what the command reads")
    }

    /// Two folders have a record of one name, and a header has what neither XML nor a terminal should get.
    @Test func namesakesGetPicturesOfTheirOwnAndControlCharactersGoNowhere() throws {
        defer { try? folder.removeAll() }
        let fixture = try #require(TrainingFixture.current)
        let source = fixture.folder + "/ecg/records500/00000/0000"
        for (name, number) in [("a", 1), ("b", 2)] {
            try folder.appending("in").appending(FilePath(name)).makeFolders()
            for ending in ["hea", "dat"] {
                let content = String(
                    decoding: try FilePath("\(source)\(number)_hr.\(ending)").contents(),
                    as: UTF8.self)
                let bytes =
                    ending == "dat"
                    ? try FilePath("\(source)\(number)_hr.dat").contents()
                    : Array(
                        (content.replacingOccurrences(of: "0000\(number)_hr", with: "same")
                            + "# \u{1}<\u{B}\u{1B}[31m\u{FFFE}\n").utf8)
                try AtomicFile.write(bytes, to: FilePath(path("in/\(name)/same.\(ending)")))
            }
        }
        let text = try Programs.run(["parameters", path("in"), "--svg", path("out")])
        #expect(text.code == 0, "\(text.lines)")
        #expect(text.lines.contains { $0.hasPrefix("a/same ") }, "\(text.lines)")
        #expect(text.lines.contains { $0.hasPrefix("b/same ") }, "\(text.lines)")
        let pictures = try ["a", "b"].map { try FilePath(path("out/\($0)/same.svg")).contents() }
        #expect(pictures[0] != pictures[1])

        let json = try Programs.run(["parameters", path("in/a"), path("in/b"), "--json"])
        let paths = try json.lines.filter { $0.hasPrefix("{") }.map {
            try JSONValue(parsing: $0.utf8)["path"]?.stringValue
        }
        #expect(paths == [path("in/a/same"), path("in/b/same")])

        let shown = try Programs.run(["data", "inspect", path("in/a/same"), "--svg", path("s.svg")])
        #expect(shown.lines.contains { $0.contains(#"\x01<\x0B\x1B[31m"#) }, "\(shown.lines)")
        let picture = String(decoding: try FilePath(path("s.svg")).contents(), as: UTF8.self)
        #expect(picture.contains("\u{FFFD}&lt;\u{FFFD}\u{FFFD}[31m\u{FFFD}"))
        #expect(
            !picture.unicodeScalars.contains { $0.value < 9 || $0.value == 11 || $0.value == 27 })
    }
}
