import Checkpoints
import Runtime
import Testing
import Transport

@testable import Cluster

/// What the coordinator makes of faults that no seed has to find first.
@Suite struct CoordinatorStateTests {
    // MARK: A checkpoint that cannot be loaded

    @Test(arguments: [1, 2, 3]) func oneWorkerThatCannotReadCondemnsNoCheckpoint(blind: Int) {
        var play = CoordinatorPlay(workers: 3, checkpoints: [4, 8, 12])
        play.failToLoad(blind)
        #expect(play.state.checkpoints.count == 3, "the others have not answered yet")
        for number in 1...3 where number != blind { play.report(number, HeldState(applied: 12)) }
        #expect(play.state.committed == 12)
        #expect(play.state.checkpoints.map(\.step) == [4, 8, 12])
        #expect(!play.state.members.contains(play.id(blind)))
        #expect(play.state.members.count == 2)
        let said = play.messages(of: .lost).joined()
        #expect(said.contains("worker \(blind)") && said.contains("stale file handle"), "\(said)")
        #expect(play.messages(of: .warning).allSatisfy { !$0.contains("passed over") })
        // The two go on at once, and the third can take the state from them.
        play.reportAll(HeldState(applied: 12))
        #expect(play.state.phase == .stepping)
    }

    @Test func theLastAnswerMayBeTheFailure() {
        var play = CoordinatorPlay(workers: 2, checkpoints: [4, 8])
        play.report(1, HeldState(applied: 8))
        play.failToLoad(2)
        #expect(play.state.checkpoints.map(\.step) == [4, 8])
        play.reportAll(HeldState(applied: 8))
        #expect(play.state.phase == .stepping)
        #expect(play.state.committed == 8)
    }

    @Test(arguments: [1, 2, 3]) func aCheckpointThatNobodyCanReadIsPassedOver(workers: Int) {
        var play = CoordinatorPlay(workers: workers, checkpoints: [4, 8, 12])
        for (left, steps) in ([[4, 8], [4], []] as [[UInt64]]).enumerated() {
            #expect(play.state.members.count == workers, "round \(left)")
            for number in 1...workers { play.failToLoad(number, "piece 3 is damaged") }
            #expect(play.state.checkpoints.map(\.step) == steps)
            play.reportAll(HeldState(applied: nil))
        }
        #expect(play.state.committed == 0)
        play.reportAll(HeldState(applied: 0))
        #expect(play.state.phase == .stepping)
        #expect(play.messages(of: .warning).count { $0.contains("passed over") } == 3)
    }

    @Test func aLoaderThatDiesIsNotWaitedFor() {
        var play = CoordinatorPlay(workers: 2, checkpoints: [4, 8])
        play.failToLoad(1)
        play.feed(.closed(play.link(2), reason: "killed"))
        play.reportAll(HeldState(applied: nil))
        #expect(play.state.members == [play.id(1)])
        play.pass(seconds: 8)
        play.failToLoad(1)
        #expect(play.state.checkpoints.map(\.step) == [4])
    }

    // MARK: Saves

    /// Failures of routine saves say nothing of the last one, which has tries of its own.
    @Test(arguments: [0, 3, 9]) func theLastCheckpointIsTriedAfterAnyNumberOfFailures(
        failures: Int
    ) {
        let final = UInt64(failures + 1)
        var play = CoordinatorPlay.stepping(
            CoordinatorPlay.settings(workers: 1, steps: final, every: 1))
        for _ in 0..<failures {
            play.commit(1...1)
            if let name = play.state.save?.name {
                play.feed(.checkpointSealed(name, CheckpointFailure("no space left")))
            }
        }
        play.commit(1...1)
        #expect(play.state.phase == .saving, "\(String(describing: play.outcome))")
        for _ in 0..<2 {
            guard let name = play.state.save?.name else { break }
            play.feed(.checkpointSealed(name, CheckpointFailure("no space left")))
        }
        #expect(play.outcome == nil)
        if let name = play.state.save?.name { play.feed(.checkpointSealed(name, nil)) }
        play.send(.closed(generation: play.state.generation, report: .null), from: 1)
        #expect(play.outcome?.exitCode == 0)
    }

    @Test func aLastCheckpointThatFailsThriceEndsTheRun() {
        var play = CoordinatorPlay.stepping(
            CoordinatorPlay.settings(workers: 1, steps: 1, every: 1))
        play.commit(1...1)
        for _ in 0..<3 {
            guard let name = play.state.save?.name else { break }
            #expect(play.outcome == nil)
            play.feed(.checkpointSealed(name, CheckpointFailure("no space left")))
        }
        #expect(play.outcome?.exitCode == 1)
    }

    /// A slow writer makes the folder of a checkpoint again that was given up meanwhile.
    @Test(arguments: [true, false]) func aShardThatComesTooLateIsRemovedAgain(isWritten: Bool)
        throws
    {
        var play = CoordinatorPlay.stepping(CoordinatorPlay.settings(workers: 3, every: 1))
        play.commit(1...3)
        let name = try #require(play.state.save?.name)
        play.feed(.closed(play.link(3), reason: "killed"))
        #expect(play.abandoned == [name])
        play.reportAll(HeldState(applied: 1))
        play.send(
            isWritten
                ? .checkpointShardDone(name, index: 1, receipt: .null)
                : .checkpointShardFailed(name, index: 1, message: "no space left"), from: 2)
        #expect(play.abandoned == [name, name])
        // The one in hand is not touched by what is said twice.
        play.commit(1...2)
        let next = try #require(play.state.save?.name)
        for _ in 0..<2 {
            play.send(.checkpointShardDone(next, index: 0, receipt: .null), from: 1)
        }
        #expect(!play.abandoned.contains(next))
    }

