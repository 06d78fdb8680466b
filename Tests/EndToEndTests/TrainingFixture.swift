import Foundation
import Launching
import Runtime
import Testing

/// A small data set, a very small model, and the digests that every way of training them has to reach.
struct TrainingFixture: Sendable {
    @TaskLocal static var current: TrainingFixture?

    /// Steps of every run.
    static let steps = 60

    let folder: String
    var data: String { folder + "/ecg.purkinje" }
    var configuration: String { folder + "/configuration.json" }
    private let references: Locked<[String: String]> = Locked([:])

    /// Synthesises and prepares the records with the programs themselves.
    init() throws {
        folder =
            FileManager.default.temporaryDirectory.path
            + "/purkinje-end-to-end-\(getpid())-\(UUID())"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        let synthesis = try Programs.run([
            "data", "synthesise", "--out", folder + "/ecg", "--records", "40", "--seed", "5",
        ])
        try #require(synthesis.code == 0, "\(synthesis.lines)")
        let preparation = try Programs.run([
            "data", "prepare", "--source", folder + "/ecg", "--out", data,
        ])
        try #require(preparation.code == 0, "\(preparation.lines)")
        // Eight shards, so that five workers have unequal numbers of them; a checkpoint often enough to be cut short.
        try AtomicFile.write(
            """
            {
              "method": "st-mem", "seed": 11,
              "batchSize": 16, "logicalShards": 8, "steps": \(Self.steps),
              "encoder": { "width": 64, "depth": 2, "heads": 2, "headWidth": 32 },
              "decoder": { "width": 32, "depth": 1, "heads": 1, "headWidth": 32 },
              "optimizer": { "learningRate": 1e-3, "warmupSteps": 10 },
              "exchange": { "compression": "none" },
              "checkpoint": { "everySteps": 9, "keep": 3 },
              "validation": { "everySteps": 25 }
            }
            """, to: FilePath(configuration))
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    /// A new run directory's path.
    func newRun(_ name: String) -> String {
        "\(folder)/run-\(name)-\(UUID())"
    }

    /// The flags that `pretrain` and `launch` have in common.
    func flags(run: String, set overrides: [String] = []) -> [String] {
        ["--config", configuration, "--data", data, "--run", run]
            + overrides.flatMap { ["--set", $0] }
    }

    /// The digest that one process with one thread reaches.
    func referenceDigest(set overrides: [String] = []) throws -> String {
        let key = overrides.joined(separator: " ")
        if let known = references.withLock({ $0[key] }) { return known }
        let run = newRun("reference")
        let result = try Programs.run(
            ["pretrain"] + flags(run: run, set: overrides) + ["--threads", "1"])
        try #require(result.code == 0, "\(result.lines.suffix(20))")
        let digest = try finalDigest(of: run)
        references.withLock { $0[key] = digest }
        return digest
    }

    /// The digest of the last step, computed from the bytes.
    func finalDigest(of run: String, step: Int = steps) throws -> String {
        let result = try Programs.run(["checkpoint", "digest", run])
        let line = try #require(
            result.lines.first { $0.hasPrefix("sha256:") }, "\(result.lines)")
        #expect(line.hasSuffix(" step=\(step)"), "\(line)")
        return String(line.prefix { $0 != " " })
    }

    /// Waits until a run has made a step.
    ///
    /// - Returns: Whether it came to that step before `process` ended.
    func waitForStep(_ step: Int, of run: String, while process: Running) -> Bool {
        var follower = LineFollower(path: FilePath(run + "/metrics.jsonl"), fromEnd: false)
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline {
            for line in follower.newLines() {
                let value = try? JSONValue(parsing: line.utf8)
                if let made = value?["step"]?.integerValue, made >= step { return true }
            }
            if process.wait(timeout: .milliseconds(5)) != nil { return false }
        }
        return false
    }

    /// The lines of a file of the run as JSON values.
    func lines(of file: String, in run: String) -> [JSONValue] {
        let content = FileManager.default.contents(atPath: "\(run)/\(file)") ?? Data()
        return content.split(separator: 10).compactMap { try? JSONValue(parsing: $0) }
    }

    /// Whether every step has one line, in order, and how many workers it had.
    func worldSizes(of run: String, steps count: Int = steps) -> [Int] {
        let steps = lines(of: "metrics.jsonl", in: run).filter { $0["loss"] != nil }
        #expect(steps.compactMap { $0["step"]?.integerValue } == Array(1...count))
        return steps.compactMap { $0["world_size"]?.integerValue }
    }
}

/// Makes the fixture once for a suite, and removes it behind the last test.
struct WithTrainingFixture: SuiteTrait, TestScoping {
    let isRecursive = false

    func provideScope(
        for test: Test, testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        let fixture = try TrainingFixture()
        defer { fixture.remove() }
        try await TrainingFixture.$current.withValue(fixture) { try await function() }
    }
}

extension Trait where Self == WithTrainingFixture {
    static var trainingFixture: Self { WithTrainingFixture() }
}
