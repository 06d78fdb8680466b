import Checkpoints
import Foundation
import Launching
import Runtime
import Tensors
import Testing

/// Every command's own example is typed as its help prints it, one after the other as a user would who reads the help from top to
/// bottom, in a folder where the files that it names are.
@Suite struct ExampleTests {
    /// What the examples are shortened by, so that all of them take seconds.
    ///
    /// Each must still be in its example.
    static let shortened: [String: [(words: String, by: String)]] = [
        "data synthesise": [("--records 600", "--records 40")],
        "evaluate": [
            (
                "--data ecg.purkinje",
                "--data ecg.purkinje --centre-crop --protocols linear --no-controls"
            )
        ],
        "compare": [("--data ecg.purkinje", "--data ecg.purkinje --centre-crop")],
        "doctor": [("/net/ecg/runs", "runs")],
        "bench step": [("--threads 2", "--threads 2 --steps 2")],
        "bench allreduce": [("1M,100M", "100K,1M")],
        "bench parameters": [("--records 64", "--records 4")],
    ]

    @Test func everyExampleDoesWhatItSays() throws {
        let session = try ExampleSession()
        defer { session.remove() }
        let names = try Programs.commandNames()
        #expect(Set(Self.shortened.keys).isSubset(of: names))
        for name in names {
            var line = try example(of: name)
            for (words, shorter) in Self.shortened[name] ?? [] {
                #expect(line.contains(words), "\(name): \(line)")
                line = line.replacingOccurrences(of: words, with: shorter)
            }
            try session.prepare(for: name)
            try session.check(name, line)
        }
        // A coordinator and its workers are typed in terminals of their own.
        try session.prepare(for: "resume")
        try session.checkTogether(
            coordinator: example(of: "", program: "purkinje-coordinator"),
            worker: example(of: "", program: "purkinje-worker"))
    }

    /// The line below "example:" in a command's help.
    private func example(of name: String, program: String = "purkinje") throws -> String {
        let help = try Programs.run(
            name.split(separator: " ").map(String.init) + ["--help"], of: program)
        let place = try #require(help.lines.firstIndex(of: "example:"), "\(name)")
        let rest = help.lines[(place + 1)...].map { $0.trimmingCharacters(in: .whitespaces) }
        let line = rest.prefix { !$0.isEmpty }.joined(separator: " ")
        try #require(
            line.hasPrefix(name.isEmpty ? program : "\(program) \(name)"), "\(name): \(line)")
        // Help and versions are no example of anything.
        for word in ["--help", "-h", "--version"] {
            #expect(!line.split(separator: " ").contains { $0 == word }, "\(line)")
        }
        return line
    }
}

/// A folder with records, configurations and files of scores, in which examples are run.
private struct ExampleSession {
    private let folder: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/purkinje-examples-\(UUID())"
        for part in ["/data", "/cluster/configurations", "/runs"] {
            try FilePath(folder + part).makeFolders()
        }
        for (name, records) in [("ptb-xl", "160"), ("ludb", "8")] {
            try run(
                "purkinje data synthesise --out data/\(name) --records \(records) --seed 8")
        }
        // The configurations that the examples name, with sizes that train in a second.
        for name in ["st-mem-tiny", "st-mem-base"] {
            try AtomicFile.write(
                """
                {
                  "method": "st-mem", "seed": 11, "batchSize": 8, "logicalShards": 4, "steps": 60,
                  "encoder": { "width": 32, "depth": 1, "heads": 1, "headWidth": 32 },
                  "decoder": { "width": 16, "depth": 1, "heads": 1, "headWidth": 16 },
                  "optimizer": { "warmupSteps": 10 },
                  "checkpoint": { "everySteps": 30, "keep": 3 }, "validation": { "everySteps": 0 }
                }
                """, to: FilePath(path("cluster/configurations/\(name).json")))
        }
        try writeScores()
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    private func path(_ name: String) -> String { folder + "/" + name }

    /// Scores and features of forty records of two classes, which overlap.
    private func writeScores() throws {
        let records = 40
        let labels = (0..<records).map { Float($0 % 2) }
        let scores = labels.enumerated().map { index, label in
            label + Float(index * 7 % 13) / 8 - 0.7
        }
        let both = zip(labels, scores).flatMap { label, score in
            [(label, score), (1 - label, -score)]
        }
        try SafetensorsFile.write(
            [
                NamedTensor("scores", Tensor(both.map(\.1), shape: [records, 2])),
                NamedTensor("labels", Tensor(both.map(\.0), shape: [records, 2])),
            ], to: FilePath(path("scores.safetensors")))
        try SafetensorsFile.write(
            [
                NamedTensor("features", Tensor(both.map(\.1), shape: [records, 2])),
                NamedTensor("labels", Tensor(both.map(\.0), shape: [records, 2])),
            ], to: FilePath(path("features.safetensors")))
    }

