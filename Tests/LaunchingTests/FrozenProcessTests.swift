import Testing

@testable import Launching

/// Processes that do not end and do not go on either.
@Suite struct FrozenProcessTests {
    private let start = ContinuousClock.now
    private let members: [Supervision.Member] = [.coordinator, .worker(1), .worker(2)]

    /// A launch that looks five times a second, while all processes but some show that they live.
    private struct History {
        var supervision: Supervision
        let members: [Supervision.Member]
        var now: ContinuousClock.Instant
        var effects: [Supervision.Effect] = []

        /// - Returns: What is to be killed, in milliseconds from now.
        mutating func pass(
            _ duration: Duration, frozen: Set<Supervision.Member> = []
        ) -> [Supervision.Member: Int] {
            var kills: [Supervision.Member: Int] = [:]
            let begin = now
            while now - begin < duration {
                now += .milliseconds(200)
                for member in members where !frozen.contains(member) { supervision.lives(member) }
                let news = supervision.tick(at: now)
                effects += news
                for case .kill(let member) in news {
                    kills[member] = Int((now - begin) / .milliseconds(1))
                }
            }
            return kills
        }
    }

    private func history(stepped: Bool = true) -> History {
        var supervision = Supervision(members: members, watched: Set(members), now: start)
        if stepped { supervision.stepped() }
        return History(supervision: supervision, members: members, now: start)
    }

    @Test func nobodyWhoLivesIsKilled() {
        var history = history()
        #expect(history.pass(.seconds(60)).isEmpty)
    }

    @Test func aFrozenCoordinatorIsKilledAndStartedAgain() {
        var history = history()
        _ = history.pass(.seconds(1))
        #expect(history.pass(.seconds(5), frozen: [.coordinator]) == [.coordinator: 2000])
        let effects = history.supervision.ended(
            .coordinator, .killed(signal: 9), lastLine: nil, at: history.now)
        #expect(effects.last == .start(.coordinator, at: history.now + .milliseconds(200)))
        // The next one has its own time.
        history.supervision.started(.coordinator)
        #expect(history.pass(.seconds(1), frozen: [.coordinator]).isEmpty)
        #expect(history.pass(.seconds(30)).isEmpty)
    }

    /// A pause that is shorter than the timeout is none.
    @Test func aCoordinatorThatComesBackInTimeStays() {
        var history = history()
        for _ in 0..<5 {
            _ = history.pass(.seconds(1))
            #expect(history.pass(.milliseconds(1800), frozen: [.coordinator]).isEmpty)
        }
    }

    @Test func onlyTimeInWhichTheLaunchRanCounts() {
        var history = history()
        _ = history.pass(.seconds(1))
        // The machine sleeps for the night; whoever wakes up last is not dead.
        history.now += .seconds(40_000)
        #expect(history.pass(.milliseconds(1400), frozen: Set(members)).isEmpty)
        #expect(history.pass(.seconds(20)).isEmpty)
    }

    /// It may hold the only copy of the newest steps, for which the coordinator waits.
    @Test func aFrozenWorkerIsLetBeForFourTimesAsLong() {
        var history = history()
        _ = history.pass(.seconds(1))
        #expect(history.pass(.seconds(12), frozen: [.worker(2)]) == [.worker(2): 8000])
        let effects = history.supervision.ended(
            .worker(2), .killed(signal: 9), lastLine: nil, at: history.now)
        #expect(effects.last == .start(.worker(2), at: history.now + .milliseconds(200)))
    }

    @Test func allFrozenWorkersAreStartedAgain() {
        var history = history()
        _ = history.pass(.seconds(1))
        let kills = history.pass(.seconds(9), frozen: [.worker(1), .worker(2)])
        #expect(kills == [.worker(1): 8000, .worker(2): 8000])
    }

