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
        for file in files {
            let lines = TextLines.split(try file.contents()).map { TextLines.decoded($0) }
            for (number, line) in lines.enumerated()
            where line.contains(forbidden) && !line.drop(while: { $0 == " " }).hasPrefix("///") {
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
