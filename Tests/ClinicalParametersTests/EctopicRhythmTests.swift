import ClinicalParameters
import Testing

/// Early ventricular beats hide neither P nor T of the beats beside them.
@Suite struct EctopicRhythmTests {
    /// Normal beats, of which every `cycle`-th interval holds an early beat `coupling` seconds behind the normal one.
    private func rhythm(_ rr: Double, coupling: Double, cycle: Int) -> KnownRhythm {
        typealias Bell = KnownRhythm.Bell
        let sizes = [-0.5, 1, 1, 0.7, 0.4, 0.1, -0.2, -0.5]
        let ventricular = [
            Bell(0, 0.024, sizes.map { 1.5 * $0 }), Bell(0.06, 0.02, sizes.map { -0.3 * $0 }),
            Bell(0.28, 0.06, sizes.map { -0.6 * $0 }),
        ]
        let normal =
            KnownRhythm.narrow + [
                KnownRhythm.p.moved(to: -0.155), KnownRhythm.t.moved(to: 0.24),
            ]
        var rhythm = KnownRhythm()
        var (place, number) = (0.4, 1)
        while place < rhythm.seconds - 0.2 {
            rhythm.add([place], normal)
            if number.isMultiple(of: cycle) {
                rhythm.add([place + coupling], ventricular)
                place += 2 * rr
            } else {
                place += rr
            }
            number += 1
        }
        return rhythm
    }

    @Test(arguments: [0.6, 0.65, 0.7, 0.75, 0.8, 1.0], [0.45, 0.5, 0.55])
    func bigeminyAndTrigeminyKeepPAndT(rr: Double, coupling: Double) throws {
        guard coupling < 0.85 * rr else { return }
        var plain = KnownRhythm()
        plain.add(
            KnownRhythm.regular(75),
            KnownRhythm.narrow + [
                KnownRhythm.p.moved(to: -0.155), KnownRhythm.t.moved(to: 0.24),
            ])
        let truth = ClinicalAnalyser().measure(plain.leads(), sampleRateHz: 500).intervals
        let (pr, qt) = (
            try #require(truth.prMilliseconds), try #require(truth.qtMilliseconds)
        )
        for cycle in 1...3 {
            let result = ClinicalAnalyser().measure(
                rhythm(rr, coupling: coupling, cycle: cycle).leads(), sampleRateHz: 500)
            let comment: Comment = "every \(cycle)"
            let intervals = result.intervals
            #expect(abs(try #require(intervals.prMilliseconds, comment) - pr) < 15, comment)
            #expect(abs(try #require(intervals.qtMilliseconds, comment) - qt) < 25, comment)
            #expect(result.flags.contains(.ectopicBeats), comment)
            // Half of the beats and more have no P: that is no reason to say that there is none.
            #expect(!result.flags.contains(.noPWaves), comment)
        }
    }
}
