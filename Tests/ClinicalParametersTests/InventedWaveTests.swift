import ClinicalParameters
import Foundation
import TestSupport
import Testing

/// Waves that are not there are not found, and waves that are there are, whatever the noise is.
@Suite struct InventedWaveTests {
    enum Noise: String, CaseIterable {
        case white, pink, muscle, wander, mains

        /// A curve with a deviation of about 1.
        func curve(_ count: Int, _ rate: Double, _ random: inout SeededRandom) -> [Double] {
            func normal() -> Double {
                // Twelve uniform numbers sum to a deviation of one.
                var sum = -6.0
                for _ in 0..<12 { sum += Double.random(in: 0...1, using: &random) }
                return sum
            }
            let white = (0..<count + 2).map { _ in normal() }
            switch self {
            case .white: return Array(white.prefix(count))
            case .muscle:
                // The second difference keeps the upper half of the band.
                let scale = 1 / 6.0.squareRoot()
                return (0..<count).map { t -> Double in
                    scale * (white[t] - 2 * white[t + 1] + white[t + 2])
                }
            case .pink:
                // First-order noises whose corners lie a factor of four apart sum to 1/f.
                var sum = [Double](repeating: 0, count: count)
                for corner in [0.1, 0.4, 1.6, 6.4, 25.6, 102.4] {
                    let keep = exp(-2 * Double.pi * corner / rate)
                    var state = 0.0
                    for t in 0..<count {
                        state = keep * state + (1 - keep * keep).squareRoot() * normal()
                        sum[t] += state / 6.0.squareRoot()
                    }
                }
                return sum
            case .wander:
                let phases = (0..<3).map { _ in Double.random(in: 0...6.28, using: &random) }
                var sum = [Double](repeating: 0, count: count)
                for (hertz, phase) in zip([0.15, 0.28, 0.4], phases) {
                    let turn = 2 * Double.pi * hertz / rate
                    for t in 0..<count { sum[t] += 0.8 * sin(turn * Double(t) + phase) }
                }
                return sum
            case .mains:
                let phase = Double.random(in: 0...6.28, using: &random)
                let turn = 2 * Double.pi * 50 / rate
                let size = 2.0.squareRoot()
                return (0..<count).map { t -> Double in size * sin(turn * Double(t) + phase) }
            }
        }
    }

    /// The heart's twelve leads with noise of a deviation in mV in each independent one.
    private func measure(
        _ heart: KnownHeart, _ noise: Noise, _ millivolts: Double, _ seed: UInt64,
        keeping kept: Set<Int> = Set(0..<12)
    ) -> ClinicalMeasurements {
        var leads = heart.leads(seed: seed)
        var random = SeededRandom(seed: seed &+ 77)
        for lead in [0, 1, 6, 7, 8, 9, 10, 11] {
            let curve = noise.curve(leads[lead].count, heart.sampleRateHz, &random)
            leads[lead] = zip(leads[lead], curve).map { $0 + Float(millivolts * $1) }
        }
        let (i, ii) = (leads[0], leads[1])
        leads[2] = zip(i, ii).map { $1 - $0 }
        leads[3] = zip(i, ii).map { -($0 + $1) / 2 }
        leads[4] = zip(i, ii).map { $0 - $1 / 2 }
        leads[5] = zip(i, ii).map { $1 - $0 / 2 }
        for lead in leads.indices where !kept.contains(lead) { leads[lead] = [] }
        return ClinicalAnalyser().measure(leads, sampleRateHz: heart.sampleRateHz)
    }

    private func hasNoP(_ result: ClinicalMeasurements, _ what: String) {
        #expect(result.intervals.pMilliseconds == nil, "\(what)")
        #expect(result.intervals.prMilliseconds == nil, "\(what)")
        #expect(result.flags.contains(.noPWaves) && result.pAxis == nil, "\(what)")
        #expect(result.leads.allSatisfy { $0.pMillivolts == nil }, "\(what)")
        #expect((result.beats + result.beatsByLead.joined()).allSatisfy { $0.p == nil }, "\(what)")
    }

