/// Amplitudes and areas on the typical beat.
struct LeadAmplitudes {
    private let beat: MedianBeat
    private let common: BeatWaves
    private let byLead: [BeatWaves]
    private static let millisecondsPerSample = 1000 / ConditionedRecord.rateHz

    init(_ beat: MedianBeat, _ common: BeatWaves, _ byLead: [BeatWaves]) {
        (self.beat, self.common, self.byLead) = (beat, common, byLead)
    }

    func values(of lead: Int, quality: Double) -> ClinicalMeasurements.LeadValues {
        var values = ClinicalMeasurements.LeadValues(quality: quality)
        guard let qrs = common.qrs, !beat.broad[lead].isEmpty else { return values }
        let level = Delineator.level(of: beat.smooth[lead], before: qrs)
        fillQRS(&values, lead, qrs, level)
        values.pMillivolts = common.p.map { peak(of: lead, $0) }
        values.tMillivolts = common.t.map { largest(beat.smooth[lead], $0, level) }
        let j = Int(qrs.offset.rounded())
        guard j + 41 < MedianBeat.count else { return values }
        values.stJ60Millivolts = Double(mean(beat.smooth[lead], j + 28...j + 32) - level)
            .within(-5...5)
        values.stSlopeMillivoltsPerSecond = slope(beat.smooth[lead], j...j + 40)
        return values
    }

    /// The integral of a lead over a wave, from the line between the wave's ends for P, from the level before QRS else.
    func area(of lead: Int, _ wave: Wave) -> Double? {
        guard let qrs = common.qrs, !beat.broad[lead].isEmpty else { return nil }
        let signal = beat.broad[lead]
        let (from, to) = range(wave)
        let level = Delineator.level(of: beat.smooth[lead], before: qrs)
        let isP = wave.offset <= qrs.onset
        var sum = 0.0
        for t in from...to {
            let base =
                isP
                ? signal[from] + (signal[to] - signal[from]) * Float(t - from)
                    / Float(max(1, to - from)) : level
            sum += Double(signal[t] - base)
        }
        return sum * Self.millisecondsPerSample
    }

    private func range(_ wave: Wave) -> (Int, Int) {
        let from = max(0, min(MedianBeat.count - 1, Int(wave.onset.rounded())))
        return (from, max(from, min(MedianBeat.count - 1, Int(wave.offset.rounded()))))
    }

    private func fillQRS(
        _ values: inout ClinicalMeasurements.LeadValues, _ lead: Int, _ qrs: Wave, _ level: Float
    ) {
        let signal = beat.broad[lead]
        let (from, to) = range(qrs)
        var top = from
        for t in from...to where signal[t] > signal[top] { top = t }
        let r = max(0, signal[top] - level)
        func depth(_ range: ClosedRange<Int>) -> Float {
            min(0, (signal[range].min() ?? level) - level)
        }
        let (before, after) = (depth(from...top), depth(top...to))
        // Without an R worth the name the whole complex is a QS, which counts as Q.
        let isQS = r < 0.03 && r < -0.1 * min(before, after)
        values.rMillivolts = Double(isQS ? 0 : r).within(0...20)
        values.qMillivolts = Double(isQS ? min(before, after) : before).within(-20...0)
        values.sMillivolts = Double(isQS ? 0 : after).within(-20...0)
        values.qrsAreaMillivoltMilliseconds = area(of: lead, qrs)
    }

    private func peak(of lead: Int, _ wave: Wave) -> Double {
        let signal = beat.smooth[lead]
        let (from, to) = range(wave)
        var best: Float = 0
        for t in from...to {
            let base =
                signal[from]
                + (signal[to] - signal[from]) * Float(t - from) / Float(max(1, to - from))
            if abs(signal[t] - base) > abs(best) { best = signal[t] - base }
        }
        return Double(best)
    }

    private func largest(_ signal: [Float], _ wave: Wave, _ level: Float) -> Double {
        let centre = Int(wave.peak.rounded())
        let reach = max(0, centre - 25)...min(MedianBeat.count - 1, centre + 25)
        var best = centre
        for t in reach where abs(signal[t] - level) > abs(signal[best] - level) { best = t }
        return Double(signal[best] - level)
    }

    private func mean(_ signal: [Float], _ range: ClosedRange<Int>) -> Float {
        signal[range].reduce(0, +) / Float(range.count)
    }

    /// The slope of the line of least squares, in mV a second.
    private func slope(_ signal: [Float], _ range: ClosedRange<Int>) -> Double {
        let middle = Double(range.lowerBound + range.upperBound) / 2
        var (sum, weight) = (0.0, 0.0)
        for t in range {
            sum += (Double(t) - middle) * Double(signal[t])
            weight += (Double(t) - middle) * (Double(t) - middle)
        }
        return sum / weight * ConditionedRecord.rateHz
    }
}
