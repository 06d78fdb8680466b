import Foundation
import Runtime
import TestSupport
import Testing

/// Rules about the sources that no compiler checks.
@Suite struct SourceRulesTests {
    /// Foundation's functions for paths stop for short ones and change names that are not UTF-8; its line ends are too many.
    @Test(arguments: [
        "FileManager", "NSString", "URL(file", "FileHandle(", "NSTemporaryDirectory",
        "NSHomeDirectory", "contentsOfFile", "contentsOf: URL", "lastPathComponent",
        "appendingPathComponent", "isNewline", ".newlines", "CommandLine.arguments",
        "enumerateLines", "fopen(",
    ])
    func pathsAndLinesHaveOnePlace(forbidden: String) throws {
        let sources = FilePath(Fixtures.packageFolder).appending("Sources")
        let files = try swiftFiles(below: sources)
        #expect(files.count > 400)
        try look(in: files) { $0.contains(forbidden) }
    }

    /// Whoever decides by time is handed a clock, and waits where it is told, so that tests let time pass by hand.
    @Test(arguments: [
        ("Transport", ["StreamWaiter.swift"]), ("Collectives", []), ("Cluster", []),
        // What these measure is the machine itself.
        ("Training", ["ComputeThread.swift", "StepBenchmark.swift"]),
    ])
    func timeIsHandedIn(room: String, exceptions: [String]) throws {
        let folder = FilePath(Fixtures.packageFolder).appending("Sources/\(room)")
        let files = try swiftFiles(below: folder).filter { file in
            !exceptions.contains { "\(file)".hasSuffix("/\($0)") }
        }
        #expect(files.count > 10)
        let forbidden = [
            "ContinuousClock.now", "ContinuousClock()", " .now", "(.now", "Date()", "clock_gettime",
            "sleep(", " poll(", "SystemClock().now",
        ]
        try look(in: files) { line in forbidden.contains { line.contains($0) } }
    }

    private func look(in files: [FilePath], for isForbidden: (String) -> Bool) throws {
        for file in files {
            let lines = TextLines.split(try file.contents()).map { TextLines.decoded($0) }
            for (number, line) in lines.enumerated()
            where isForbidden(line) && !line.drop(while: { $0 == " " }).hasPrefix("///") {
                Issue.record("\(file), line \(number + 1): \(line)")
            }
        }
    }

    private func swiftFiles(below folder: FilePath) throws -> [FilePath] {
        try folder.entries().flatMap { name, isFolder -> [FilePath] in
            let path = folder.appending(name)
            return isFolder ? try swiftFiles(below: path) : name.hasSuffix(".swift") ? [path] : []
        }
    }
}
