/// Finds the heart beats of a record on all leads together.
///
/// The band of 5 to 25 Hz is differentiated in each independent lead and divided by the slope that the lead's beats
/// usually reach, so that a lead with a wrong gain counts like any other; a lead without clear peaks counts little.
/// The squares are summed over the leads and averaged over 120 ms. Peaks of the root of that sum are beats when they
/// reach a part of what their neighbourhood reaches. Where a beat is missing against its neighbours, a smaller peak
/// will do; a peak soon after a beat and much flatter than it is a T wave.
struct BeatDetector {
    /// Half of the distance over which a slope is taken, in samples.
    private static let slopeReach = 2
    /// The window of the moving average: 120 ms.
    private static let windowCount = 60
    /// No beat follows another within 240 ms.
    private static let refractoryCount = 120
    /// A flat peak within 400 ms of a beat is its T wave.
    private static let recoveryCount = 200
    /// The part of the usual height that a beat reaches.
    private static let acceptedShare: Float = 0.36
    /// The same where the rhythm lets a beat be expected.
    private static let expectedShare: Float = 0.18
    /// Record without beats: the peaks do not stand out from the quietest fifth by this factor.
    private static let leastContrast: Float = 2.1

    private let record: ConditionedRecord

    init(_ record: ConditionedRecord) { self.record = record }

    /// The samples of the beats, in order: where the leads together are farthest from the baseline.
    func beats() -> [Int] {
        let leads = record.independentLeads
        var energy = [Float](repeating: 0, count: record.count)
        var weights: [(lead: Int, weight: Float)] = []
        var total: Float = 0
        for lead in leads {
            let slopes = slopes(record.band[lead])
            guard let (usual, weight) = reliability(slopes) else { continue }
            let factor = weight / (usual * usual)
            for t in energy.indices { energy[t] += factor * slopes[t] * slopes[t] }
            weights.append((lead, factor))
            total += weight
        }
        guard total > 0 else { return [] }
        let curve = movingAverage(energy).map { ($0 / total).squareRoot() }
        let peaks = accepted(candidates(curve), curve)
        return located(peaks, curve, weights)
    }

    private func slopes(_ band: [Float]) -> [Float] {
        let reach = Self.slopeReach
        var result = [Float](repeating: 0, count: band.count)
        for t in reach..<max(reach, band.count - reach) {
            result[t] = band[t + reach] - band[t - reach]
        }
        return result
    }

    /// The slope that a lead usually reaches once in a beat, and how clearly it does; `nil` for a lead without signal.
    private func reliability(_ slopes: [Float]) -> (usual: Float, weight: Float)? {
        let block = min(500, slopes.count)
        var peaks: [Float] = []
        for start in stride(from: 0, through: slopes.count - block, by: block) {
            peaks.append(slopes[start..<start + block].reduce(0) { max($0, abs($1)) })
        }
        let usual = Statistics.median(peaks)
        guard usual > 0.0005 else { return nil }
        let calm = Statistics.median(
            stride(from: 0, to: slopes.count, by: 17).map { abs(slopes[$0]) })
        // Gaussian noise has peaks of about 5 of its median magnitude; clear beats have 10 and more.
        let clarity = (usual / max(calm, 1e-9) - 4) / 8
        return (usual, clarity < 0.02 ? 0.02 : clarity > 1 ? 1 : clarity)
    }

    private func movingAverage(_ values: [Float]) -> [Float] {
        let half = Self.windowCount / 2
        var result = [Float](repeating: 0, count: values.count)
        var sum = 0.0
        for t in 0..<values.count + half {
            if t < values.count { sum += Double(values[t]) }
            let old = t - 2 * half
            if old >= 0 { sum -= Double(values[old]) }
            let place = t - half
            if place >= 0 { result[place] = Float(max(0, sum) / Double(2 * half)) }
        }
        return result
    }

