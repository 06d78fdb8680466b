import CommandLineInterface
import Foundation
import Runtime
import TestSupport
import Testing

@testable import Workflows

/// Outputs that could not be written, or would lose something, are refused by name.
@Suite struct OutputCheckTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func refusal(_ path: FilePath, apartFrom inputs: [CommandInput] = []) -> String? {
        do {
            try checkOutput(path, option: "out", apartFrom: inputs)
            return nil
        } catch let error as CommandError {
            return error.exitCode == .usage ? error.message : "\(error.exitCode)"
        } catch {
            return "\(error)"
        }
    }

    @Test func placesThatAreNoneAreNamed() throws {
        try folder.file("folder").makeFolders()
        try folder.write("x", to: "file")
        #expect(refusal(folder.file("new")) == nil && refusal(folder.file("file")) == nil)
        #expect(refusal("/dev/null") == nil)
        for (name, text) in [
            ("folder", "is a folder"), ("missing/new", "make it first"), ("new/", "names a folder"),
            ("file/new", "make it first"), (String(repeating: "x", count: 256), "another name"),
        ] {
            #expect(refusal(folder.file(name))?.contains(text) == true, "\(name)")
        }
        #expect(throws: Never.self) { try checkOutput(nil, option: "out") }
        #expect(throws: CommandError.self) {
            try checkOutputFolder(folder.file("file"), option: "out")
        }
        #expect(throws: Never.self) {
            try checkOutputFolder(folder.file("folder/new"), option: "out")
        }
    }

    @Test func foldersThatCannotBeMadeAreNamed() throws {
        try folder.write("x", to: "file")
        let long = String(repeating: "x", count: 256)
        for (path, text) in [
            ("/dev/null/x", "it cannot be made: Not a directory"),
            ("/proc/purkinje/x", "it cannot be made: "), ("/proc", "nothing can be written to it"),
            (folder.file("missing/\(long)/x").text, "it has a name of 256 bytes, and 255 are"),
            (folder.file("file/x").text, "it cannot be made: Not a directory"),
        ] {
            let error = #expect(throws: CommandError.self) {
                try checkOutputFolder(FilePath(path), option: "run")
            }
            #expect(error?.exitCode == .usage)
            #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
        }
        try checkOutputFolder(folder.file("a/b/c"), option: "run")
        #expect(try folder.path.names() == ["file"], "something stayed behind")
        #expect(throws: CommandError.self) {
            try checkOutputFolder(
                folder.file(String(repeating: "y", count: 250)), option: "out", spare: 10)
        }
    }

    @Test func inputsAreKept() throws {
        let record = try folder.records(1)
        for ending in [".hea", ".dat"] {
            for input in [CommandInput.record(record), .records(below: folder.file("ecg"))] {
                #expect(
                    refusal(record + ending, apartFrom: [input])?.contains("would replace")
                        == true)
            }
        }
        #expect(refusal(record + ".svg", apartFrom: [.record(record)]) == nil)
        let table = folder.file("ecg/ptbxl_database.csv")
        #expect(
            refusal(table, apartFrom: [.records(below: folder.file("ecg"))])?.contains(
                "would replace") == true)
        let link = folder.file("link")
        try FileManager.default.createSymbolicLink(
            atPath: link.text, withDestinationPath: record.text + ".dat")
        #expect(refusal(link, apartFrom: [.record(record)])?.contains("would replace") == true)
    }

    @Test func filesOfARunAreItsOwn() throws {
        let run = folder.run()
        try run.begin(smallConfiguration())
        #expect(
            refusal(run.metricsPath)?.contains("the run's own files in \(run.path)") == true)
        #expect(refusal(run.path.appending("report.html")) == nil)
    }

    @Test func twoOptionsNeedTwoFiles() throws {
        let both = [("out", folder.file("a")), ("csv", folder.file("./a"))]
            .map { (option: $0.0, path: Optional($0.1)) }
        let error = #expect(throws: CommandError.self) { try checkOutputs(both, apartFrom: []) }
        #expect(error?.message.contains("name the same file") == true)
        #expect(throws: Never.self) {
            try checkOutputs([("out", folder.file("a")), ("csv", nil)], apartFrom: [])
        }
    }
}
