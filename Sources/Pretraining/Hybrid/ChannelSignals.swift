import ClinicalParameters
import Electrocardiography

/// The study's eleven channels beside the eight leads, taken from lead II: curves that say in every sample what was measured.
enum ChannelSignals {
    static let count = 11

    /// How a channel's numbers are brought to a common range.
    enum Normalisation {
        /// As they are.
        case none
        /// Mean 0, deviation 1.
        case deviation
        /// The same of `log(1 + x)`: deviations of intervals have long tails.
        case logarithm
        /// Median 0, interquartile range 1.
        case quartiles
        /// The training windows' smallest to -1, their largest to 1.
        case range
    }

    /// R peaks; heart rate from beat to beat, and of the record; ST deviation; R amplitude; SDNN; RMSSD; the approximation and
    /// three details of a stationary wavelet transform.
    static let normalisations: [Normalisation] = [
        .none, .deviation, .deviation, .quartiles, .range, .logarithm, .logarithm, .deviation,
        .deviation, .deviation, .deviation,
    ]

    /// The channels of a window.
    ///
    /// - Parameters:
    ///   - leads: Twelve leads in mV.
    ///   - sampleRateHz: Their rate.
    ///   - analyser: Finds beats and waves.
    /// - Returns: `count` curves as long as a lead; NaN where there is nothing to say.
    static func curves(
        _ leads: [[Float]], sampleRateHz: Double, analyser: ClinicalAnalyser
    ) -> [[Float]] {
        let signal = leads[Lead.ii.rawValue]
        let measured = analyser.measure(leads, sampleRateHz: sampleRateHz)
        let peaks = measured.beats.map(\.rSample).filter(signal.indices.contains)
        func constant(_ value: Double?) -> [Float] {
            .init(repeating: value.map { Float($0) } ?? .nan, count: signal.count)
        }
        var marks = [Float](repeating: 0, count: signal.count)
        for peak in peaks { marks[peak] = 1 }
        let rhythm = measured.rhythm
        return [
            marks, rate(peaks, samples: signal.count, sampleRateHz: sampleRateHz),
            constant(rhythm.heartRatePerMinute),
            deviationOfST(signal, beats: measured.beats, sampleRateHz: sampleRateHz),
            constant(measured.leads[Lead.ii.rawValue].rMillivolts),
            constant(rhythm.rrSDMilliseconds), constant(rhythm.rmssdMilliseconds),
        ] + StationaryWavelet.transform(signal, levels: 3)
    }

    /// The rate that the interval around each sample stands for; outside of the beats the nearest interval's.
    private static func rate(_ peaks: [Int], samples: Int, sampleRateHz: Double) -> [Float] {
        var curve = [Float](repeating: .nan, count: samples)
        guard peaks.count > 1 else { return curve }
        for index in 1..<peaks.count where peaks[index] > peaks[index - 1] {
            let start = index == 1 ? 0 : peaks[index - 1]
            let end = index == peaks.count - 1 ? samples : peaks[index]
            let interval = Double(peaks[index] - peaks[index - 1]) / sampleRateHz
            for i in start..<end { curve[i] = Float(60 / interval) }
        }
        return curve
    }

    /// The signal from 80 to 200 ms after each R peak, against the 20 ms before QRS.
    private static func deviationOfST(
        _ signal: [Float], beats: [ClinicalMeasurements.Beat], sampleRateHz: Double
    ) -> [Float] {
        var curve = [Float](repeating: .nan, count: signal.count)
        let level = max(1, Int(0.02 * sampleRateHz))
        for beat in beats {
            let onset = beat.qrs?.onset ?? beat.rSample - Int(0.06 * sampleRateHz)
            let start = beat.rSample + Int(0.08 * sampleRateHz)
            let end = min(signal.count, beat.rSample + Int(0.2 * sampleRateHz))
            guard onset - level >= 0, onset <= signal.count, start < end else { continue }
            let base = signal[onset - level..<onset].reduce(0, +) / Float(level)
            for i in start..<end { curve[i] = signal[i] - base }
        }
        return curve
    }
}

/// The wavelet transform without thinning out: every curve is as long as the signal.
///
/// Source: Daubechies' wavelet with four vanishing moments; Holschneider et al., "A real-time algorithm for signal
/// analysis with the help of the wavelet transform", 1989.
enum StationaryWavelet {
    private static let low: [Float] = [
        -0.010_597_401_8, 0.032_883_011_7, 0.030_841_381_8, -0.187_034_811_7, -0.027_983_769_4,
        0.630_880_767_9, 0.714_846_570_6, 0.230_377_813_3,
    ]

    /// The deepest approximation, then the details from the deepest to the finest; the signal is mirrored at its ends.
    static func transform(_ signal: [Float], levels: Int) -> [[Float]] {
        let high = low.indices.map { $0 % 2 == 0 ? -low[7 - $0] : low[7 - $0] }
        var (approximation, details) = (signal, [[Float]]())
        for level in 0..<levels {
            details.insert(convolve(approximation, high, spacing: 1 << level), at: 0)
            approximation = convolve(approximation, low, spacing: 1 << level)
        }
        return [approximation] + details
    }

    private static func convolve(_ x: [Float], _ taps: [Float], spacing: Int) -> [Float] {
        x.indices.map { centre in
            var sum: Float = 0
            for (index, tap) in taps.enumerated() {
                var i = centre + (index - taps.count / 2) * spacing
                // Short signals may be mirrored more than once.
                while i < 0 || i >= x.count { i = i < 0 ? -1 - i : 2 * x.count - 1 - i }
                sum.addProduct(tap, x[i])
            }
            return sum
        }
    }
}
