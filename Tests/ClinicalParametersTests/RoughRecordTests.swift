import ClinicalParameters
import Kernels
import Runtime
import TestSupport
import Testing

@Suite struct RoughRecordTests {
    private func measure(_ leads: [[Float]], _ rate: Double = 500) -> ClinicalMeasurements {
        let result = ClinicalAnalyser().measure(leads, sampleRateHz: rate)
        isSane(result)
        return result
    }

    /// Nothing is infinite, every wave lies in the record, and JSON can be written.
    private func isSane(_ result: ClinicalMeasurements) {
        for (name, value) in result.numbers {
            #expect(value?.isFinite ?? true, "\(name)")
        }
        #expect((0...1).contains(result.quality))
        for list in [result.beats] + result.beatsByLead {
            for beat in list {
                #expect((0..<result.sampleCount).contains(beat.rSample))
                for wave in [beat.p, beat.qrs, beat.t].compactMap({ $0 }) {
                    #expect(wave.onset <= wave.peak && wave.peak <= wave.offset)
                    #expect(wave.onset >= 0 && wave.offset < result.sampleCount)
                }
            }
        }
        #expect(ClinicalFeatures.values(of: result).count == ClinicalFeatures.count)
        #expect(!result.json(record: "x", perLead: true).text().isEmpty)
    }

    @Test func flatInvalidAndEmptyRecordsHaveNoBeats() {
        for leads in [
            [[Float]](repeating: .init(repeating: 0, count: 5000), count: 12),
            [[Float]](repeating: .init(repeating: .nan, count: 5000), count: 12),
            [[Float]](repeating: [], count: 12),
            [[Float]](repeating: [1], count: 12),
        ] {
            let result = measure(leads)
            #expect(result.beats.isEmpty && result.flags.contains(.noBeats))
            #expect(result.rhythm.heartRatePerMinute == nil && result.quality == 0)
            #expect(ClinicalFeatures.values(of: result).allSatisfy { $0.isNaN })
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func noiseAloneIsNoHeart(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let leads = (0..<12).map { _ in
            (0..<5000).map { _ in Float.random(in: -0.3...0.3, using: &random) }
        }
        let result = measure(leads)
        #expect(result.flags.contains(.noBeats) || result.flags.contains(.noisy))
    }

    @Test(arguments: [0, 1, 7]) func oneLeadIsEnoughForRateAndIntervals(lead: Int) throws {
        var leads = KnownHeart().leads()
        for other in leads.indices where other != lead { leads[other] = [] }
        let result = measure(leads)
        #expect(result.flags.contains(.missingLeads))
        #expect(abs(try #require(result.rhythm.heartRatePerMinute) - 72) < 1)
        #expect(abs(try #require(result.intervals.qrsMilliseconds) - 92) <= 16)
        #expect(result.qrsAxis == nil && result.quality < 0.1)
        #expect(result.leads[lead].quality > 0.8 && result.beatsByLead[11].isEmpty)
    }

    @Test(arguments: [30.0, 220]) func slowAndFastHeartsAreCounted(rate: Double) throws {
        let heart = KnownHeart(
            ratePerMinute: rate, pMilliseconds: 60, prMilliseconds: rate > 100 ? 90 : 160,
            qrsMilliseconds: 80, qtMilliseconds: rate > 100 ? 230 : 420, hasP: rate < 100)
        let result = measure(heart.leads())
        #expect(abs(try #require(result.rhythm.heartRatePerMinute) - rate) < 1)
        #expect(result.flags.contains(rate < 50 ? .slow : .fast))
    }

    @Test func bigeminyHasTwoKindsOfBeats() throws {
        let heart = KnownHeart(ratePerMinute: 80, ectopicEvery: 2)
        let result = measure(heart.leads())
        #expect(result.beats.count == heart.onsets.count)
        let kinds = zip(result.beats, result.beats.dropFirst())
        #expect(kinds.allSatisfy { $0.kind != $1.kind })
        #expect(result.flags.contains(.ectopicBeats))
        #expect(abs(try #require(result.intervals.qrsMilliseconds) - 92) <= 10)
    }

    @Test func pacingSpikesAreNamedAndDoNotWidenQRS() throws {
        let heart = KnownHeart(hasP: false, spikeMillivolts: 2)
        let result = measure(heart.leads())
        #expect(result.flags.contains(.paced) && result.flags.contains(.noPWaves))
        #expect(result.intervals.pMilliseconds == nil && result.intervals.prMilliseconds == nil)
        #expect(result.pAxis == nil && result.beats.allSatisfy { $0.p == nil })
        #expect(abs(try #require(result.intervals.qrsMilliseconds) - 92) <= 16)
        #expect(abs(try #require(result.rhythm.heartRatePerMinute) - 72) < 1)
    }

    @Test func clippedLeadsAndGapsAreNamed() throws {
        var leads = KnownHeart().leads()
        leads[9] = leads[9].map { min(max($0, -0.2), 0.2) }
        for t in 1000..<1300 { leads[7][t] = .nan }
        leads[6] = leads[6].map { _ in 0.25 }
        let result = measure(leads)
        #expect(result.flags.contains(.clipped) && result.flags.contains(.flatLead))
        #expect(result.flags.contains(.missingLeads))
        #expect(result.leads[9].quality < result.leads[10].quality)
        #expect(result.leads[6].quality == 0 && result.leads[6].rMillivolts == nil)
        #expect(abs(try #require(result.rhythm.heartRatePerMinute) - 72) < 1)
    }

    @Test func aWrongGainOfOneLeadDoesNotHideTheBeats() {
        let heart = KnownHeart()
        var leads = heart.leads()
        leads[8] = leads[8].map { 200 * $0 }
        #expect(measure(leads).beats.count == heart.onsets.count)
    }

    @Test func anythingCanBeMeasuredWithoutACrash() {
        for seed in 1...120 as ClosedRange<UInt64> {
            var random = SeededRandom(seed: seed)
            let rates: [Double] = [50, 100, 128, 257, 360, 500, 1000, 20_000]
            let rate = rates[Int.random(in: 0..<rates.count, using: &random)]
            let length = Int.random(in: 0...4000, using: &random)
            let heart = KnownHeart(
                ratePerMinute: .random(in: 20...300, using: &random), sampleRateHz: rate,
                seconds: Double(length) / rate,
                noiseMillivolts: .random(in: 0...0.5, using: &random))
            var leads =
                length > 0 && seed % 3 > 0
                ? heart.leads(seed: seed)
                : .init(repeating: .init(repeating: 0, count: length), count: 12)
            for lead in leads.indices {
                switch Int.random(in: 0..<7, using: &random) {
                case 0: leads[lead] = []
                case 1:
                    leads[lead] = leads[lead].map { _ in .random(in: -1e30...1e30, using: &random) }
                case 2:
                    leads[lead] = leads[lead].map { _ in Bool.random(using: &random) ? .nan : 1 }
                case 3: leads[lead] = leads[lead].map { $0 * 1e-20 }
                case 4 where length > 0:
                    leads[lead][Int.random(in: 0..<length, using: &random)] = .infinity
                default: break
                }
            }
            isSane(ClinicalAnalyser().measure(leads, sampleRateHz: rate))
        }
    }
}
