import ClinicalParameters
import Foundation
import TestSupport
import Testing

@Suite struct RhythmTests {
    private func measure(_ rhythm: KnownRhythm, seed: UInt64 = 1) -> ClinicalMeasurements {
        ClinicalAnalyser().measure(rhythm.leads(seed: seed), sampleRateHz: rhythm.sampleRateHz)
    }

    /// Every beat more than 120 ms inside the record is found once, within a time.
    private func isFound(
        _ rhythm: KnownRhythm, _ result: ClinicalMeasurements, within seconds: Double = 0.05,
        _ comment: Comment
    ) {
        let inside = 0.12..<rhythm.seconds - 0.12
        let found = result.beats.map { Double($0.rSample) / rhythm.sampleRateHz }
        for beat in rhythm.beats.filter(inside.contains) {
            #expect(found.count { abs($0 - beat) < seconds } == 1, comment)
        }
        for place in found.filter(inside.contains) {
            #expect(rhythm.beats.contains { abs($0 - place) < seconds }, comment)
        }
    }

    @Test(arguments: [[5.0], [3, 7], [2, 8], [1, 5, 9], [0.6], [9.3], [4, 4.8]])
    func fewBeatsAreCounted(places: [Double]) {
        for waves in [KnownRhythm.narrow, KnownRhythm.ventricular] {
            var rhythm = KnownRhythm()
            rhythm.add(places, waves + [KnownRhythm.t])
            let result = measure(rhythm)
            #expect(result.rhythm.beatCount == places.count)
            #expect(!result.flags.contains(.noBeats))
            isFound(rhythm, result, "\(places)")
        }
    }

    @Test(arguments: [0.005, 0.05, 0.4], [3.0, 10, 30])
    func noiseAloneHasNoBeats(deviation: Double, seconds: Double) {
        for seed in 1...4 as ClosedRange<UInt64> {
            let result = measure(
                KnownRhythm(seconds: seconds, noiseMillivolts: deviation), seed: seed)
            #expect(result.beats.isEmpty && result.flags == [.noBeats], "\(result.flags)")
        }
    }

    @Test func driftAloneHasNoBeats() {
        for seed in 1...4 as ClosedRange<UInt64> {
            var random = SeededRandom(seed: seed)
            let leads = (0..<12).map { _ in
                var level: Float = 0
                return (0..<5000).map { _ -> Float in
                    level += Float.random(in: -0.017...0.017, using: &random)
                    return level + Float.random(in: -0.03...0.03, using: &random)
                }
            }
            let result = ClinicalAnalyser().measure(leads, sampleRateHz: 500)
            #expect(result.flags == [.noBeats], "\(result.flags)")
        }
    }

    @Test func fibrillationOfVentriclesIsNotMeasurable() {
        var random = SeededRandom(seed: 3)
        let tones = (0..<8).map { _ in
            (0..<6).map { _ in
                (
                    Double.random(in: 3.5...7, using: &random),
                    Double.random(in: 0...6, using: &random)
                )
            }
        }
        let leads = (0..<12).map { lead in
            (0..<5000).map { t in
                Float(
                    tones[lead % 8].reduce(0.0) { sum, tone in
                        sum + 0.15 * sin(2 * .pi * tone.0 * Double(t) / 500 + tone.1)
                    })
            }
        }
        let result = ClinicalAnalyser().measure(leads, sampleRateHz: 500)
        #expect(result.beats.isEmpty && result.flags == [.notMeasurable], "\(result.flags)")
    }

    @Test(arguments: Array(stride(from: 20.0, through: 300, by: 10)))
    func ratesOfThePublishedRangeAreMeasured(rate: Double) throws {
        for height in [0, 0.6, 2] {
            var rhythm = KnownRhythm(seconds: rate < 30 ? 15 : 10)
            let t = KnownRhythm.t.moved(to: min(0.27, 0.6 * 60 / rate)).times(height)
            rhythm.add(
                KnownRhythm.regular(rate, to: rhythm.seconds + 0.4),
                KnownRhythm.narrow + [t] + (rate < 140 ? [KnownRhythm.p] : []))
            let result = measure(rhythm)
            let found = try #require(result.rhythm.heartRatePerMinute, "T \(height)")
            #expect(abs(found - rate) < 0.01 * rate, "T \(height), \(found)")
            isFound(rhythm, result, "T \(height)")
        }
    }

