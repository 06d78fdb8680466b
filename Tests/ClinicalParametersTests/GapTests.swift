import ClinicalParameters
import Testing

@Suite struct GapTests {
    private let rhythm: KnownRhythm = {
        var rhythm = KnownRhythm()
        rhythm.add(
            KnownRhythm.regular(70), KnownRhythm.narrow + [KnownRhythm.p, KnownRhythm.t])
        return rhythm
    }()

    private func measure(_ gap: Range<Int>, in leads: [Int]) -> ClinicalMeasurements {
        var signals = rhythm.leads()
        for lead in leads {
            for t in gap { signals[lead][t] = .nan }
        }
        return ClinicalAnalyser().measure(signals, sampleRateHz: 500)
    }

    @Test(arguments: [
        2000..<3000, 0..<1500, 3800..<5000, 1234..<1300, 500..<4000, 2490..<2700, 700..<712,
    ])
    func noIntervalCrossesAGapOfAllLeads(_ gap: Range<Int>) throws {
        let result = measure(gap, in: Array(0..<12))
        #expect(result.flags == [.gaps], "\(result.flags)")
        #expect(abs(try #require(result.rhythm.heartRatePerMinute) - 70) < 0.5)
        #expect(try #require(result.rhythm.rrSDMilliseconds) < 3)
        #expect(try #require(result.rhythm.rrMinMaxRatio) > 0.98)
        #expect(abs(try #require(result.intervals.prMilliseconds) - 190) < 8)
        let seen = rhythm.beats.map { Int($0 * 500) }.filter {
            !(gap.lowerBound - 30..<gap.upperBound + 30).contains($0)
        }
        for beat in seen { #expect(result.beats.contains { abs($0.rSample - beat) < 5 }) }
        for beat in result.beats {
            #expect(!gap.contains(beat.rSample) && beat.kind == .dominant)
            for wave in [beat.p, beat.qrs, beat.t].compactMap({ $0 }) {
                #expect(
                    !gap.overlaps(min(wave.onset, beat.rSample)..<max(wave.offset, beat.rSample)))
            }
        }
    }

    @Test(arguments: [[7], [0], [0, 1, 2, 3, 4, 5], Array(0..<11)])
    func aGapOfSomeLeadsHidesNoBeat(leads: [Int]) throws {
        let result = measure(1400..<2600, in: leads)
        #expect(result.beats.map(\.rSample).count == rhythm.beats.count)
        #expect(result.beats.allSatisfy { $0.kind == .dominant })
        #expect(try #require(result.rhythm.rrSDMilliseconds) < 3)
        #expect(result.flags == [.missingLeads], "\(result.flags)")
    }

    @Test(arguments: [0, 6, 7, 11]) func oneInvalidSampleIsNoMissingLead(lead: Int) throws {
        for lost in [2500..<2501, 0..<1, 4999..<5000] {
            let result = measure(lost, in: [lead])
            #expect(result.flags.isEmpty, "\(result.flags)")
            #expect(abs(try #require(result.rhythm.heartRatePerMinute) - 70) < 0.5)
        }
        let result = measure(2500..<2501, in: Array(0..<12))
        #expect(result.flags.isEmpty && result.rhythm.beatCount == rhythm.beats.count)
    }

    @Test(arguments: [45.0, 70, 150]) func aBeatThatTheEndOfTheRecordCutsIsNotEctopic(
        rate: Double
    ) throws {
        for phase in 0..<30 {
            var rhythm = KnownRhythm()
            rhythm.add(
                KnownRhythm.regular(rate, from: -1 + Double(phase) * 2 / rate, to: 11),
                KnownRhythm.narrow
                    + [KnownRhythm.p, rate > 100 ? KnownRhythm.t.moved(to: 0.2) : KnownRhythm.t])
            let leads = rhythm.leads(seed: UInt64(phase))
            let result = ClinicalAnalyser().measure(leads, sampleRateHz: 500)
            #expect(result.beats.allSatisfy { $0.kind == .dominant }, "phase \(phase)")
            // Some carts fill the last tenth of a second up with one value.
            let held = leads.map { $0[..<4950] + Array(repeating: $0[4949], count: 50) }
            let filled = ClinicalAnalyser().measure(held.map { Array($0) }, sampleRateHz: 500)
            #expect(filled.beats.allSatisfy { $0.kind == .dominant }, "phase \(phase)")
            #expect(!filled.flags.contains(.gaps))
            #expect(try #require(result.rhythm.rrSDMilliseconds) < 3, "phase \(phase)")
            let inside = rhythm.beats.count { $0 > 0.1 && $0 < 9.9 }
            #expect((inside...rhythm.beats.count).contains(result.beats.count), "phase \(phase)")
        }
    }
}
