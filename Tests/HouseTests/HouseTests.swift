import Foundation
import Runtime
import TestSupport
import Testing

/// Rules of the house that neither the compiler nor the formatter checks.
@Suite struct HouseTests {
    private static func isText(_ path: String) -> Bool {
        ![".safetensors", ".png", ".dat"].contains { path.hasSuffix($0) }
    }

    @Test func noFileIsTooLong() throws {
        let files = try Tree.files().filter { $0.hasSuffix(".swift") || $0.hasPrefix("scripts/") }
        #expect(files.count > 500)
        for file in files {
            let count = try Tree.lines(file).count
            #expect(count <= 500, "\(file) has \(count) lines: two ideas, for two files")
        }
    }

    @Test func everyFileThatADocumentNamesExists() throws {
        let documents = try Tree.files().filter { $0.hasSuffix(".md") }
        #expect(documents.count > 20)
        for document in documents {
            let text = try Tree.text(document)
            let folder = document.split(separator: "/").dropLast().joined(separator: "/")
            for match in text.matches(of: /\]\(([^)#\s]+)[^)]*\)/)
            where !match.1.contains("://") {
                let path = folder.isEmpty ? String(match.1) : folder + "/" + match.1
                #expect(Tree.exists(path), "\(document) links to \(match.1)")
            }
            let path = /(?:^|[^\w\/.\-])((?:scripts|docs|cluster|Sources|Tests|\.ci)\/[\w.\/+*\-]+)/
            for match in text.matches(of: path) where !match.1.contains("*") {
                let name = String(match.1.replacing(/[.\-]+$/, with: ""))
                #expect(Tree.exists(name), "\(document) names \(name)")
            }
        }
    }

    @Test func nothingKnowsTheMachineThatItWasWrittenOn() throws {
        // Put together here, so that this file does not have them either.
        let roots = ["home", "Users", "root", "work"].map { "/" + $0 + "/" }
        for file in try Tree.files() where Self.isText(file) {
            for (number, line) in try Tree.lines(file).enumerated() {
                for root in roots {
                    guard let range = line.range(of: root) else { continue }
                    // Only where a path begins: after nothing, a space, a quote or an equals sign.
                    let before = line[..<range.lowerBound].last
                    #expect(
                        before.map { $0.isLetter || $0.isNumber || "/.})_-~".contains($0) }
                            ?? false,
                        "\(file), line \(number + 1): \(line)")
                }
            }
        }
    }

    /// Functions and types that only tests use, and why they may stay.
    private static let usedByTestsOnly: Set = [
        // Compared with the published model's.
        "predict", "deviationOfDifference",
        // What a test asks a queue, a frame or an error.
        "droppedCount", "rawPayload", "isFullDisk",
    ]

    @Test func nothingIsDeclaredForNobody() throws {
        let sources = try Tree.files().filter {
            $0.hasPrefix("Sources/") && $0.hasSuffix(".swift")
        }
        var counts: [Substring: Int] = [:]
        var declared: [(file: String, name: Substring)] = []
        let kinds: Set<Substring> = [
            "func", "struct", "class", "enum", "protocol", "actor", "typealias",
        ]
        for file in sources {
            let lines = try Tree.lines(file)
            for line in lines {
                let parts = Tree.code(line).split(separator: " ")
                for (part, next) in zip(parts, parts.dropFirst()) where kinds.contains(part) {
                    let name = next.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
                    if !name.isEmpty { declared.append((file, name)) }
                }
            }
            for word in Tree.words(lines) { counts[word, default: 0] += 1 }
        }
        #expect(declared.count > 1_500)
        for (file, name) in declared where counts[name, default: 0] == 1 {
            #expect(
                Self.usedByTestsOnly.contains(String(name)),
                "\(file) declares \(name), which nothing uses")
        }
    }

    @Test func everyKernelIsTested() throws {
        let files = try Tree.files()
        let tests = try files.filter { $0.hasPrefix("Tests/KernelsTests/") }.map(Tree.text)
        var count = 0
        for file in files where file.hasPrefix("Sources/Kernels/") {
            for line in try Tree.lines(file) {
                guard let match = line.firstMatch(of: /^ *public (?:static |mutating )*func (\w+)/)
                else { continue }
                count += 1
                // Called with arguments, or with a closure behind it.
                #expect(
                    tests.contains { $0.contains("\(match.1)(") || $0.contains("\(match.1) {") },
                    "\(file): no test in Tests/KernelsTests calls \(match.1)")
            }
        }
        #expect(count > 50)
    }

    @Test func everyScriptAndEveryPictureIsNamedSomewhere() throws {
        let files = try Tree.files()
        let texts = try files.filter(Self.isText).map { ($0, try Tree.text($0)) }
        for file in files where file.hasPrefix("scripts/") || file.hasPrefix("docs/") {
            var name = file.split(separator: "/").last ?? ""
            if name.hasSuffix(".py") { name = name.dropLast(3) }
            #expect(
                texts.contains { $0.0 != file && $0.1.contains(name) }, "nothing names \(file)")
        }
    }

    @Test func goldenFilesAreThoseOfTheirList() throws {
        let list = try JSONValue(parsing: Tree.text("Tests/Golden/manifest.json").utf8)
        let named = (list.arrayValue ?? []).compactMap { $0["file"]?.stringValue }
        let there = try Tree.files().filter { $0.hasPrefix("Tests/Golden/") }
            .map { String($0.dropFirst("Tests/Golden/".count)) }
        #expect(Set(there) == Set(named).union(["manifest.json", "README.md"]))
        for entry in list.arrayValue ?? [] {
            let path = "\(Fixtures.goldenFolder)/\(entry["file"]?.stringValue ?? "")"
            let size = try FilePath(path).contents().count
            #expect(entry["bytes"]?.integerValue.map { Int($0) } == size, "\(path)")
        }
    }

    @Test func testsAreSkippedOnlyForWhatCannotBeInTheRepository() throws {
        for file in try Tree.files()
        where file.hasPrefix("Tests/") && file != "Tests/TestSupport/Fixtures.swift" {
            guard file.hasSuffix(".swift") else { continue }
            for (number, line) in try Tree.lines(file).enumerated() {
                for trait in ["enabled(" + "if:", "." + "disabled("] where line.contains(trait) {
                    Issue.record("\(file), line \(number + 1): a skip of its own kind: \(line)")
                }
            }
        }
    }

    @Test func chanceHasASeed() throws {
        for file in try Tree.files() where file.hasPrefix("Tests/") && file.hasSuffix(".swift") {
            for (number, line) in try Tree.lines(file).enumerated() {
                let draws = [".random" + "(in:", "randomElement" + "(", ".shuffled" + "("]
                guard draws.contains(where: line.contains) else { continue }
                #expect(line.contains("using:"), "\(file), line \(number + 1): \(line)")
            }
        }
        for file in try Tree.files() where file.hasPrefix("scripts/") {
            let text = try Tree.text(file)
            guard text.contains("RANDOM") else { continue }
            #expect(text.contains(/(^|\n)RANDOM=/), "\(file) draws without a seed of its own")
        }
    }
}
