import Foundation
import Runtime
import Testing

/// A worker of other sources than its coordinator's: the same program, whose stamp says so.
@Suite(.trainingFixture) struct BuildTests {
    private static let others = "1111111111"

    /// A copy of the worker that says that it was built from other sources.
    ///
    /// - Returns: Its path.
    private func otherWorker(in folder: FilePath) throws -> FilePath {
        let own = try #require(BuildIdentity(version: Software.version).sources)
        var program = Data(try FilePath(Programs.folder + "/purkinje-worker").contents())
        let (stamp, replacement) = (Data("src\(own)".utf8), Data("src\(Self.others)".utf8))
        var count = 0
        while let place = program.range(of: stamp) {
            program.replaceSubrange(place, with: replacement)
            count += 1
        }
        try #require(count > 0, "the worker does not say src\(own)")
        let path = folder.appending("purkinje-worker")
        try AtomicFile.write(Array(program), to: path)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: path.text)
        return path
    }

    @Test func itIsRefusedUnlessItIsAllowed() throws {
        let fixture = try #require(TrainingFixture.current)
        let folder = FilePath.temporary.absolute.appending("purkinje-builds-\(UUID())")
        try folder.makeFolders()
        defer { try? folder.removeAll() }
        let worker = try otherWorker(in: folder)
        for isAllowed in [false, true] {
            let run = fixture.newRun("builds-\(isAllowed)")
            let coordinator = try Running(
                "purkinje-coordinator",
                fixture.flags(run: run) + ["--workers", "1", "--steps", "3"]
                    + (isAllowed ? ["--allow-mixed-builds"] : []))
            let process = try Running(executable: worker.text, ["--run", run])
            let code = process.wait(timeout: .seconds(120))
            #expect(code == (isAllowed ? 0 : 3), "\(process.lines)")
            let said = isAllowed ? coordinator.lines : process.lines
            for text in [Software.version, "src\(Self.others)", "other sources"] {
                #expect(said.contains { $0.contains(text) }, "\(text): \(said)")
            }
            if isAllowed {
                #expect(coordinator.wait(timeout: .seconds(60)) == 0, "\(coordinator.lines)")
                let warnings = fixture.lines(of: "events.jsonl", in: run).filter {
                    $0["event"] == "fault"
                        && $0["message"]?.stringValue?.contains("src\(Self.others)") == true
                }
                #expect(warnings.count == 1)
            } else {
                #expect(coordinator.waitForLine(containing: "refused a worker"))
                coordinator.send(signal: SIGTERM)
                _ = coordinator.wait(timeout: .seconds(60))
            }
        }
    }
}
