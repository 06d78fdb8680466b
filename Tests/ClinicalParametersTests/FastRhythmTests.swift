import ClinicalParameters
import Testing

/// Where the waves of one beat go over into those of the next, T is neither P nor a part of QRS.
@Suite struct FastRhythmTests {
    private func measure(_ rhythm: KnownRhythm, seed: UInt64 = 1) -> ClinicalMeasurements {
        ClinicalAnalyser().measure(rhythm.leads(seed: seed), sampleRateHz: rhythm.sampleRateHz)
    }

    /// Beats of one form: QRS is `width` times a narrow one of 78 ms, T ends `qt` behind its onset, in seconds.
    private func rhythm(
        _ rate: Double, width: Double, qt: Double, t: Double, tWidth: Double = 0.045,
        pr: Double? = nil
    ) -> KnownRhythm {
        typealias Bell = KnownRhythm.Bell
        let end = qt - 0.045 * width
        var waves = [
            Bell(-0.025 * width, 0.007 * width, [-0.06, -0.1, 0, 0, 0, 0, 0, 0]),
            Bell(0, 0.012 * width, [0.6, 1, 0, 0, 0, 0, 0, 0]),
            Bell(0.025 * width, 0.007 * width, [-0.12, -0.2, 0, 0, 0, 0, 0, 0]),
            Bell(-0.005 * width, 0.01 * width, [0, 0, 0.2, 0.4, 0.8, 1.2, 1.2, 1]),
            Bell(0.018 * width, 0.01 * width, [0, 0, -1, -1.3, -1, -0.6, -0.3, -0.1]),
            Bell(end - 0.1, tWidth, [0.7, 1, 0.3, 1, 1, 1, 1, 1].map { t * $0 }),
        ]
        if let pr {
            waves.append(
                Bell(
                    0.05 - pr - 0.045 * width, 0.02,
                    [0.09, 0.15, 0.08, 0.09, 0.09, 0.09, 0.09, 0.08]))
        }
        var rhythm = KnownRhythm()
        rhythm.add(KnownRhythm.regular(rate, from: 0.3), waves)
        return rhythm
    }

    private func hasNoP(_ result: ClinicalMeasurements, _ comment: Comment) {
        #expect(result.intervals.prMilliseconds == nil, comment)
        #expect(result.intervals.pMilliseconds == nil && result.pAxis == nil, comment)
        #expect(
            result.flags.contains(.noPWaves) && result.beats.allSatisfy { $0.p == nil }, comment)
    }

    @Test(arguments: [140.0, 150, 160, 170, 180], [2.0, 2.2, 2.4])
    func whatFollowsTInVentricularTachycardiaIsNoP(rate: Double, width: Double) {
        for (seed, t) in [(1, -0.3), (2, 0.3), (3, 0.5)] as [(UInt64, Double)] {
            let qt = 0.42 * (60 / rate).squareRoot() + 0.02
            let result = measure(rhythm(rate, width: width, qt: qt, t: t), seed: seed)
            hasNoP(result, "T \(t)")
        }
    }

    @Test(arguments: [200.0, 205, 210, 215, 220], [0.38, 0.40, 0.42])
    func whatFollowsTInFastNarrowRhythmsIsNoP(rate: Double, qtc: Double) {
        for (seed, t) in [(1, 0.15), (2, 0.3), (3, 0.5)] as [(UInt64, Double)] {
            let qt = qtc * (60 / rate).squareRoot()
            hasNoP(measure(rhythm(rate, width: 1, qt: qt, t: t), seed: seed), "T \(t)")
        }
    }

    @Test(arguments: [140.0, 150], [2.0, 2.2, 2.4])
    func qrsEndsBeforeTInVentricularTachycardia(rate: Double, width: Double) throws {
        for t in [-0.3, 0.3] {
            let qt = 0.42 * (60 / rate).squareRoot() + 0.02
            let qrs = try #require(
                measure(rhythm(rate, width: width, qt: qt, t: t)).intervals.qrsMilliseconds)
            #expect(abs(qrs - 78 * width) < 22, "T \(t): \(qrs) ms")
        }
    }

    /// The slurred complexes of a block keep their length, although they are wide.
    @Test(arguments: [70.0, 90, 110, 130]) func aSlowEndOfABlockIsNoT(rate: Double) throws {
        var slow = KnownRhythm()
        slow.add(KnownRhythm.regular(60), KnownRhythm.leftBlock)
        let usual = try #require(measure(slow).intervals.qrsMilliseconds)
        var fast = KnownRhythm()
        fast.add(KnownRhythm.regular(rate), KnownRhythm.leftBlock)
        let qrs = try #require(measure(fast).intervals.qrsMilliseconds)
        #expect(abs(qrs - usual) < 8, "\(usual), \(qrs) ms")
    }

    @Test(arguments: [90.0, 100, 110, 120, 130]) func withoutTAPIsStillFound(rate: Double) throws {
        let qt = 0.38 * (60 / rate).squareRoot()
        let result = measure(rhythm(rate, width: 1, qt: qt, t: 0, pr: 0.15))
        #expect(abs(try #require(result.intervals.prMilliseconds) - 155) < 12)
        #expect(!result.flags.contains(.noPWaves) && result.intervals.qtMilliseconds == nil)
    }
}
