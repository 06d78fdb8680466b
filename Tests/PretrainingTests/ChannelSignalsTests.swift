import ClinicalParameters
import Electrocardiography
import Testing

@testable import Pretraining

/// The study's eleven channels, on records whose beats are known.
struct ChannelSignalsTests {
    /// Twelve equal leads: a P wave, an R peak of 1 mV and a T wave for each beat.
    private func leads(peaks: [Double], seconds: Double, sampleRateHz: Double) -> [[Float]] {
        /// A bump 0 to 1 to 0 around a place, as long as `width` on either side.
        func bump(_ time: Double, at place: Double, width: Double) -> Double {
            let part = abs(time - place) / width
            return part < 1 ? (1 - part * part) * (1 - part * part) : 0
        }
        let lead = (0..<Int(seconds * sampleRateHz)).map { sample -> Float in
            let time = Double(sample) / sampleRateHz
            let waves = peaks.map { peak in
                0.12 * bump(time, at: peak - 0.16, width: 0.05)
                    + bump(time, at: peak, width: 0.04)
                    + 0.3 * bump(time, at: peak + 0.28, width: 0.1)
            }
            return Float(waves.reduce(0, +))
        }
        return Array(repeating: lead, count: Lead.allCases.count)
    }

    @Test(arguments: [250.0, 500.0])
    func curvesSayWhatWasMeasured(sampleRateHz: Double) throws {
        // Ten beats 0.8 s apart, but the sixth comes 0.2 s late.
        let peaks = (0..<10).map { 0.6 + 0.8 * Double($0) + ($0 >= 5 ? 0.2 : 0) }
        let leads = leads(peaks: peaks, seconds: 10, sampleRateHz: sampleRateHz)
        let curves = ChannelSignals.curves(
            leads, sampleRateHz: sampleRateHz, analyser: ClinicalAnalyser())
        #expect(curves.count == ChannelSignals.count)
        #expect(curves.allSatisfy { $0.count == leads[0].count })
        #expect(curves.count == ChannelSignals.normalisations.count)

        let marks = curves[0].indices.filter { curves[0][$0] != 0 }
        try #require(marks.count == peaks.count)
        for (mark, peak) in zip(marks, peaks) {
            #expect(abs(Double(mark) / sampleRateHz - peak) < 0.009)
            #expect(curves[0][mark] == 1)
        }
        /// The rate within an interval whose middle is at a time; measured to a sample at either end.
        func rate(at seconds: Double) -> Double { Double(curves[1][Int(seconds * sampleRateHz)]) }
        #expect(abs(rate(at: 2.6) - 75) < 75 * 2 / (0.8 * sampleRateHz) + 0.01)
        #expect(abs(rate(at: 4.3) - 60) < 60 * 2 / sampleRateHz + 0.01)
        // Before the first beat and behind the last one the nearest interval goes on.
        #expect(curves[1][0] == curves[1][marks[0]])
        #expect(curves[1].last == curves[1][marks[9] - 1])
        #expect(curves[1].allSatisfy { $0.isFinite })

        // 9 intervals in 7.4 s; the mean of seven or eight short ones and a long one.
        #expect(curves[2].allSatisfy { abs($0 - 73) < 3 })
        #expect(curves[4].allSatisfy { abs($0 - 1) < 0.06 })
        // Eight intervals of 800 ms and one of 1000 ms; two differences of 200 ms among eight.
        #expect(curves[5].allSatisfy { abs($0 - 65) < 8 })
        #expect(curves[6].allSatisfy { abs($0 - 100) < 8 })
    }

    @Test func segmentBehindQRSIsSeenAgainstTheLevelBeforeIt() throws {
        let rate = 500.0
        let peaks = (0..<11).map { 0.5 + 0.85 * Double($0) }
        var leads = leads(peaks: peaks, seconds: 10, sampleRateHz: rate)
        // A level of the whole record is none of the segment's.
        leads = leads.map { $0.map { $0 + 0.4 } }
        let curves = ChannelSignals.curves(leads, sampleRateHz: rate, analyser: ClinicalAnalyser())
        let marks = curves[0].indices.filter { curves[0][$0] != 0 }
        try #require(marks.count == peaks.count)
        let finite = Set(curves[3].indices.filter { curves[3][$0].isFinite })
        #expect(finite == Set(marks.flatMap { $0 + 40..<$0 + 100 }))
        for mark in marks {
            // Nothing at 80 ms, and the beginning of T at 200 ms: 0.3 (1 - 0.8²)² mV.
            #expect(abs(curves[3][mark + 42]) < 0.03)
            #expect(abs(curves[3][mark + 99] - 0.039) < 0.03)
        }
    }