    @Test(arguments: Array(stride(from: 150.0, through: 300, by: 10)), [0.02, 0.035, 0.05])
    func ventricularTachycardiaIsMeasured(rate: Double, width: Double) throws {
        for sign in [1.0, -1] {
            var rhythm = KnownRhythm()
            rhythm.add(
                KnownRhythm.regular(rate, from: -0.2),
                [.init(0, width, [0.6, 1, -1.2, -1.5, -0.8, 0.6, 1, 0.9].map { sign * $0 })])
            let result = measure(rhythm)
            let found = try #require(result.rhythm.heartRatePerMinute, "\(result.flags)")
            #expect(abs(found - rate) < 0.015 * rate, "\(sign): \(found)")
            #expect(result.flags.contains(.fast))
            // Complexes as long as their distance have no ends.
            #expect((result.intervals.qrsMilliseconds ?? 0) < 60_000 / rate)
        }
    }

    @Test(arguments: [40.0, 60, 80, 100], [0.3, 1, 3])
    func aPacedBeatIsCountedOnce(rate: Double, millivolts: Double) {
        for (sampleRateHz, isDualChamber) in [
            (500.0, false), (500, true), (100, false), (100, true),
        ] {
            var rhythm = KnownRhythm(sampleRateHz: sampleRateHz)
            let places = KnownRhythm.regular(rate)
            let t = KnownRhythm.pacedT.moved(to: 0.33 * min(1, (60 / rate).squareRoot()))
            rhythm.add(
                places, KnownRhythm.paced + [t] + (isDualChamber ? [KnownRhythm.p] : []))
            rhythm.addSpikes(places.map { $0 - 0.07 }, millivolts: millivolts, undershoot: 0.2)
            if isDualChamber {
                rhythm.addSpikes(
                    places.map { $0 - 0.22 }, millivolts: millivolts, undershoot: 0.2)
            }
            let result = measure(rhythm)
            isFound(rhythm, result, within: 0.06, "\(sampleRateHz) Hz, atrium \(isDualChamber)")
            if millivolts >= 1, sampleRateHz == 500 { #expect(result.flags.contains(.paced)) }
        }
    }

    @Test(arguments: [1.0, -1], [0.7, 1.2])
    func ventricularBeatsAreFoundWhereTheyAre(sign: Double, size: Double) {
        for pattern in [[3], [3, 4], [1, 3, 5, 7, 9]] {
            var rhythm = KnownRhythm()
            let places = KnownRhythm.regular(65)
            for (number, place) in places.enumerated() {
                let isEctopic = pattern.contains(number)
                let factor = sign * size
                rhythm.add(
                    [isEctopic && !pattern.contains(number - 1) ? place - 0.3 : place],
                    isEctopic
                        ? (KnownRhythm.ventricular + [KnownRhythm.ventricularT])
                            .map { $0.times(factor) }
                        : KnownRhythm.narrow + [KnownRhythm.p, KnownRhythm.t])
            }
            let result = measure(rhythm)
            isFound(rhythm, result, "\(pattern)")
            #expect(result.flags.contains(.ectopicBeats))
        }
    }

    @Test(arguments: [45.0, 75, 110], [1.0, 2])
    func aTallTWaveOfABlockIsNoBeat(rate: Double, height: Double) {
        var rhythm = KnownRhythm()
        let t = KnownRhythm.leftBlockT.moved(to: 0.31 * min(1, (60 / rate).squareRoot()))
        rhythm.add(
            KnownRhythm.regular(rate), KnownRhythm.leftBlock + [KnownRhythm.p, t.times(height)])
        let result = measure(rhythm)
        isFound(rhythm, result, "T \(height)")
        #expect(!result.flags.contains(.ectopicBeats))
    }
}
