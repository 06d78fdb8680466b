import Foundation
import Runtime
import Testing

/// Signals in every state, streams without a reader, and a launcher that is gone: what was trained is saved, and the
/// bits are those of a run that nobody disturbed.
@Suite(.serialized, .trainingFixture, .namesItsSeed) struct InterruptionTests {
    private let fixture: TrainingFixture

    init() throws { fixture = try #require(TrainingFixture.current) }

    /// A long run, so that it is always the test that ends it.
    private func train(_ command: String, run: String, more: [String] = []) -> [String] {
        [command] + fixture.flags(run: run, set: ["steps=5000", "checkpoint.everySteps=4000"])
            + ["--threads", "1"] + more
    }

    private func lastStep(of run: String) -> Int {
        fixture.lines(of: "metrics.jsonl", in: run).filter { $0["loss"] != nil }
            .compactMap { $0["step"]?.integerValue }.max() ?? 0
    }

    /// Expects that the newest checkpoint is of the last step.
    private func expectSaved(_ run: String, _ text: String) throws {
        let step = lastStep(of: run)
        let result = try Programs.run(["checkpoint", "digest", run])
        #expect(result.lines.last?.hasSuffix(" step=\(step)") == true, "\(text): \(result.lines)")
    }

    @Test(arguments: ["pretrain", "launch"]) func signalsOneAfterTheOtherLoseNothing(
        command: String
    ) throws {
        let run = fixture.newRun("signals-\(command)")
        var chance = Chance("signals-\(command)")
        for signals in [[SIGTERM, SIGTERM], [SIGUSR1], [SIGHUP, SIGINT, SIGTERM]] {
            let process = try Running(
                "purkinje",
                train(command, run: run, more: command == "launch" ? ["--workers", "2"] : []))
            // Somewhere from its start to well within training.
            let before = lastStep(of: run)
            let step = before + chance.number(in: 0...3)
            if step > 0 { #expect(fixture.waitForStep(step, of: run, while: process)) }
            for signal in signals { process.send(signal: signal) }
            let code = process.wait(timeout: .seconds(60)) ?? -1
            // A signal before the program has begun ends it as the system does.
            let isEarly = lastStep(of: run) == before && signals.contains(code - 128)
            #expect(code == 130 || isEarly, "\(signals): code \(code), \(process.lines.suffix(20))")
            if before > 0 || !isEarly { try expectSaved(run, "\(signals) at step \(step)") }
        }
    }

    /// A journal in which no worker ever came knows no step, whatever the checkpoints hold.
    @Test func coordinatorsThatEndBeforeAnyWorkerCameForgetNothing() throws {
        let run = fixture.newRun("no-workers")
        let first = try Programs.run(train("pretrain", run: run, more: ["--steps", "3"]))
        #expect(first.code == 0, "\(first.lines)")
        for _ in 0..<2 {
            let coordinator = try Running(
                "purkinje-coordinator", ["--run", run, "--workers", "2", "--no-progress"])
            #expect(coordinator.waitForLine(containing: "step 3"), "\(coordinator.lines)")
            coordinator.send(signal: SIGTERM)
            #expect(coordinator.wait(timeout: .seconds(60)) == 130, "\(coordinator.lines)")
            try expectSaved(run, "without workers")
        }
        let launch = try Programs.run(
            train("launch", run: run, more: ["--workers", "2", "--steps", "5"]))
        #expect(launch.code == 0, "\(launch.lines.suffix(20))")
        let steps = fixture.lines(of: "metrics.jsonl", in: run).filter { $0["loss"] != nil }
            .compactMap { $0["step"]?.integerValue }
        #expect(steps == [1, 2, 3, 4, 5])
        try expectSaved(run, "after a launch")
    }

    @Test func childrenSaveAndLeaveWhenLaunchIsGone() throws {
        let run = fixture.newRun("orphans")
        let launch = try Running("purkinje", train("launch", run: run, more: ["--workers", "2"]))
        #expect(fixture.waitForStep(3, of: run, while: launch))
        let children =
            launch.children(named: "purkinje-coordinator")
            + launch.children(named: "purkinje-worker")
        #expect(children.count == 3)
        launch.send(signal: SIGKILL)
        #expect(launch.wait(timeout: .seconds(60)) == 128 + SIGKILL)
        let deadline = ContinuousClock.now + .seconds(60)
        while children.contains(where: { kill($0, 0) == 0 }), ContinuousClock.now < deadline {
            usleep(10_000)
        }
        #expect(children.allSatisfy { kill($0, 0) != 0 })
        try expectSaved(run, "launch killed")
        let before = lastStep(of: run)
        // The same command goes on, to the same bits.
        let again = try Programs.run(
            train("launch", run: run, more: ["--workers", "2", "--steps", "\(before + 2)"]))
        #expect(again.code == 0, "\(again.lines.suffix(20))")
        let reference = fixture.newRun("undisturbed")
        _ = try Programs.run(train("pretrain", run: reference, more: ["--steps", "\(before + 2)"]))
        let digest = try fixture.finalDigest(of: run, step: before + 2)
        #expect(try fixture.finalDigest(of: reference, step: before + 2) == digest)
    }

    /// A process that neither works nor ends is given up, and what the others hold is saved.
    @Test(arguments: [
        ["purkinje-worker"], ["purkinje-coordinator"], ["purkinje-coordinator", "purkinje-worker"],
    ]) func aFrozenProcessKeepsNothingFromBeingSaved(programs: [String]) throws {
        let run = fixture.newRun("frozen")
        let launch = try Running("purkinje", train("launch", run: run, more: ["--workers", "2"]))
        #expect(fixture.waitForStep(3, of: run, while: launch))
        let all =
            launch.children(named: "purkinje-coordinator")
            + launch.children(named: "purkinje-worker")
        for program in programs {
            let process = try #require(launch.children(named: program).first)
            kill(process, SIGSTOP)
        }
        launch.send(signal: SIGTERM)
        #expect(launch.wait(timeout: .seconds(60)) == 130, "\(launch.lines.suffix(20))")
        #expect(all.allSatisfy { kill($0, 0) != 0 })
        try expectSaved(run, "\(programs) frozen")
    }

    @Test func aFrozenCoordinatorIsReplaced() throws {
        let run = fixture.newRun("replaced")
        let launch = try Running("purkinje", train("launch", run: run, more: ["--workers", "2"]))
        #expect(fixture.waitForStep(3, of: run, while: launch))
        let frozen = try #require(launch.children(named: "purkinje-coordinator").first)
        kill(frozen, SIGSTOP)
        #expect(fixture.waitForStep(lastStep(of: run) + 3, of: run, while: launch))
        #expect(launch.children(named: "purkinje-coordinator").contains(frozen) == false)
        #expect(launch.lines.contains { $0.contains("coordinator is frozen") })
        launch.send(signal: SIGTERM)
        #expect(launch.wait(timeout: .seconds(60)) == 130, "\(launch.lines.suffix(20))")
        try expectSaved(run, "coordinator replaced")
    }

    /// Starting workers again would not mend it.
    @Test func aDataSetThatIsCutEndsTheRunWithItsName() throws {
        let run = fixture.newRun("cut")
        let copy = run + ".purkinje"
        try FileManager.default.copyItem(atPath: fixture.data, toPath: copy)
        let words = train("launch", run: run, more: ["--workers", "2"])
            .map { $0 == fixture.data ? copy : $0 }
        let launch = try Running("purkinje", words)
        #expect(fixture.waitForStep(3, of: run, while: launch))
        truncate(copy, 4096)
        #expect(launch.wait(timeout: .seconds(60)) == 1, "\(launch.lines.suffix(20))")
        let starts = launch.lines.filter { $0.contains("starting it again") }
        #expect(!starts.contains { $0.hasPrefix("launch: worker") }, "\(starts)")
        let last = fixture.lines(of: "events.jsonl", in: run).last?["message"]?.stringValue
        #expect(last?.contains("was cut") == true, "\(last ?? "")")
        #expect(last?.contains(copy) == true, "\(last ?? "")")
    }

    @Test(arguments: [
        "<&- >&- 2>&-", ">&- 2>&-", "<&-", ">/dev/full 2>&1", "2>&1 | true", "2>&1 | sleep 60",
    ]) func aRunWhoseLogHasNoReaderTrainsOn(streams: String) throws {
        let run = fixture.newRun("streams")
        let words = ["pretrain"] + fixture.flags(run: run) + ["--threads", "1", "--steps", "4"]
        let shell = try Programs.runShell(
            "\(Programs.folder)/purkinje \"$@\" \(streams); echo ${PIPESTATUS[0]} >\(run).code",
            words,
            until: {
                access("\(run).code", F_OK) == 0
                    || access("\(run)/checkpoints/step-000000004.g1.t1", F_OK) == 0
            })
        defer { shell.killTree() }
        #expect(lastStep(of: run) == 4, "\(streams): \(shell.lines)")
        #expect(try fixture.finalDigest(of: run, step: 4).hasPrefix("sha256:"))
        // No line of the log went into a file of the run: the lock names its holder and nothing else.
        let lock = FileManager.default.contents(atPath: run + "/lock")
            .map { String(decoding: $0, as: UTF8.self) }
        #expect(
            lock?.wholeMatch(of: /process [0-9]+ on [^\n]+/) != nil, "\(streams): \(lock ?? "")")
    }

    @Test func resultsThatCannotBeWrittenAreAFailure() throws {
        let program = "\(Programs.folder)/purkinje --version"
        for (streams, code, text) in [
            (">/dev/full", 1, "standard output"), (">&-", 1, "standard output"),
            (">&- 2>&-", 1, nil), ("| true; exit ${PIPESTATUS[0]}", nil, nil),
        ] as [(String, Int32?, String?)] {
            // The reader of the pipe may be gone before the result comes or not.
            let result = try Programs.runShell("\(program) \(streams)", [])
            let ended = result.wait(timeout: .seconds(60))
            if let code {
                #expect(ended == code, "\(streams)")
            } else {
                #expect([0, 141].contains(ended))
            }
            if let text { #expect(result.lines.contains { $0.contains(text) }, "\(streams)") }
        }
    }

    @Test func aLimitOnTheSizeOfFilesIsAnErrorWithARemedy() throws {
        let run = fixture.newRun("limit")
        let words = ["pretrain"] + fixture.flags(run: run) + ["--threads", "1", "--steps", "3"]
        let result = try Programs.runShell(
            "ulimit -c 0; ulimit -f 100; \(Programs.folder)/purkinje \"$@\"", words)
        #expect(result.wait(timeout: .seconds(120)) == 1)
        #expect(result.lines.last?.contains("ulimit -f") == true, "\(result.lines)")
        #expect(lastStep(of: run) == 3)
    }
}