    private func hasNoT(_ result: ClinicalMeasurements, _ what: String) {
        let intervals = result.intervals
        #expect(intervals.qtMilliseconds == nil && intervals.jtMilliseconds == nil, "\(what)")
        #expect(intervals.qtcBazettMilliseconds == nil, "\(what)")
        #expect(intervals.qtcFridericiaMilliseconds == nil, "\(what)")
        #expect(intervals.tPeakEndMilliseconds == nil && result.tAxis == nil, "\(what)")
        #expect(result.leads.allSatisfy { $0.tMillivolts == nil }, "\(what)")
        #expect((result.beats + result.beatsByLead.joined()).allSatisfy { $0.t == nil }, "\(what)")
    }

    @Test(arguments: Noise.allCases, [0, 0.002, 0.005, 0.01, 0.03, 0.1])
    func noiseIsNoP(noise: Noise, millivolts: Double) {
        for seed in 1...6 as ClosedRange<UInt64> {
            let heart = KnownHeart(ratePerMinute: 55 + 6 * Double(seed), hasP: false)
            hasNoP(measure(heart, noise, millivolts, seed), "\(noise) \(millivolts) seed \(seed)")
        }
    }

    @Test(arguments: Noise.allCases, [0, 0.002, 0.005, 0.01, 0.03, 0.1])
    func noiseIsNoT(noise: Noise, millivolts: Double) {
        for seed in 1...6 as ClosedRange<UInt64> {
            let heart = KnownHeart(ratePerMinute: 55 + 6 * Double(seed), tMillivolts: 0)
            let result = measure(heart, noise, millivolts, seed)
            hasNoT(result, "\(noise) \(millivolts) seed \(seed)")
            if millivolts < 0.1 { #expect(result.intervals.prMilliseconds != nil) }
        }
    }

    @Test(arguments: Noise.allCases, [100.0, 250, 1000])
    func theRecordsRateDoesNotMatter(noise: Noise, sampleRateHz: Double) {
        let none = KnownHeart(hasP: false, tMillivolts: 0, sampleRateHz: sampleRateHz)
        let result = measure(none, noise, 0.01, 5)
        hasNoP(result, "\(noise)")
        hasNoT(result, "\(noise)")
    }

    @Test(arguments: [[1], [6], [0, 1], [6, 8, 11], [0, 1, 6, 7, 8, 9, 10, 11]])
    func fewLeadsInventNothing(leads: [Int]) {
        for noise in Noise.allCases {
            for seed in 1...3 as ClosedRange<UInt64> {
                let none = KnownHeart(hasP: false, tMillivolts: 0)
                let result = measure(none, noise, 0.01, seed, keeping: Set(leads))
                hasNoP(result, "\(noise) seed \(seed)")
                hasNoT(result, "\(noise) seed \(seed)")
            }
        }
    }

    @Test(arguments: Noise.allCases) func threeBeatsInventNothing(noise: Noise) {
        for seed in 1...6 as ClosedRange<UInt64> {
            let none = KnownHeart(hasP: false, tMillivolts: 0, seconds: 2.6)
            let result = measure(none, noise, 0.02, seed)
            #expect(result.beats.count <= 4)
            hasNoP(result, "\(noise) seed \(seed)")
            hasNoT(result, "\(noise) seed \(seed)")
        }
    }

    @Test(arguments: Noise.allCases, [0.005, 0.02])
    func smallWavesAreFound(noise: Noise, millivolts: Double) throws {
        for seed in 1...4 as ClosedRange<UInt64> {
            let heart = KnownHeart(pMillivolts: 0.04, tMillivolts: 0.1)
            let result = measure(heart, noise, millivolts, seed)
            let what: Comment = "\(noise) \(millivolts) seed \(seed)"
            let pr = try #require(result.intervals.prMilliseconds, what)
            let qt = try #require(result.intervals.qtMilliseconds, what)
            #expect(abs(pr - 160) < 30 && abs(qt - 390) < 45, what)
            #expect(!result.flags.contains(.noPWaves), what)
        }
    }

    @Test(arguments: Noise.allCases) func wavesAreFoundInLoudNoise(noise: Noise) throws {
        for seed in 1...4 as ClosedRange<UInt64> {
            let result = measure(KnownHeart(), noise, 0.06, seed)
            let what: Comment = "\(noise) seed \(seed)"
            let pr = try #require(result.intervals.prMilliseconds, what)
            let qt = try #require(result.intervals.qtMilliseconds, what)
            #expect(abs(pr - 160) < 35 && abs(qt - 390) < 50, what)
        }
    }

    @Test(arguments: [300.0, 340, 380]) func longPRIsMeasured(milliseconds: Double) throws {
        let heart = KnownHeart(ratePerMinute: 60, prMilliseconds: milliseconds)
        let result = measure(heart, .pink, 0.01, 3)
        #expect(abs(try #require(result.intervals.prMilliseconds) - milliseconds) < 20)
    }

    @Test func longQTIsMeasured() throws {
        let heart = KnownHeart(ratePerMinute: 50, qtMilliseconds: 550)
        let result = measure(heart, .pink, 0.01, 3)
        #expect(abs(try #require(result.intervals.qtMilliseconds) - 550) < 35)
    }

    @Test(arguments: [200.0, 215, 230, 240, 260, 280, 300]) func atHighRatesTIsNoP(rate: Double) {
        for (seed, noise) in Noise.allCases.enumerated() {
            let heart = KnownHeart(
                ratePerMinute: rate, qrsMilliseconds: 70, qtMilliseconds: 215, hasP: false)
            let result = measure(heart, noise, 0.005, UInt64(seed + 1))
            hasNoP(result, "\(noise)")
            if let qt = result.intervals.qtMilliseconds { #expect(abs(qt - 215) < 30, "\(noise)") }
        }
    }

    @Test(arguments: [90.0, 100]) func nextPIsNoT(rate: Double) {
        let heart = KnownHeart(ratePerMinute: rate, prMilliseconds: 200, tMillivolts: 0)
        let result = measure(heart, .white, 0.005, 2)
        hasNoT(result, "\(rate)")
        #expect(result.intervals.prMilliseconds != nil)
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func ripplesOfTheAtriaAreNoP(seed: UInt64) {
        let heart = KnownHeart(ratePerMinute: 63 + 4 * Double(seed), hasP: false)
        var leads = heart.leads(seed: seed)
        var random = SeededRandom(seed: seed)
        var turns = [0.0, 0.3]
        var rates = [5.6, 6.9]
        for t in leads[0].indices {
            for i in 0..<2 {
                rates[i] += Double.random(in: -0.12...0.12, using: &random)
                rates[i] = min(max(rates[i], 4.5), 8)
                turns[i] += rates[i] / 500
            }
            let ripple = sin(2 * Double.pi * turns[0]) + 0.5 * sin(2 * Double.pi * turns[1])
            for lead in leads.indices { leads[lead][t] += Float(0.06 * ripple) }
        }
        hasNoP(ClinicalAnalyser().measure(leads, sampleRateHz: 500), "seed \(seed)")
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func atriaOfTheirOwnRateHaveNoPR(seed: UInt64) {
        let ventricles = KnownHeart(ratePerMinute: 40, qtMilliseconds: 440, hasP: false)
        var leads = ventricles.leads(seed: seed)
        let distance = 60 / (83 + 2.3 * Double(seed))
        for start in stride(from: 0.1, to: 9.8, by: distance) {
            for t in 0..<50 {
                let height = 0.06 - 0.06 * cos(2 * Double.pi * Double(t) / 50)
                for lead in leads.indices { leads[lead][Int(start * 500) + t] += Float(height) }
            }
        }
        hasNoP(ClinicalAnalyser().measure(leads, sampleRateHz: 500), "seed \(seed)")
    }

    @Test(arguments: [0.01, 0.03, 0.06]) func theTailOfASpikeIsNoP(seconds: Double) {
        for seed in 1...3 as ClosedRange<UInt64> {
            let heart = KnownHeart(qrsMilliseconds: 140, hasP: false, spikeMillivolts: 2)
            var leads = heart.leads(seed: seed)
            for onset in heart.onsets {
                let first = Int((onset - 0.012) * 500) + 1
                for t in max(0, first)..<min(5000, first + 200) {
                    let since = Double(t - first) / 500
                    let tail = -0.15 * exp(-since / seconds)
                    for lead in leads.indices { leads[lead][t] += Float(tail) }
                }
            }
            hasNoP(ClinicalAnalyser().measure(leads, sampleRateHz: 500), "seed \(seed)")
        }
    }
}
