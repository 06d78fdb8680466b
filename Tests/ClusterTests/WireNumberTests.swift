import Runtime
import Testing
import Transport

@testable import Cluster

/// Numbers that no sound worker sends: whoever sends them is refused or put out with a reason, and the coordinator goes on.
@Suite struct WireNumberTests {
    static let hugeSteps: [UInt64] = [101, 1 << 40, .max - 1, .max]

    private func expectRefused(
        _ hello: Hello, because part: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var play = CoordinatorPlay.stepping(CoordinatorPlay.settings(workers: 1))
        play.feed(.joined(play.link(9), hello, CoordinatorPlay.endpoint))
        #expect(play.state.workers.count == 1, sourceLocation: sourceLocation)
        guard case .refused(let reason)? = play.told(9).first else {
            Issue.record("\(play.told(9))", sourceLocation: sourceLocation)
            return
        }
        #expect(reason.contains(part), sourceLocation: sourceLocation)
        #expect(play.effects.contains(.close(play.link(9))), sourceLocation: sourceLocation)
        #expect(
            play.messages(of: .warning).contains { $0.contains(part) },
            sourceLocation: sourceLocation)
        play.commit(1...1)
        #expect(play.state.committed == 1, sourceLocation: sourceLocation)
    }

    private let play = CoordinatorPlay(CoordinatorPlay.settings(workers: 1))

    @Test(arguments: [1 << 30, .max - 1, .max] as [UInt32])
    func aWorkerWithAnImpossibleNumberIsRefused(number: UInt32) {
        expectRefused(play.hello(9, wanted: number), because: "\(number)")
    }

    @Test(arguments: [1 << 30, .max - 1, .max] as [UInt32])
    func aWorkerOfAnImpossibleGenerationIsRefused(generation: UInt32) {
        expectRefused(play.hello(9, generation: generation), because: "\(generation)")
    }

    @Test(arguments: hugeSteps) func aWorkerBeyondTheLastStepIsRefused(step: UInt64) {
        expectRefused(play.hello(9, held: HeldState(applied: step)), because: "\(step)")
        // While the run gathers, such a step would be taken for what the journal has lost.
        var play = CoordinatorPlay(CoordinatorPlay.settings(workers: 2))
        play.join(1)
        play.join(2, held: HeldState(applied: step))
        #expect(play.state.workers.count == 1)
    }

    @Test(arguments: hugeSteps) func aMemberThatReportsSuchAStepIsPutOut(step: UInt64) {
        var play = CoordinatorPlay(CoordinatorPlay.settings(workers: 2))
        for number in 1...2 { play.join(number) }
        play.report(1, HeldState(applied: 0))
        play.report(2, HeldState(applied: step))
        #expect(play.state.workers.count == 1)
        #expect(play.messages(of: .lost).contains { $0.contains("\(step)") })
        play.reportAll(HeldState(applied: 0))
        #expect(play.state.phase == .stepping)
    }

    @Test func reportsOfOddStepsChangeNothing() {
        var play = CoordinatorPlay.stepping(CoordinatorPlay.settings(workers: 1))
        for step in [0, 5, .max] as [UInt64] {
            play.send(
                .applied(StepReport(step: step, report: .null, updateSeconds: .nan)), from: 1)
        }
        #expect(
            !play.effects.contains { effect in
                if case .metrics = effect { true } else { false }
            })
    }

    @Test func anyMemoryIsShown() {
        var play = CoordinatorPlay.stepping(CoordinatorPlay.settings(workers: 1))
        for bytes in [0, 1 << 63, .max] as [UInt64] {
            play.send(
                .heartbeat(
                    Heartbeat(generation: .max, step: .max, activity: "", residentBytes: bytes)),
                from: 1)
            let shown = play.state.status(at: play.now)["workers"]?.arrayValue?[0]
            #expect(
                shown?["resident_bytes"]?.integerValue == Int(clamping: bytes))
        }
    }

    @Test func anyNumberOfBytesIsAddedUp() {
        var play = CoordinatorPlay.stepping(CoordinatorPlay.settings(workers: 2))
        var timings = StepTimings()
        timings.wireBytes = .max
        timings.compute = .nan
        for number in 1...2 {
            play.send(
                .ready(
                    Ready(
                        generation: play.state.generation, step: 0, checksum: 1, stateDigest: nil,
                        recomputed: false, timings: timings)), from: number)
        }
        #expect(play.state.committed == 1)
        #expect(play.state.recent.last?.timings.wireBytes == .max)
    }
}
