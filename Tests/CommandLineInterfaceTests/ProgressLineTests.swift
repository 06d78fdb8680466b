import Foundation
import Runtime
import Testing

@testable import CommandLineInterface

@Suite struct ProgressLineTests {
    @Test func writesPlainLinesOnlySoOften() {
        let written = Locked("")
        let line = ProgressLine(isLive: false, plainInterval: .seconds(10)) { text in
            written.withLock { $0 += text }
        }
        let start = ContinuousClock.now
        line.update("step 1", now: start)
        line.update("step 2", now: start + .seconds(3))
        line.update("step 3", now: start + .seconds(11))
        line.update("step 4", now: start + .seconds(12))
        line.log("note")
        line.finish()
        #expect(written.withLock { $0 } == "step 1\nstep 3\nnote\nstep 4\n")
    }

    @Test func rewritesTheLiveLineBelowOthers() {
        let written = Locked("")
        let line = ProgressLine(isLive: true, plainInterval: .seconds(10)) { text in
            written.withLock { $0 += text }
        }
        line.update("step 1")
        line.log("note")
        line.finish()
        let erase = "\r\u{1B}[K"
        #expect(written.withLock { $0 } == "\(erase)step 1\(erase)note\nstep 1\n")
    }

    @Test func saysHowLongIsLeft() {
        let progress = TrainingProgress(
            step: 100, finalStep: 200, batchSize: 32, loss: 0.98765, samplesPerSecond: 40,
            gflopsPerSecond: 91.4, workers: 2)
        #expect(
            progress.text
                == "step 100/200  loss 0.9877  40.0 samples/s  91 GFLOP/s  2 workers  80 s left")
        #expect(TrainingProgress(step: 3, finalStep: 5, batchSize: 1).text == "step 3/5")
    }

    @Test func saysTimesAsPeopleDo() {
        #expect(roughTime(45) == "45 s")
        #expect(roughTime(720) == "12 min")
        #expect(roughTime(3 * 3600 + 300) == "3 h 05 min")
        #expect(roughTime(.infinity) == "unknown time")
    }

    @Test func aTerminalThatStandsStillKeepsItsRoomForOtherLines() {
        let written = Locked("")
        let line = ProgressLine(
            isLive: true, plainInterval: .seconds(10), isBehind: { true },
            write: { text in written.withLock { $0 += text } })
        line.update("step 1")
        line.update("step 2")
        #expect(written.withLock { $0 } == "")
        line.finish()
        #expect(written.withLock { $0 } == "\r\u{1B}[Kstep 2\n")
    }
}