    @Test func silenceHasNothingToSay() {
        let leads = Array(
            repeating: Array(repeating: Float(0), count: 2500), count: Lead.allCases.count)
        let curves = ChannelSignals.curves(leads, sampleRateHz: 250, analyser: ClinicalAnalyser())
        #expect(curves[0].allSatisfy { $0 == 0 })
        for channel in 1...6 { #expect(curves[channel].allSatisfy { $0.isNaN }, "\(channel)") }
        for channel in 7...10 { #expect(curves[channel].allSatisfy { $0 == 0 }, "\(channel)") }
    }

    // MARK: Wavelets

    @Test(arguments: [1, 2, 7, 100])
    func aConstantHasNoDetailsWhateverItsLength(count: Int) {
        let curves = StationaryWavelet.transform(.init(repeating: 1, count: count), levels: 3)
        #expect(curves.count == 4 && curves.allSatisfy { $0.count == count })
        // The approximation grows by root 2 with each level.
        #expect(curves[0].allSatisfy { abs($0 - Float(8).squareRoot()) < 1e-4 })
        #expect(curves[1...].allSatisfy { $0.allSatisfy { abs($0) < 1e-5 } })
    }

    @Test func eachLevelKeepsTheEnergyTwice() {
        // Both filters of an orthogonal wavelet together have the gain 2 at every frequency.
        func energy(_ curve: [Float]) -> Float { curve.reduce(0) { $0 + $1 * $1 } }
        var signal = Array(repeating: Float(0), count: 200)
        for (place, value) in [(90, 1), (97, -0.5), (104, 0.25)] as [(Int, Float)] {
            signal[place] = value
        }
        let one = StationaryWavelet.transform(signal, levels: 1)
        #expect(abs(energy(one[0]) + energy(one[1]) - 2 * energy(signal)) < 1e-5)
        let three = StationaryWavelet.transform(signal, levels: 3)
        let sum = energy(three[0]) + energy(three[1]) + 2 * energy(three[2]) + 4 * energy(three[3])
        #expect(abs(sum - 8 * energy(signal)) < 1e-4)
    }

    @Test func detailsSeeNoCubic() {
        // Four vanishing moments: a polynomial of degree 3 has no details where no end is near.
        let signal = (0..<200).map { sample -> Float in
            let x = Float(sample - 100) / 100
            return 1 + x * (1 + x * (x - 2))
        }
        let curves = StationaryWavelet.transform(signal, levels: 3)
        for level in 1...3 {
            #expect(curves[level][60..<140].allSatisfy { abs($0) < 1e-4 }, "\(level)")
        }
    }

    // MARK: Normalisation

    @Test func everyChannelHasItsOwnNormalisation() throws {
        // 0, 1, ..., 100 at the samples that are looked at, the same in all channels.
        var curve = Array(repeating: Float.nan, count: 505)
        for i in 0...100 { curve[5 * i] = Float(i) }
        let window = Array(repeating: curve, count: ChannelSignals.count)
        let statistics = try ChannelStatistics(windows: [3]) { number in
            #expect(number == 3)
            return window
        }
        #expect(statistics.centres[0] == 0 && statistics.scales[0] == 1)
        // Of 0 to n - 1 the variance is (n² - 1) / 12.
        for channel in [1, 2, 7, 8, 9, 10] {
            #expect(abs(statistics.centres[channel] - 50) < 1e-3)
            #expect(abs(statistics.scales[channel] - Float(850).squareRoot()) < 1e-3)
        }
        #expect(statistics.centres[3] == 50 && statistics.scales[3] == 50)
        #expect(statistics.centres[4] == 50 && statistics.scales[4] == 50)
        // The mean of log(1) to log(101) is log(101!) / 101.
        for channel in [5, 6] { #expect(abs(statistics.centres[channel] - 3.64) < 0.01) }

        #expect(statistics.normalise([0, 50, 100, .nan], channel: 4) == [-1, 0, 1, 0])
        #expect(statistics.normalise([50, 75], channel: 3) == [0, 0.5])
        let limit = FeatureStatistics.limit
        #expect(statistics.normalise([-1e6, 1e6], channel: 3) == [-limit, limit])
    }

    @Test func whatWasNeverMeasuredStaysNothing() throws {
        let nothing = Array(
            repeating: Array(repeating: Float.nan, count: 20), count: ChannelSignals.count)
        let statistics = try ChannelStatistics(windows: [0, 1]) { _ in nothing }
        #expect(
            statistics.centres.allSatisfy { $0 == 0 } && statistics.scales.allSatisfy { $0 == 1 })
        for channel in nothing.indices {
            #expect(statistics.normalise(nothing[channel], channel: channel).allSatisfy { $0 == 0 })
        }
    }
}
