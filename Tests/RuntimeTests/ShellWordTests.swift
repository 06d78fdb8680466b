import Foundation
import Runtime
import Testing

@Suite struct ShellWordTests {
    @Test(arguments: ["runs/first", "a_b-c.d,e:f=g+h@i%j", "optimizer.learningRate=1e-3"])
    func leavesPlainWordsAlone(word: String) { #expect(word.shellWord == word) }

    @Test(arguments: [
        ("", "''"), ("my run", "'my run'"), ("it's", "'it'\\''s'"), ("~", "'~'"),
        ("$HOME", "'$HOME'"),
        ("a;b", "'a;b'"), ("*", "'*'"), ("Müller", "'Müller'"), ("\"", "'\"'"), ("\\", "'\\'"),
    ])
    func quotesTheRest(word: String, quoted: String) { #expect(word.shellWord == quoted) }

    @Test func noNameIsTakenForAFlagAndBytesComeBack() {
        #expect(FilePath("-rf").shellWord == "./-rf")
        #expect(FilePath("--my run").shellWord == "'./--my run'")
        #expect(FilePath(bytes: [0x61, 0xE4]).shellWord == #"$'a\xE4'"#)
    }

    @Test func bashReadsBytesBack() throws {
        let names: [[UInt8]] = [
            [0x61, 0xE4], [0x2D, 0xFF, 0x27, 0x5C, 0x41], [0x0A, 0x41, 0x20], [0xC3, 0x28, 0x30],
            Array("a\\x41".utf8),
        ]
        for name in names {
            let process = Process()
            process.executableURL = URL(filePath: "/bin/bash")
            process.arguments = ["-c", "printf %s " + FilePath(bytes: name).shellWord]
            let output = Pipe()
            process.standardOutput = output
            try process.run()
            let read = Array(output.fileHandleForReading.readDataToEndOfFile())
            process.waitUntilExit()
            #expect(read == (name.first == 0x2D ? Array("./".utf8) : []) + name)
        }
    }

    /// A shell reads every word back.
    @Test func aShellAgrees() throws {
        let words = [
            "my run", "it's", "$(date)", "`x`", "a\\b", "", "~/x", "#", "!x", "{a,b}", "a\nb",
        ]
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = [
            "-c", "printf '%s\\0' " + words.map(\.shellWord).joined(separator: " "),
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let read = bytes.split(separator: 0, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        #expect(Array(read.dropLast()) == words)
    }
}
