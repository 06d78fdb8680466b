import ClinicalParameters
import Foundation
import TestSupport
import Testing

@Suite struct FlagTests {
    private func measure(_ rhythm: KnownRhythm, seed: UInt64 = 1) -> ClinicalMeasurements {
        ClinicalAnalyser().measure(rhythm.leads(seed: seed), sampleRateHz: rhythm.sampleRateHz)
    }

    private func sinus(_ rate: Double, sampleRateHz: Double = 500) -> KnownRhythm {
        var rhythm = KnownRhythm(sampleRateHz: sampleRateHz)
        rhythm.add(
            KnownRhythm.regular(rate), KnownRhythm.narrow + [KnownRhythm.p, KnownRhythm.t])
        return rhythm
    }

    // MARK: Sampling rates

    @Test(arguments: [50.0, 55, 59]) func below60HzOnlyTheRhythmIsMeasured(hertz: Double) throws {
        let result = measure(sinus(75, sampleRateHz: hertz))
        #expect(result.flags.contains(.lowSampleRate))
        let intervals = result.intervals
        for value in [
            intervals.pMilliseconds, intervals.prMilliseconds, intervals.qrsMilliseconds,
            intervals.qtMilliseconds, intervals.qtcBazettMilliseconds, intervals.jtMilliseconds,
        ] { #expect(value == nil) }
        #expect(abs(try #require(result.rhythm.heartRatePerMinute) - 75) < 1)
    }

    @Test(arguments: [60.0, 62, 75, 89]) func below90HzQRSIsNotMeasured(hertz: Double) throws {
        let (result, fine) = (measure(sinus(75, sampleRateHz: hertz)), measure(sinus(75)))
        #expect(result.flags.contains(.lowSampleRate))
        #expect(result.intervals.qrsMilliseconds == nil && result.intervals.jtMilliseconds == nil)
        for value in [\ClinicalMeasurements.Intervals.prMilliseconds, \.qtMilliseconds] {
            let (coarse, right) = (
                try #require(result.intervals[keyPath: value]),
                try #require(fine.intervals[keyPath: value])
            )
            #expect(abs(coarse - right) < 25, "\(coarse), \(right)")
        }
    }

    @Test(arguments: [90.0, 100, 125]) func from90HzOnAllIsMeasured(hertz: Double) throws {
        let result = measure(sinus(75, sampleRateHz: hertz))
        let fine = try #require(measure(sinus(75)).intervals.qrsMilliseconds)
        #expect(!result.flags.contains(.lowSampleRate))
        #expect(abs(try #require(result.intervals.qrsMilliseconds) - fine) < 10)
    }

    // MARK: Rhythm

    /// Beats at distances drawn evenly around a mean.
    private func changing(_ rr: Double, by part: Double, seed: UInt64) -> KnownRhythm {
        var random = SeededRandom(seed: seed)
        var (places, place) = ([Double](), 0.3)
        while place < 10.2 {
            places.append(place)
            place += rr * (1 + Double.random(in: -part...part, using: &random))
        }
        var rhythm = KnownRhythm()
        rhythm.add(
            places, KnownRhythm.narrow + [KnownRhythm.t.moved(to: 0.27 * rr.squareRoot())])
        return rhythm
    }

    @Test(arguments: [70.0, 100, 130, 160], [1, 2, 3] as [UInt64])
    func fastFibrillationIsIrregular(rate: Double, seed: UInt64) {
        let result = measure(changing(60 / rate, by: 0.22, seed: seed))
        #expect(result.flags.contains(.irregular), "\(result.rhythm)")
    }

    @Test(arguments: [55.0, 70, 100, 130], [1, 2, 3] as [UInt64])
    func breathingIsNotIrregular(rate: Double, seed: UInt64) {
        let result = measure(changing(60 / rate, by: 0.05, seed: seed))
        #expect(!result.flags.contains(.irregular), "\(result.rhythm)")
    }

    @Test func oneEarlyBeatIsNotIrregular() {
        var places = KnownRhythm.regular(75)
        places[5] -= 0.3
        var rhythm = KnownRhythm()
        rhythm.add(places, KnownRhythm.narrow + [KnownRhythm.p, KnownRhythm.t])
        #expect(!measure(rhythm).flags.contains(.irregular))
    }

    // MARK: Pacing

    @Test func spikesThatComeWithNoBeatAreNoPacing() {
        for places in [[2.3, 6.3], [1.03, 4.51, 7.62], [3.3, 3.7]] {
            var rhythm = sinus(75)
            // Behind T, at other distances from each R.
            rhythm.addSpikes(places, millivolts: 2)
            let result = measure(rhythm)
            #expect(!result.flags.contains(.paced), "\(places)")
        }
    }

    @Test(arguments: [0.06, 0.1, 0.2]) func spikesBeforeBeatsArePacing(seconds: Double) {
        for which in [[2, 5], [1, 2, 3, 4, 5, 6, 7, 8, 9]] {
            let places = KnownRhythm.regular(70)
            var rhythm = KnownRhythm()
            rhythm.add(places, KnownRhythm.paced + [KnownRhythm.pacedT])
            rhythm.addSpikes(which.map { places[$0] - seconds }, millivolts: 2)
            #expect(measure(rhythm).flags.contains(.paced), "\(which)")
        }
    }

    // MARK: Quality

    @Test(arguments: [[1], [6], [0, 1], [1, 7]])
    func cleanRecordsOfFewLeadsAreNotNoisy(kept: [Int]) {
        func measure(_ noise: Double) -> ClinicalMeasurements {
            var leads = KnownHeart(noiseMillivolts: noise).leads()
            for lead in leads.indices where !kept.contains(lead) { leads[lead] = [] }
            return ClinicalAnalyser().measure(leads, sampleRateHz: 500)
        }
        let clean = measure(0.005)
        #expect(!clean.flags.contains(.noisy) && !clean.beats.isEmpty, "\(clean.quality)")
        let noisy = measure(kept == [6] ? 0.2 : 0.4)
        #expect(noisy.flags.contains(.noisy) || noisy.beats.isEmpty, "\(noisy.quality)")
    }

    @Test(arguments: [50, 100, 200]) func lessThanHalfASecondHasNoBeats(count: Int) {
        let leads = (0..<12).map { _ in
            (0..<count).map { t in
                Float(0.15 * exp(-0.5 * pow((Double(t) - Double(count) / 2) / 10, 2)))
            }
        }
        let result = ClinicalAnalyser().measure(leads, sampleRateHz: 500)
        #expect(result.beats.isEmpty && result.flags == [.noBeats])
    }
}
