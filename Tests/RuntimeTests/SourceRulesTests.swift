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
        ("Checkpoints", []), ("Pretraining", []), ("Evaluation", []),
        // What these measure is the machine itself.
        ("Training", ["ComputeThread.swift", "StepBenchmark.swift"]),
        // These stamp with the date what they write.
        ("Runs", ["EventLog.swift", "JSONLines.swift", "TensorBoardFile.swift"]),
    ])
    func timeIsHandedIn(room: String, exceptions: [String]) throws {
        let folder = FilePath(Fixtures.packageFolder).appending("Sources/\(room)")
        let files = try swiftFiles(below: folder).filter { file in
            !exceptions.contains { "\(file)".hasSuffix("/\($0)") }
        }
        #expect(files.count > 9)
        let forbidden = [
            "ContinuousClock.now", "ContinuousClock()", " .now", "(.now", "Date()", "clock_gettime",
            "sleep(", " poll(", "SystemClock().now",
        ]
        try look(in: files) { line in forbidden.contains { line.contains($0) } }
    }

    /// Ways to a file of the machine, of which none begins with a file system that was handed in.
    nonisolated(unsafe) private static let waysToFiles: [Regex<Substring>] = [
        /\b(?:SystemFiles?|FileHandleOwner|AtomicFile|MappedFile|SafetensorsFile)\b *[(.]/,
        /Foundation\.(?:open|read|write|rename|truncate|mkdir|remove)\(|\bO_(?:RDONLY|WRONLY|RDWR)\b/,
        /\b(?:ftruncate|fsync|flock|pread|pwrite|lseek|readlink|opendir|unlink|rmdir|mkdir)\(/,
        // What a path asks of the machine by itself.
        /\.(?:exists|isFolder)\b(?!\()/,
        /\.(?:contents|names|entries|linkTarget|followingLinks|real|makeFolders?|removeFolder)\(\)/,
        /\.(?:permits|makeNewFolder)\((?:[A-Z]_OK|mode:|\))/,
        /\.rename\(to:/,
        /(?:[pP]ath|[fF]older|trash|directory)(?:\([^)]*\))?\.(?:removeAll|remove|status)\(\)/,
    ]

    private static func opensFile(_ line: String) -> Bool {
        // As C would see it: a point ends a word.
        waysToFiles.contains { line.contains($0.wordBoundaryKind(.simple)) }
    }

    /// Whoever keeps something in files is handed the file system, so that tests can give a disk that is full, or forgets.
    ///
    /// The file system is in the run's directory and in its store of checkpoints; who makes those without naming one means
    /// the machine's own.
    @Test(
        arguments: [
            ("Transport", [:]), ("Collectives", [:]),
            (
                "Runs",
                [
                    "RunDirectory.swift": [
                        "public init(path: FilePath, in files: any FileSystem = SystemFiles())"
                    ]
                ]
            ),
            (
                "Checkpoints",
                [
                    "CheckpointStore.swift": [
                        "public init(path: FilePath, in files: any FileSystem = SystemFiles())",
                        "case .system, .damaged, .absent, .noStep, .exists, .busy: report(name, error)",
                    ],
                    // Weights of others are mapped: they may be larger than the memory. They are written where a user says.
                    "SafetensorsFile.swift": [
                        "mapping = try MappedFile(path: path)",
                        "in files: any FileSystem = SystemFiles()",
                    ],
                ]
            ),
            // What the kernel says of this process is no file that anybody keeps.
            ("Cluster", ["WorkerDriver.swift": ["FilePath(\"/proc/self/statm\").contents()"]]),
            ("Training", [:]),
        ] as [(String, [String: [String]])])
    func filesAreHandedIn(room: String, exceptions: [String: [String]]) throws {
        let folder = FilePath(Fixtures.packageFolder).appending("Sources/\(room)")
        let files = try swiftFiles(below: folder)
        #expect(files.count > 10)
        var open = exceptions
        for file in files {
            let allowed = open.removeValue(forKey: file.lastComponent.text) ?? []
            var met: Set<String> = []
            try look(in: [file]) { line in
                guard Self.opensFile(line) else { return false }
                let reason = allowed.first { line.contains($0) }
                if let reason { met.insert(reason) }
                return reason == nil
            }
            #expect(met == Set(allowed), "\(file)")
        }
        #expect(open.isEmpty, "exceptions for files that are not there")
    }

    /// A way to a run's files, or to its checkpoints, that goes past the file system of its directory.
    nonisolated(unsafe) private static let waysPastTheDirectory: [Regex<Substring>] = [
        /\bCheckpointStore *\(/,
        /\b(?:(?:configuration|coordinator|metrics|events|tensorBoard|checkpoints)Path|(?:journal|term)Path\([^)]*\))\.(?:exists|isFolder|status|contents|names|entries|remove|removeAll|makeFolders?|rename|permits)\b/,
        /\b(?:MappedFile|AtomicFile|SystemFiles)\b.*\b(?:directory|run)\.(?:path|\w+Path)\b/,
        /\b(?:directory|run)\.path(?:\.appending\([^)]*\)| \+ "[^"]*")?\.(?:exists|contents|status)\b/,
    ]

    private static func goesPastTheDirectory(_ line: String) -> Bool {
        waysPastTheDirectory.contains { line.contains($0.wordBoundaryKind(.simple)) }
    }

    /// Whoever is handed a run has its file system with it.
    @Test func aRunIsReachedThroughItsDirectory() throws {
        let sources = FilePath(Fixtures.packageFolder).appending("Sources")
        let maker = "CheckpointStore { CheckpointStore(path: checkpointsPath, in: files) }"
        var count = 0
        try look(in: swiftFiles(below: sources)) { line in
            if line.contains(maker) { count += 1 }
            return Self.goesPastTheDirectory(line) && !line.contains(maker)
        }
        #expect(count == 1)
    }

    @Test(arguments: [
        ("let store = CheckpointStore(path: directory.checkpointsPath)", true),
        ("let age = try? directory.metricsPath.status()", true),
        ("if run.configurationPath.exists {", true),
        ("try directory.journalPath(term: 1).removeAll()", true),
        ("try AtomicFile.write(text, to: directory.path + \"/x.json\")", true),
        ("let text = try run.path.appending(\"x.json\").contents()", true),
        ("let store = directory.checkpoints", false),
        ("try directory.files.status(of: directory.metricsPath)", false),
        ("throw .absent(path: directory.path)", false),
        ("private let store: CheckpointStore", false), ("run.path.absolute", false),
    ])
    func theRuleForRunsKnowsWhatItForbids(line: String, isForbidden: Bool) {
        #expect(Self.goesPastTheDirectory(line) == isForbidden)
    }

    /// Numbers that nobody can repeat come in where something is named, and nowhere else.
    @Test(arguments: ["Transport", "Collectives", "Runs", "Checkpoints", "Cluster", "Training"])
    func chanceIsHandedIn(room: String) throws {
        let names = [
            "public static func random() ->", "id: .random()", "id = WorkerID.random()",
            "RunID(bytes: (0..<16)",
        ]
        let folder = FilePath(Fixtures.packageFolder).appending("Sources/\(room)")
        try look(in: swiftFiles(below: folder)) { line in
            let isChance = ["UUID()", "SystemRandomNumberGenerator", "random(in:", ".random()"]
                .contains { line.contains($0) }
            return isChance && !names.contains { line.contains($0) }
        }
    }

    @Test func theRuleForFilesKnowsWhatItForbids() {
        let forbidden = [
            "let file = try FileHandleOwner.open(path, O_RDONLY | O_CLOEXEC)",
            "try AtomicFile.write(text, to: path)", "let bytes = try path.contents()",
            "guard path.exists else { return nil }", "if folder.isFolder {",
            "try partial.path.removeAll()", "try path.rename(to: other)",
            "for name in try path.names() {", "let data = try MappedFile(path: path)",
            "let descriptor = Foundation.open(path, O_RDONLY)", "try directory.path.makeFolders()",
            "try folder(of: name).removeAll()", "guard flock(descriptor, LOCK_EX) == 0",
            "let size = try path.status().byteCount", "let files = SystemFiles()",
        ]
        for line in forbidden { #expect(Self.opensFile(line), "\(line)") }
        let allowed = [
            "let file = try files.open(path, .reading)", "try files.write(text, to: path)",
            "guard files.exists(path) else { return nil }", "throw .exists(path: path)",
            "inputs.removeAll()", "try files.rename(old, to: new)", "names(in: folder)",
            "try journal.synchronise()", "let status = try file.status()",
            "try directory.open(configuration: nil, dataPath: nil, dataDigest: nil)",
        ]
        for line in allowed { #expect(!Self.opensFile(line), "\(line)") }
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