    /// Peaks that are the highest within the refractory time.
    private func candidates(_ curve: [Float]) -> [Int] {
        var peaks: [Int] = []
        for t in 1..<max(1, curve.count - 1)
        where curve[t] > curve[t - 1] && curve[t] >= curve[t + 1] {
            if let last = peaks.last, t - last < Self.refractoryCount {
                if curve[t] > curve[last] { peaks[peaks.count - 1] = t }
            } else {
                peaks.append(t)
            }
        }
        return peaks
    }

    private func accepted(_ candidates: [Int], _ curve: [Float]) -> [Int] {
        let levels = usualHeights(curve)
        let quiet = Statistics.quantile(curve, 0.2)
        guard Statistics.median(levels) > Self.leastContrast * quiet else { return [] }
        func level(_ t: Int) -> Float { levels[min(levels.count - 1, t / Self.blockCount)] }
        var beats: [Int] = []
        for t in candidates where curve[t] > Self.acceptedShare * level(t) {
            if let last = beats.last, t - last < Self.recoveryCount, curve[t] < 0.5 * curve[last] {
                continue
            }
            // What was taken for a beat was a wave shortly before one.
            while let last = beats.last, t - last < Self.recoveryCount, curve[last] < 0.3 * curve[t]
            {
                beats.removeLast()
            }
            beats.append(t)
        }
        return withExpected(beats, candidates, curve, level)
    }

    /// Adds smaller peaks in gaps of more than one and a half usual distances.
    private func withExpected(
        _ beats: [Int], _ candidates: [Int], _ curve: [Float], _ level: (Int) -> Float
    ) -> [Int] {
        guard beats.count > 2 else { return beats }
        let usual = Statistics.median(zip(beats.dropFirst(), beats).map { Float($0 - $1) })
        var result: [Int] = []
        let ends = [beats[0] - Int(usual)] + beats + [beats[beats.count - 1] + Int(usual)]
        for (before, after) in zip(ends, ends.dropFirst()) {
            if before >= beats[0] { result.append(before) }
            guard Float(after - before) > 1.5 * usual else { continue }
            let margin = max(Self.recoveryCount, Int(0.45 * usual))
            let found = candidates.filter {
                $0 > before + margin && $0 < after - Self.recoveryCount
                    && curve[$0] > Self.expectedShare * level($0)
            }
            for t in found {
                if let last = result.last, t - last < margin {
                    if last != before, curve[t] > curve[last] { result[result.count - 1] = t }
                } else {
                    result.append(t)
                }
            }
        }
        return result
    }

    /// Blocks are long enough for a beat at 27 a minute.
    private static let blockCount = 1100

    /// For each block, the median of the highest points of it and its neighbours.
    private func usualHeights(_ curve: [Float]) -> [Float] {
        let block = Self.blockCount
        let starts = stride(from: 0, to: max(1, curve.count - block / 2), by: block)
        let heights = starts.map { curve[$0..<min(curve.count, $0 + block)].max() ?? 0 }
        return heights.indices.map { i in
            let reach = max(0, min(i - 2, heights.count - 5))..<min(heights.count, max(i + 3, 5))
            return Statistics.median(Array(heights[reach]))
        }
    }

    /// Moves each peak to where the leads together are farthest from the baseline.
    private func located(
        _ peaks: [Int], _ curve: [Float], _ weights: [(lead: Int, weight: Float)]
    ) -> [Int] {
        let reach = 30
        var places: [Int] = []
        for peak in peaks {
            let range = max(0, peak - reach)..<min(record.count, peak + reach + 1)
            var best = (place: peak, size: Float(-1))
            for t in range {
                var size: Float = 0
                for (lead, weight) in weights {
                    size += weight * record.smooth[lead][t] * record.smooth[lead][t]
                }
                if size > best.size { best = (t, size) }
            }
            if let last = places.last, best.place - last < Self.refractoryCount { continue }
            places.append(best.place)
        }
        return places
    }
}