    /// What a user has done before.
    func prepare(for name: String) throws {
        let files = FileManager.default
        switch name {
        case "pretrain":
            try files.copyItem(atPath: path("ecg.prepared"), toPath: path("ecg.purkinje"))
        case "launch":
            try files.moveItem(atPath: path("runs/first"), toPath: path("runs/second"))
        case "resume":
            // A run that did not come to its end: the last checkpoint is lost.
            let checkpoints = path("runs/first/checkpoints")
            let last = try files.contentsOfDirectory(atPath: checkpoints).filter {
                $0.hasPrefix("step-000000060")
            }
            try #require(!last.isEmpty)
            for name in last { try files.removeItem(atPath: checkpoints + "/" + name) }
        default: break
        }
    }

    /// Runs an example and looks whether what it was to write is there, and whether it said something.
    func check(_ name: String, _ line: String) throws {
        let words = line.split(separator: " ").map(String.init)
        let outputs = zip(words, words.dropFirst()).filter { option, _ in
            ["--out", "--svg", "--report", "--csv", "--run"].contains(option)
        }.map(\.1)
        for output in outputs where !isInput(output, of: name) {
            try? FileManager.default.removeItem(atPath: path(output))
        }
        let lines = try run(line, codes: name == "doctor" ? [0, 1] : [0])
        #expect(!lines.isEmpty, "\(line)")
        #expect(!lines.contains { $0.hasPrefix("usage: purkinje") }, "\(line): \(lines)")
        #expect(
            !outputs.isEmpty || Self.said[name] != nil,
            "\(name): no output of this example is looked at; name a word of it in 'said'")
        for output in outputs {
            let size = try? FilePath(path(output)).entries().count
            let content = FileManager.default.contents(atPath: path(output))?.count
            #expect((size ?? content ?? 0) > 0, "\(line): no \(output)")
        }
        if words.contains("--json") {
            let last = try #require(lines.last, "\(line)")
            #expect(throws: Never.self, "\(line): \(last)") { try JSONValue(parsing: last.utf8) }
        }
        if let said = Self.said[name] {
            #expect(lines.contains { $0.contains(said) }, "\(line): \(lines)")
        }
    }

    /// Runs the examples of the two other programs at the same time, with as many workers as the coordinator waits for.
    func checkTogether(coordinator: String, worker: String) throws {
        let words = coordinator.split(separator: " ")
        let place = try #require(words.firstIndex(of: "--workers"), "\(coordinator)")
        let count = try #require(Int(words[place + 1]), "\(coordinator)")
        let lines = try run(
            """
            \(coordinator) 2>&1 & processes=$!
            for number in $(seq \(count)); do \(worker) 2>&1 & processes="$processes $!"; done
            for process in $processes; do wait $process || echo "a process ended with $?"; done
            """)
        #expect(!lines.contains { $0.hasPrefix("a process ended with") }, "\(lines)")
        for text in ["going back to checkpoint step-000000030", "finished step 60"] {
            #expect(lines.contains { $0.contains(text) }, "\(text): \(lines)")
        }
        let ends = lines.filter { $0.hasPrefix("worker: ") && $0.contains("60") }
        #expect(ends.count >= count, "\(lines)")
    }

    /// Words of results, beside the files.
    private static let said = [
        "data inspect": "12 signals", "parameters": "heart_rate_per_minute",
        "pretrain": "finished at step 60", "launch": "finished step 60",
        "resume": "going back to checkpoint step-000000030", "status": "step 60/60",
        "verify": "all states are what the checkpoints hold",
        "compare": "random",
        "metrics": "auroc", "doctor": "checks", "checkpoint list": "sha256:",
        "checkpoint verify": "every byte is sound", "checkpoint digest": "step=60",
        "bench step": "GFLOP/s", "bench probe": "converged", "bench allreduce": "GB/s",
        "bench compression": "planes4: ratio", "bench parameters": "records a second",
    ]

    /// Whether a command reads what stands behind `--run`.
    private func isInput(_ path: String, of name: String) -> Bool {
        path.hasPrefix("runs/") && !["pretrain", "launch", "checkpoint import"].contains(name)
    }

    @discardableResult
    private func run(_ line: String, codes: Set<Int32> = [0]) throws -> [String] {
        let shell = try Programs.runShell(
            "cd \"$1\" && PATH=\"$2:$PATH\" && eval \"$3\"", [folder, Programs.folder, line])
        let code = shell.wait(timeout: .seconds(1))
        #expect(code.map(codes.contains) == true, "\(line): code \(code ?? -1), \(shell.lines)")
        return shell.lines
    }
}
