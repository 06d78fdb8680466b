import Foundation
import Launching
import Runtime
import Testing

/// Paths that are short, or no text, given to the programs as a shell gives them.
@Suite(.trainingFixture) struct PathTests {
    /// A folder to stand in, so that one character is a whole path.
    private let folder: FilePath

    init() throws {
        folder = FilePath.temporary.absolute.appending("purkinje-paths-\(UUID())")
        try folder.makeFolders()
    }

    /// Runs `purkinje` in the folder.
    private func run(_ arguments: [String]) throws -> (code: Int32?, lines: [String]) {
        let lines = Locked<[String]>([])
        let program = FilePath(Programs.folder).appending("purkinje").text
        let words = ([program] + arguments).map(shellQuoted).joined(separator: " ")
        let process = try ChildProcess(
            executable: "/bin/sh",
            arguments: ["-c", "cd \(shellQuoted(folder.text)) && exec \(words)"],
            name: "sh", receive: { line in lines.withLock { $0.append(line) } })
        guard case .exited(let code) = process.wait(timeout: .seconds(120)) else {
            process.send(signal: SIGKILL)
            return (nil, lines.withLock { $0 })
        }
        return (code, lines.withLock { $0 })
    }

    @Test func pathsOfOneCharacterDoForEveryCommand() throws {
        let fixture = try #require(TrainingFixture.current)
        defer { try? folder.removeAll() }
        let small = ["--set", "batchSize=8", "--set", "encoder.depth=1", "--steps", "1"]
        for arguments in [
            ["data", "synthesise", "--out", "y", "--records", "2"],
            ["data", "export", "y/records500/00000/00001_hr", "--out", "e"],
            ["data", "inspect", "y/records500/00000/00001_hr", "--svg", "s"],
            ["data", "prepare", "--source", "y", "--out", "p"],
            ["parameters", "y", "--csv", "c"],
            ["pretrain", "--config", fixture.configuration, "--data", fixture.data, "--run", "r"]
                + small,
            ["checkpoint", "export", "r", "--out", "k"],
            ["embed", "--run", "r", "--data", "p", "--out", "b", "--csv", "t"],
            ["report", "r", "--out", "h"],
            ["status", "r"],
            ["doctor", "--directory", "r"],
        ] {
            let result = try run(arguments)
            #expect(result.code == 0, "\(arguments): \(result.lines.suffix(5))")
        }
        let names = try folder.names().map(\.text)
        #expect(names == ["b", "c", "e", "h", "k", "p", "p.report.json", "r", "s", "t", "y"])
    }

    /// Two workers find run and data by names that are not UTF-8, and so does whoever goes on with the run.
    @Test func namesThatAreNotUTF8GoThroughAllProcesses() throws {
        let fixture = try #require(TrainingFixture.current)
        defer { try? folder.removeAll() }
        let (data, run): (FilePath, FilePath) = (#"d\xE4.pk"#, #"r\xFF "1"/\x5Cx41"#)
        try folder.appending(run).parent.makeFolders()
        try AtomicFile.write(try FilePath(fixture.data).contents(), to: folder.appending(data))
        let launched = try self.run(
            ["launch", "--config", fixture.configuration, "--data", data.text, "--run", run.text]
                + ["--workers", "2", "--steps", "2"])
        #expect(launched.code == 0, "\(launched.lines.suffix(5))")
        #expect(folder.appending(run).appending("configuration.json").exists)
        #expect(try folder.names() == [data, run.parent.lastComponent].sorted())
        let resumed = try self.run(["resume", run.text, "--workers", "0", "--steps", "4"])
        #expect(resumed.code == 0, "\(resumed.lines.suffix(5))")
        let digest = try self.run(["checkpoint", "digest", run.text])
        #expect(digest.lines.first?.hasSuffix(" step=4") == true, "\(digest.lines)")
        let wrong = try self.run(["checkpoint", "digest", #"\xFE"#])
        #expect(wrong.code == 1 && wrong.lines.contains { $0.contains(#"\xFE"#) })
    }
}