    /// On a full disk all writers fail, and that is one try.
    @Test func aSaveIsGivenUpWhenAllHaveAnswered() throws {
        var play = CoordinatorPlay.stepping(CoordinatorPlay.settings(workers: 3, steps: 1))
        play.commit(1...3)
        for _ in 0..<2 {
            let name = try #require(play.state.save?.name)
            for (index, worker) in [(2, 3), (0, 1)] {
                play.send(
                    .checkpointShardFailed(name, index: index, message: "no space left"),
                    from: worker)
                #expect(play.messages(of: .warning).count == play.abandoned.count)
            }
            let before = play.abandoned.count
            play.send(.checkpointShardDone(name, index: 1, receipt: .null), from: 2)
            #expect(play.abandoned.count == before + 1)
            #expect(play.outcome == nil)
        }
        let name = try #require(play.state.save?.name)
        for (index, worker) in [(2, 3), (0, 1), (1, 2)] {
            play.send(.checkpointShardDone(name, index: index, receipt: .null), from: worker)
        }
        play.feed(.checkpointSealed(name, nil))
        #expect(play.state.phase == .closing)
        #expect(play.messages(of: .warning).count == 2)
    }

    // MARK: Waits that take long

    @Test func aSaveThatDoesNotEndIsSaidOnceAndPutsOffTheNext() throws {
        var play = CoordinatorPlay.stepping(CoordinatorPlay.settings(workers: 3, every: 2))
        play.commit(1...3)
        play.commit(1...3)
        let name = try #require(play.state.save?.name)
        play.send(.checkpointShardDone(name, index: 1, receipt: .null), from: 2)
        for _ in 0..<7 { play.commit(1...3) }
        #expect(play.state.committed == 9)
        let said = play.messages(of: .warning)
        #expect(said.count == 1, "\(said)")
        let text = try #require(said.first)
        for part in ["step 4", "\(name)", "worker 1", "worker 3"] {
            #expect(text.contains(part), "\(text)")
        }
        #expect(!text.contains("worker 2"))
        // Once it ends, the state that is held then is saved.
        for (index, worker) in [(0, 1), (2, 3)] {
            play.send(.checkpointShardDone(name, index: index, receipt: .null), from: worker)
        }
        play.feed(.checkpointSealed(name, nil))
        play.commit(1...3)
        #expect(play.state.save?.name.step == 10)
    }

    @Test func aLastSaveThatHangsIsSaidWithItsWriters() {
        var play = CoordinatorPlay.stepping(CoordinatorPlay.settings(workers: 2, steps: 1))
        play.commit(1...2)
        #expect(play.state.phase == .saving)
        play.pass(seconds: 119)
        #expect(play.messages(of: .warning).isEmpty)
        play.pass(seconds: 300)
        let said = play.messages(of: .warning)
        #expect(said.count == 1)
        #expect(said.allSatisfy { $0.contains("worker 1") && $0.contains("worker 2") }, "\(said)")
    }

    @Test func aLoadThatHangsIsSaid() {
        var play = CoordinatorPlay(workers: 2, checkpoints: [4])
        play.report(1, HeldState(applied: 4))
        play.pass(seconds: 300)
        let said = play.messages(of: .warning)
        #expect(said.count == 1)
        #expect(said.allSatisfy { $0.contains("worker 2") && !$0.contains("worker 1") }, "\(said)")
    }

    @Test func aLastMeasurementThatHangsIsSaid() {
        var play = CoordinatorPlay.stepping(
            CoordinatorPlay.settings(workers: 1, steps: 1, every: 0))
        play.commit(1...1)
        if let name = play.state.save?.name { play.feed(.checkpointSealed(name, nil)) }
        #expect(play.state.phase == .closing)
        play.pass(seconds: 300)
        #expect(play.messages(of: .warning).count { $0.contains("worker 1") } == 1)
    }

    /// One that hangs in a step is said as before, and anew in the next that hangs.
    @Test func everyStepThatHangsIsSaidOnce() {
        var play = CoordinatorPlay.stepping(CoordinatorPlay.settings(workers: 2, every: 0))
        for hanging in 1...3 {
            // A step takes no time as a rule.
            for _ in 0..<5 { play.commit(1...2) }
            play.pass(seconds: 29)
            #expect(play.messages(of: .warning).count == hanging - 1)
            play.pass(seconds: 60)
            #expect(play.messages(of: .warning).count == hanging)
            play.commit(1...2)
        }
    }

    // MARK: The last worker

    @Test func anOldFailureDoesNotEndARunThatWentOn() {
        var play = CoordinatorPlay.stepping(CoordinatorPlay.settings(workers: 2))
        play.send(.failed(message: "its data set is damaged"), from: 2)
        play.reportAll(HeldState(applied: 0))
        play.commit(1...1)
        #expect(play.state.committed == 1)
        play.feed(.closed(play.link(1), reason: "connection reset"))
        #expect(play.outcome == nil, "\(String(describing: play.outcome))")
    }

    @Test func theFailureOfTheLastWorkerEndsTheRun() {
        var play = CoordinatorPlay.stepping(CoordinatorPlay.settings(workers: 2))
        play.feed(.closed(play.link(2), reason: "connection reset"))
        play.send(.failed(message: "its data set is damaged"), from: 1)
        #expect(play.outcome?.exitCode == 1)
        #expect(play.outcome?.message.contains("its data set is damaged") == true)
    }
}
