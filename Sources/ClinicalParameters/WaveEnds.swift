/// Ends of a positive wave in one signal.
enum WaveEnds {
    /// T: the peak, the onset by its level, the offset by the tangent at the steepest fall.
    static func t(_ signal: [Float], around: Int, from: Int, to: Int) -> Wave? {
        let peak = highest(signal, around: around, within: 25, from: from, to: to)
        guard let offset = tangent(signal, from: peak, step: 1, limit: min(to, peak + 110)),
            let onset = tangent(signal, from: peak, step: -1, limit: max(from, peak - 100))
        else { return nil }
        return Wave(onset: onset, peak: Double(peak), offset: offset)
    }

    /// P: each end halfway between its tangent's and the place where the wave falls below a tenth.
    static func p(_ signal: [Float], around: Int, from: Int, to: Int) -> Wave? {
        let peak = highest(signal, around: around, within: 12, from: from, to: to)
        guard let offset = tangent(signal, from: peak, step: 1, limit: min(to, peak + 45)),
            let onset = tangent(signal, from: peak, step: -1, limit: max(from, peak - 55))
        else { return nil }
        let early = crossing(signal, from: peak, step: -1, reach: peak - max(from, peak - 55))
        let late = crossing(signal, from: peak, step: 1, reach: min(to, peak + 45) - peak)
        return Wave(
            onset: (onset + early) / 2, peak: Double(peak), offset: (offset + late) / 2)
    }

    /// The highest sample not farther than a reach from a place.
    private static func highest(
        _ signal: [Float], around place: Int, within reach: Int, from: Int, to: Int
    ) -> Int {
        var peak = place
        for t in max(from, place - reach)...min(to, place + reach) where signal[t] > signal[peak] {
            peak = t
        }
        return peak
    }

    /// The first sample beside a peak that is below a tenth of its height over the lowest level there.
    private static func crossing(
        _ signal: [Float], from peak: Int, step: Int, reach: Int
    ) -> Double {
        let values = (0...max(0, reach)).map { signal[peak + step * $0] }
        let lowest = values.min() ?? 0
        let level = lowest + 0.1 * (signal[peak] - lowest)
        return Double(peak + step * (values.firstIndex { $0 < level } ?? reach))
    }

    /// Where the tangent at the steepest place beside a peak meets the lowest level beyond it.
    private static func tangent(_ signal: [Float], from peak: Int, step: Int, limit: Int) -> Double?
    {
        let reach = abs(limit - peak)
        guard reach > 8 else { return nil }
        var lowest = peak
        for distance in 0...reach where signal[peak + step * distance] < signal[lowest] {
            lowest = peak + step * distance
        }
        var steepest = (place: peak, slope: Float(0))
        for distance in 3..<max(4, abs(lowest - peak) - 1) {
            let t = peak + step * distance
            let (near, far) = (t - 3 * step, t + 3 * step)
            guard signal.indices.contains(far), signal.indices.contains(near) else { break }
            let slope = (signal[near] - signal[far]) / 6
            if slope > steepest.slope { steepest = (t, slope) }
        }
        guard steepest.slope > 0 else { return nil }
        let away = Double((signal[steepest.place] - signal[lowest]) / steepest.slope)
        let end = Double(steepest.place) + Double(step) * min(away, Double(reach))
        return end
    }
}
