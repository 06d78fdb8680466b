import ClinicalParameters
import Testing

@Suite struct InvarianceTests {
    private func measure(_ leads: [[Float]], _ rate: Double = 500) -> ClinicalMeasurements {
        ClinicalAnalyser().measure(leads, sampleRateHz: rate)
    }

    @Test func aLargerGainChangesAmplitudesAlone() throws {
        let leads = KnownHeart(noiseMillivolts: 0.01).leads()
        let (one, two) = (measure(leads), measure(leads.map { $0.map { 2 * $0 } }))
        #expect(one.rhythm == two.rhythm)
        #expect(one.intervals == two.intervals)
        #expect(one.beats == two.beats)
        for (a, b) in zip(one.leads, two.leads) {
            let (r, s) = (try #require(a.rMillivolts), try #require(b.rMillivolts))
            #expect(abs(2 * r - s) < 1e-4)
            let (t, u) = (try #require(a.tMillivolts), try #require(b.tMillivolts))
            #expect(abs(2 * t - u) < 1e-4)
        }
    }

    @Test func anOffsetChangesNothing() throws {
        let leads = KnownHeart().leads()
        let (one, two) = (measure(leads), measure(leads.map { $0.map { $0 + 0.5 } }))
        let (a, b) = (one.intervals, two.intervals)
        #expect(abs(try #require(a.qtMilliseconds) - (try #require(b.qtMilliseconds))) <= 2)
        #expect(abs(try #require(a.qrsMilliseconds) - (try #require(b.qrsMilliseconds))) <= 2)
        for (x, y) in zip(one.beats, two.beats) { #expect(abs(x.rSample - y.rSample) <= 1) }
    }

    @Test func laterBeatsAreFoundLater() throws {
        var heart = KnownHeart()
        let one = measure(heart.leads())
        heart.firstSeconds += 0.1
        let two = measure(heart.leads())
        for (x, y) in zip(one.beats, two.beats) {
            #expect(abs(y.rSample - x.rSample - 50) <= 1)
        }
        let (a, b) = (one.intervals, two.intervals)
        #expect(abs(try #require(a.qtMilliseconds) - (try #require(b.qtMilliseconds))) <= 4)
        #expect(abs(try #require(a.prMilliseconds) - (try #require(b.prMilliseconds))) <= 4)
    }

    @Test func theOrderOfRecordsDoesNotShow() {
        let (a, b) = (
            KnownHeart().leads(), KnownHeart(ratePerMinute: 130, noiseMillivolts: 0.05).leads()
        )
        let slow = KnownHeart(sampleRateHz: 257).leads()
        let analyser = ClinicalAnalyser()
        let first = analyser.measure(a, sampleRateHz: 500)
        _ = analyser.measure(slow, sampleRateHz: 257)
        _ = analyser.measure(b, sampleRateHz: 500)
        #expect(analyser.measure(a, sampleRateHz: 500) == first)
    }

    @Test func theSameHeartGivesTheSameNumbersAtEveryRate() throws {
        let reference = measure(KnownHeart().leads())
        for rate in [100.0, 125, 250, 360, 1000] {
            let other = measure(KnownHeart(sampleRateHz: rate).leads(), rate)
            let pairs = [
                (reference.intervals.qtMilliseconds, other.intervals.qtMilliseconds, 8.0),
                (reference.intervals.qrsMilliseconds, other.intervals.qrsMilliseconds, 8),
                (reference.intervals.prMilliseconds, other.intervals.prMilliseconds, 8),
                (reference.leads[1].tMillivolts, other.leads[1].tMillivolts, 0.02),
                (reference.rhythm.heartRatePerMinute, other.rhythm.heartRatePerMinute, 0.5),
            ]
            for (a, b, tolerance) in pairs {
                #expect(abs(try #require(a) - (try #require(b))) <= tolerance, "\(rate) Hz")
            }
        }
    }
}
