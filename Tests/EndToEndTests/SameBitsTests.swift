import Foundation
import Runtime
import Testing

/// The promise: the training state after the last step does not depend on who computed it, or on what went wrong.
///
/// Every test runs real processes and compares `checkpoint digest` with that of one process with one thread.
@Suite(.serialized, .trainingFixture, .namesItsSeed) struct SameBitsTests {
    private let fixture: TrainingFixture

    init() throws { fixture = try #require(TrainingFixture.current) }

    private func launch(
        run: String, workers: Int, set overrides: [String] = [], more: [String] = []
    ) throws -> Running {
        try Running(
            "purkinje",
            ["launch"] + fixture.flags(run: run, set: overrides)
                + ["--workers", "\(workers)", "--threads", "1"] + more)
    }

    private func expectSameBits(_ run: String, set overrides: [String] = []) throws {
        let reference = try fixture.referenceDigest(set: overrides)
        #expect(try fixture.finalDigest(of: run) == reference)
    }

    private func expectSuccess(_ process: Running) {
        let code = process.wait()
        #expect(code == 0, "\(process.lines.suffix(40).joined(separator: "\n"))")
    }

    @Test func oneProcessWithTwoThreads() throws {
        let run = fixture.newRun("threads")
        let result = try Programs.run(
            ["pretrain"] + fixture.flags(run: run) + ["--threads", "2"])
        #expect(result.code == 0, "\(result.lines.suffix(20))")
        try expectSameBits(run)
        let again = try Programs.run(["pretrain"] + fixture.flags(run: run) + ["--fresh"])
        #expect(again.code == 2, "\(again.lines.suffix(20))")
    }

    @Test func oneProcessKilledAndResumed() throws {
        let run = fixture.newRun("one-killed")
        var chance = Chance("one-killed")
        let process = try Running(
            "purkinje", ["pretrain"] + fixture.flags(run: run) + ["--threads", "2"])
        #expect(fixture.waitForStep(chance.number(in: 12...40), of: run, while: process))
        process.killTree()
        _ = process.wait()
        let rest = try Programs.run(["resume", run, "--workers", "0", "--threads", "1"])
        #expect(rest.code == 0, "\(rest.lines.suffix(20))")
        #expect(fixture.worldSizes(of: run).count == TrainingFixture.steps)
        try expectSameBits(run)
    }

    @Test(arguments: [1, 2, 3, 5]) func launchedWithWorkers(count: Int) throws {
        let run = fixture.newRun("workers-\(count)")
        expectSuccess(try launch(run: run, workers: count))
        #expect(fixture.worldSizes(of: run).last == count)
        try expectSameBits(run)
    }

    @Test func launchedOverARemoteShell() throws {
        // A stand-in for ssh, which takes a host and a command, and runs the command here.
        let script = fixture.folder + "/ssh"
        let hosts = fixture.folder + "/hosts"
        try AtomicFile.write("shift\nexec sh -c \"$1\"\n", to: FilePath(script))
        try AtomicFile.write("one\ntwo threads=2\n", to: FilePath(hosts))
        let run = fixture.newRun("remote")
        let process = try launch(
            run: run, workers: 2, more: ["--hosts", hosts, "--ssh", "sh \(script)"])
        expectSuccess(process)
        #expect(process.lines.contains { $0.hasPrefix("two ") && $0.hasSuffix("fit") })
        try expectSameBits(run)
    }

    @Test func compressedExchange() throws {
        let run = fixture.newRun("zlib")
        expectSuccess(try launch(run: run, workers: 2, set: ["exchange.compression=zlib"]))
        // Compression is lossless, so the reference is the run without it.
        try expectSameBits(run)
    }

    @Test func killedAsAWholeAndResumedWithOtherNumbersOfWorkers() throws {
        let run = fixture.newRun("killed")
        var chance = Chance("killed")
        let first = try launch(run: run, workers: 3)
        #expect(fixture.waitForStep(chance.number(in: 12...24), of: run, while: first))
        first.killTree()
        _ = first.wait()
        let second = try Running("purkinje", ["resume", run, "--workers", "2", "--threads", "1"])
        #expect(fixture.waitForStep(chance.number(in: 32...40), of: run, while: second))
        second.killTree()
        _ = second.wait()
        let last = try Programs.run(["resume", run, "--workers", "0", "--threads", "2"])
        #expect(last.code == 0, "\(last.lines.suffix(20))")
        #expect(fixture.worldSizes(of: run).count == TrainingFixture.steps)
        try expectSameBits(run)
    }

    @Test func interruptedWithACheckpointAndGoneOnWithByTheSameCommand() throws {
        let run = fixture.newRun("interrupted")
        let first = try launch(run: run, workers: 2)
        #expect(fixture.waitForStep(14, of: run, while: first))
        first.send(signal: SIGINT)
        #expect(first.wait() == 130, "\(first.lines.suffix(20))")
        let list = try Programs.run(["checkpoint", "digest", run])
        #expect(list.code == 0)
        expectSuccess(try launch(run: run, workers: 3))
        try expectSameBits(run)
    }

    @Test func aWorkerKilledInMidStep() throws {
        let run = fixture.newRun("worker-killed")
        let process = try launch(run: run, workers: 3)
        #expect(fixture.waitForStep(10, of: run, while: process))
        let workers = process.children(named: "purkinje-worker")
        #expect(workers.count == 3)
        var chance = Chance("worker-killed")
        if let victim = chance.choice(of: workers) { kill(victim, SIGKILL) }
        expectSuccess(process)
        #expect(fixture.worldSizes(of: run).contains(2))
        try expectSameBits(run)
    }

    @Test func aWorkerFrozenInMidStep() throws {
        let run = fixture.newRun("worker-frozen")
        let process = try launch(
            run: run, workers: 2, more: ["--failure-timeout", "1s"])
        #expect(fixture.waitForStep(10, of: run, while: process))
        let victim = try #require(process.children(named: "purkinje-worker").first)
        kill(victim, SIGSTOP)
        defer { kill(victim, SIGCONT) }
        #expect(fixture.waitForStep(30, of: run, while: process))
        kill(victim, SIGCONT)
        expectSuccess(process)
        #expect(fixture.worldSizes(of: run).contains(1))
        try expectSameBits(run)
    }

    @Test func theCoordinatorKilledAndStartedAgain() throws {
        let run = fixture.newRun("coordinator-killed")
        let process = try launch(run: run, workers: 2)
        #expect(fixture.waitForStep(15, of: run, while: process))
        let coordinator = try #require(process.children(named: "purkinje-coordinator").first)
        kill(coordinator, SIGKILL)
        expectSuccess(process)
        #expect(FileManager.default.fileExists(atPath: run + "/term-2"))
        #expect(fixture.worldSizes(of: run).count == TrainingFixture.steps)
        try expectSameBits(run)
    }

    @Test func aWorkerThatJoinsLateAndOneThatLeaves() throws {
        let run = fixture.newRun("late")
        let coordinator = try Running(
            "purkinje-coordinator", fixture.flags(run: run) + ["--workers", "1"])
        let worker = ["--run", run, "--threads", "1"]
        let first = try Running("purkinje-worker", worker)
        #expect(fixture.waitForStep(2, of: run, while: coordinator), "\(coordinator.lines)")
        let second = try Running("purkinje-worker", worker)
        // Once two have made a step together, the first one is asked to leave.
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline, !coordinator.hasEnded {
            let sizes = fixture.lines(of: "metrics.jsonl", in: run).suffix(1)
            if sizes.contains(where: { $0["world_size"]?.integerValue == 2 }) { break }
            _ = coordinator.wait(timeout: .milliseconds(10))
        }
        first.send(signal: SIGTERM)
        #expect(first.wait(timeout: .seconds(60)) == 0, "\(first.lines.suffix(20))")
        #expect(coordinator.wait() == 0, "\(coordinator.lines.suffix(20))")
        #expect(second.wait(timeout: .seconds(60)) == 0, "\(second.lines.suffix(20))")
        let sizes = fixture.worldSizes(of: run)
        #expect(sizes.contains(2))
        #expect(sizes.last == 1)
        try expectSameBits(run)
    }

    @Test func aStepComputedAgainWhileAWorkerDies() throws {
        // With so small a margin the predicted exponents are too small in almost every step.
        let shrunk = ["exchange.marginBits=-8"]
        let run = fixture.newRun("recomputed")
        let process = try launch(run: run, workers: 3, set: shrunk)
        #expect(fixture.waitForStep(12, of: run, while: process))
        var chance = Chance("recomputed")
        if let victim = chance.choice(of: process.children(named: "purkinje-worker")) {
            kill(victim, SIGKILL)
        }
        expectSuccess(process)
        let recomputed = fixture.lines(of: "metrics.jsonl", in: run).filter {
            $0["recomputed"]?.booleanValue == true
        }
        #expect(recomputed.count > TrainingFixture.steps / 2)
        try expectSameBits(run, set: shrunk)
        #expect(try fixture.referenceDigest(set: shrunk) != fixture.referenceDigest())
    }
}
