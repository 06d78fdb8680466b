import Testing

@testable import Launching

@Suite struct SupervisionTests {
    private let start = ContinuousClock.now
    private let members: [Supervision.Member] = [.coordinator, .worker(1), .worker(2)]

    private func supervision(stepped: Bool = true) -> Supervision {
        var supervision = Supervision(members: members, now: start)
        if stepped { supervision.stepped() }
        return supervision
    }

    @Test func finishesWhenAllHaveLeft() {
        var s = supervision()
        #expect(s.ended(.coordinator, .exited(0), lastLine: nil, at: start).isEmpty)
        #expect(s.ended(.worker(1), .exited(0), lastLine: nil, at: start).isEmpty)
        #expect(
            s.ended(.worker(2), .exited(0), lastLine: nil, at: start) == [.finish(code: 0)])
    }

    @Test func startsADeadWorkerAndADeadCoordinatorAgain() {
        var s = supervision()
        let first = s.ended(.worker(2), .killed(signal: 9), lastLine: nil, at: start)
        #expect(first.last == .start(.worker(2), at: start + .milliseconds(200)))
        s.started(.worker(2))
        let second = s.ended(.worker(2), .exited(1), lastLine: "disk", at: start + .seconds(5))
        #expect(second.first == .report("worker 2 exited with code 1: disk; starting it again"))
        #expect(second.last == .start(.worker(2), at: start + .milliseconds(5400)))
        let third = s.ended(.coordinator, .killed(signal: 11), lastLine: nil, at: start)
        #expect(third.last == .start(.coordinator, at: start + .milliseconds(200)))
    }

    /// Its death may be seen after the wish that the run ends, and the workers hold what no checkpoint has.
    @Test func aCoordinatorThatIsKilledWhileItEndsComesBackToSave() {
        var s = supervision()
        #expect(s.stopRequested(at: start) == [.stop(.coordinator)])
        for _ in 0..<3 {
            let effects = s.ended(.coordinator, .killed(signal: 9), lastLine: nil, at: start)
            #expect(effects.last == .start(.coordinator, at: start))
            #expect(s.started(.coordinator) == [.stop(.coordinator)])
        }
        let last = s.ended(.coordinator, .killed(signal: 9), lastLine: nil, at: start)
        #expect(last.contains(.stop(.worker(1))) && !last.contains(.start(.coordinator, at: start)))
    }

    @Test func doesNotRetryATypo() {
        var s = supervision(stepped: false)
        let effects = s.ended(.worker(1), .exited(1), lastLine: nil, at: start + .seconds(1))
        #expect(effects.contains(.stop(.coordinator)))
        #expect(effects.contains(.stop(.worker(2))))
        _ = s.ended(.coordinator, .exited(130), lastLine: nil, at: start + .seconds(2))
        #expect(
            s.ended(.worker(2), .exited(0), lastLine: nil, at: start + .seconds(2))
                == [.finish(code: 1)])
    }

    @Test func retriesAFailureOfALongLaunchWithoutStep() {
        var s = supervision(stepped: false)
        let effects = s.ended(.worker(1), .exited(1), lastLine: nil, at: start + .seconds(60))
        #expect(effects.last == .start(.worker(1), at: start + .milliseconds(60_200)))
    }

    @Test(arguments: [2, 3] as [Int32])
    func refusalsEndTheRunBeforeTheFirstStepOnly(code: Int32) {
        var early = supervision(stepped: false)
        let effects = early.ended(.worker(1), .exited(code), lastLine: "x", at: start)
        #expect(effects.contains(.stop(.coordinator)))
        var late = supervision()
        #expect(
            late.ended(.worker(1), .exited(code), lastLine: "x", at: start)
                == [.report("worker 1 exited with code \(code): x; not started again")])
    }

    @Test(arguments: [2, 3, 5, 6, 130] as [Int32])
    func theCoordinatorsWordIsFinal(code: Int32) {
        var s = supervision()
        _ = s.ended(.coordinator, .exited(code), lastLine: nil, at: start)
        _ = s.ended(.worker(1), .killed(signal: 9), lastLine: nil, at: start)
        #expect(
            s.ended(.worker(2), .exited(4), lastLine: nil, at: start) == [.finish(code: code)])
    }

    @Test func stopsTheCoordinatorAloneAndWaits() {
        var s = supervision()
        #expect(s.stopRequested(at: start) == [.stop(.coordinator)])
        #expect(s.ended(.coordinator, .exited(130), lastLine: nil, at: start).isEmpty)
        #expect(s.settledCode == 130)
        #expect(s.tick(at: start + .milliseconds(240)).isEmpty)
        #expect(s.tick(at: start + .milliseconds(250)) == [.stop(.worker(1)), .stop(.worker(2))])
        #expect(s.tick(at: start + .milliseconds(1200)).isEmpty)
        #expect(s.tick(at: start + .milliseconds(1250)) == [.kill(.worker(1)), .kill(.worker(2))])
        _ = s.ended(.worker(1), .killed(signal: 9), lastLine: nil, at: start)
        #expect(
            s.ended(.worker(2), .killed(signal: 9), lastLine: nil, at: start)
                == [.finish(code: 130)])
    }

    @Test func aCoordinatorThatIsAwaitedIsStartedToSave() {
        var s = supervision()
        let again = s.ended(.coordinator, .killed(signal: 9), lastLine: nil, at: start)
        #expect(again.last == .start(.coordinator, at: start + .milliseconds(200)))
        #expect(s.stopRequested(at: start) == [.start(.coordinator, at: start)])
        #expect(s.stopRequested(at: start).isEmpty)
        #expect(s.started(.coordinator) == [.stop(.coordinator)])
        #expect(s.ended(.coordinator, .exited(130), lastLine: nil, at: start).isEmpty)
        #expect(s.ended(.worker(1), .exited(0), lastLine: nil, at: start).isEmpty)
        #expect(
            s.ended(.worker(2), .exited(0), lastLine: nil, at: start) == [.finish(code: 130)])
    }

    @Test func whatCouldNotBeSavedIsAFailure() {
        var s = supervision()
        _ = s.stopRequested(at: start)
        let effects = s.ended(.coordinator, .exited(1), lastLine: nil, at: start)
        #expect(effects.first == .report("coordinator exited with code 1"))
        _ = s.ended(.worker(1), .exited(0), lastLine: nil, at: start)
        #expect(
            s.ended(.worker(2), .exited(0), lastLine: nil, at: start) == [.finish(code: 1)])
    }

    @Test func saysWhyTheCoordinatorCouldNotBegin() {
        var s = supervision(stepped: false)
        _ = s.ended(.coordinator, .exited(1), lastLine: "port", at: start + .seconds(1))
        _ = s.ended(.worker(1), .exited(0), lastLine: nil, at: start + .seconds(1))
        #expect(
            s.ended(.worker(2), .exited(0), lastLine: nil, at: start + .seconds(1))
                == [.finish(code: 1)])
    }

    @Test func givesUpAfterTooManyRestarts() {
        var s = supervision()
        var now = start
        var effects: [Supervision.Effect] = []
        for _ in 0..<21 {
            effects = s.ended(.coordinator, .exited(1), lastLine: nil, at: now)
            s.started(.coordinator)
            now += .seconds(30)
        }
        #expect(
            effects.first
                == .report(
                    "coordinator exited with code 1; 20 restarts within an hour are the limit"))
        #expect(effects.contains(.stop(.worker(1))))
    }

    @Test func forgetsRestartsOfTheHourBefore() {
        var s = supervision()
        var now = start
        for _ in 0..<40 {
            let effects = s.ended(.worker(1), .exited(1), lastLine: nil, at: now)
            #expect(effects.last == .start(.worker(1), at: now + .milliseconds(200)))
            s.started(.worker(1))
            now += .seconds(600)
        }
    }
}
