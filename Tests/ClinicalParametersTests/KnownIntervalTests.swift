import ClinicalParameters
import Testing

@Suite struct KnownIntervalTests {
    @Test(
        arguments: [
            (60.0, 90.0, 400.0, 160.0, 40.0), (75, 110, 380, 200, -30), (95, 84, 340, 140, 75),
            (50, 100, 440, 180, 0), (110, 90, 310, 130, 100),
        ], [100.0, 250, 257, 500, 1000])
    func intervalsOfCleanRecordsAreRight(
        _ truth: (rate: Double, qrs: Double, qt: Double, pr: Double, axis: Double),
        sampleRateHz: Double
    ) throws {
        let heart = KnownHeart(
            ratePerMinute: truth.rate, prMilliseconds: truth.pr, qrsMilliseconds: truth.qrs,
            qtMilliseconds: truth.qt, axisDegrees: truth.axis, sampleRateHz: sampleRateHz)
        let result = ClinicalAnalyser().measure(heart.leads(), sampleRateHz: sampleRateHz)
        #expect(abs(try #require(result.rhythm.heartRatePerMinute) - truth.rate) < 1)
        let qrs = try #require(result.intervals.qrsMilliseconds)
        // The corners of these waves ring when 100 samples a second have to do.
        #expect(abs(qrs - truth.qrs) <= (sampleRateHz < 250 ? 24 : 8), "QRS \(qrs) ms")
        #expect(abs(try #require(result.intervals.qtMilliseconds) - truth.qt) <= 12)
        #expect(abs(try #require(result.intervals.prMilliseconds) - truth.pr) <= 14)
        let axis = try #require(result.qrsAxis).degrees
        #expect(abs(axis - truth.axis) < 10)
        #expect(result.quality > 0.9)
        #expect(result.rhythm.pWaveShare ?? 0 > 0.8)
    }

    @Test func beatsLieWhereTheyWerePut() {
        let heart = KnownHeart()
        let result = ClinicalAnalyser().measure(heart.leads(), sampleRateHz: 500)
        #expect(result.beats.count == heart.onsets.count)
        for (beat, onset) in zip(result.beats, heart.onsets) {
            let middle = onset + heart.qrsMilliseconds / 2000
            #expect(abs(Double(beat.rSample) / 500 - middle) < 0.012)
        }
    }

    @Test func intervalsSurviveNoise() throws {
        let heart = KnownHeart(noiseMillivolts: 0.03)
        let result = ClinicalAnalyser().measure(heart.leads(seed: 4), sampleRateHz: 500)
        #expect(abs(try #require(result.rhythm.heartRatePerMinute) - 72) < 1)
        #expect(abs(try #require(result.intervals.qrsMilliseconds) - 92) <= 14)
        #expect(abs(try #require(result.intervals.qtMilliseconds) - 390) <= 25)
    }
}