    @Test func aFrozenWorkerDoesNotKeepALaunchWhoseRunIsSaved() {
        var history = history()
        _ = history.pass(.seconds(1))
        #expect(history.supervision.stopRequested(at: history.now) == [.stop(.coordinator)])
        // Until the coordinator has saved it is let be; the coordinator knows how long to wait.
        #expect(history.pass(.seconds(30), frozen: [.worker(2)]).isEmpty)
        let effects = history.supervision.ended(
            .coordinator, .exited(130), lastLine: nil, at: history.now)
        #expect(effects == [.kill(.worker(2))])
        #expect(history.supervision.settledCode == 130)
        _ = history.supervision.ended(.worker(1), .exited(0), lastLine: nil, at: history.now)
        #expect(
            history.supervision.ended(
                .worker(2), .killed(signal: 9), lastLine: nil, at: history.now)
                == [.finish(code: 130)])
    }

    @Test func aCoordinatorThatIsFrozenWhenAskedToEndIsReplacedToSave() {
        var history = history()
        _ = history.pass(.seconds(1))
        _ = history.supervision.stopRequested(at: history.now)
        #expect(history.pass(.seconds(3), frozen: [.coordinator]) == [.coordinator: 2000])
        let effects = history.supervision.ended(
            .coordinator, .killed(signal: 9), lastLine: nil, at: history.now)
        #expect(effects.last == .start(.coordinator, at: history.now))
        #expect(history.supervision.started(.coordinator) == [.stop(.coordinator)])
        #expect(
            history.supervision.ended(
                .coordinator, .exited(130), lastLine: nil, at: history.now
            ).isEmpty)
        #expect(history.supervision.settledCode == 130)
    }

    /// A frozen process is a fault and no typo, and one that is still being started is given time.
    @Test func aProcessThatIsFrozenAtItsStartIsStartedAgain() {
        var history = history(stepped: false)
        #expect(history.pass(.milliseconds(9800), frozen: [.coordinator]).isEmpty)
        #expect(history.pass(.seconds(1), frozen: [.coordinator]) == [.coordinator: 200])
        let effects = history.supervision.ended(
            .coordinator, .killed(signal: 9), lastLine: nil, at: start + .seconds(1))
        #expect(effects.last == .start(.coordinator, at: start + .milliseconds(1200)))
    }

    @Test func whatHasNotBegunAndHasNothingToSaveIsNotAwaited() {
        var history = history(stepped: false)
        _ = history.supervision.stopRequested(at: history.now)
        #expect(history.pass(.seconds(3), frozen: [.coordinator]) == [.coordinator: 2000])
    }

    /// Where nothing could be saved nobody is waited for either, signs of life or not.
    @Test func anEndThatFailedIsAnEnd() {
        var history = history()
        _ = history.pass(.seconds(1))
        _ = history.supervision.stopRequested(at: history.now)
        let effects = history.supervision.ended(
            .coordinator, .exited(1), lastLine: nil, at: history.now)
        #expect(effects.suffix(2) == [.stop(.worker(1)), .stop(.worker(2))])
        #expect(history.pass(.seconds(2)) == [.worker(1): 1000, .worker(2): 1000])
    }

    @Test func whatCannotEvenBeKilledIsLeftBehind() {
        var history = history()
        _ = history.pass(.seconds(1))
        _ = history.supervision.ended(.coordinator, .exited(130), lastLine: nil, at: history.now)
        #expect(history.pass(.seconds(2)) == [.worker(1): 1400, .worker(2): 1400])
        _ = history.pass(.seconds(2))
        #expect(history.effects.last == .finish(code: 130))
    }

    @Test(arguments: [2, 3, 7] as [Int32]) func aRunThatNoWorkerCanGoOnWithIsEnded(code: Int32) {
        var s = history().supervision
        let expected: Int32 = code == 7 ? 1 : code
        let first = s.ended(.worker(1), .exited(code), lastLine: "cut", at: start)
        #expect(first == [.report("worker 1 exited with code \(code): cut; not started again")])
        let second = s.ended(.worker(2), .exited(code), lastLine: "cut", at: start)
        #expect(second.last == .stop(.coordinator, because: "no worker can go on: worker 2: cut"))
        #expect(s.settledCode == nil)
        let last = s.ended(.coordinator, .exited(1), lastLine: nil, at: start)
        #expect(last.last == .finish(code: expected))
    }

    @Test func theReasonReachesACoordinatorThatIsAwaited() {
        var s = history().supervision
        _ = s.ended(.coordinator, .exited(1), lastLine: nil, at: start)
        _ = s.ended(.worker(1), .exited(7), lastLine: "cut", at: start)
        let effects = s.ended(.worker(2), .exited(7), lastLine: "cut", at: start)
        #expect(effects.last == .start(.coordinator, at: start))
        #expect(
            s.started(.coordinator)
                == [.stop(.coordinator, because: "no worker can go on: worker 2: cut")])
    }

    @Test func damageBeforeTheFirstStepIsAFailure() {
        var s = history(stepped: false).supervision
        let effects = s.ended(.worker(1), .exited(7), lastLine: "cut", at: start)
        #expect(effects.contains(.stop(.coordinator)))
        _ = s.ended(.coordinator, .exited(130), lastLine: nil, at: start)
        #expect(
            s.ended(.worker(2), .exited(0), lastLine: nil, at: start) == [.finish(code: 1)])
    }
}
