/// Finds the waves of a typical beat, on all leads together and in each lead.
///
/// QRS is where the leads together move fast. P and T are the bumps that stand out most before and after it; the leads
/// are then added with the weights that they have at the bump, which gives one signal with little noise, and the ends
/// of the wave are found on it by tangents and levels. In a lead of its own the same is done close to the common ends.
struct Delineator {
    /// Samples a millisecond.
    static let perMillisecond = ConditionedRecord.rateHz / 1000

    let beat: MedianBeat
    /// Leads that the common signals are made of.
    let leads: [Int]
    /// The usual distance of beats in samples; `nil` for a single beat.
    let beatDistance: Double?
    /// Where a pacing spike sets QRS off; `nil` for beats without.
    var pacingSpike: Double?

    private let r = MedianBeat.before
    /// Cardiologists set the onset of QRS some 3 to 9 ms before the leads move at 6 % of their highest speed, that of P 6 ms
    /// before its tangent meets the baseline, and the offset of T 12 ms behind it (medians over LUDB's annotations).
    private static let (qrsLead, pLead, tTail) = (1.5, 3.0, 6.0)
    /// Where the quiet parts move faster than this part of the highest speed, noise is smoothed away first.
    private static let noisyShare: Float = 0.08
    /// A complex of more than 140 ms is wide.
    private static let wideCount = 70
    /// P is looked for up to 360 ms before QRS.
    private static let longestPR = 180

    /// The waves of all leads together, in samples of the typical beat.
    func commonWaves() -> BeatWaves {
        var waves = BeatWaves()
        guard let qrs = commonQRS() else { return waves }
        waves.qrs = qrs
        let levels = beat.smooth.map { $0.isEmpty ? 0 : Self.level(of: $0, before: qrs) }
        waves.t = commonT(qrs, levels)
        waves.p = commonP(qrs, after: waves.t)
        return waves
    }

    /// The level between P and QRS, that amplitudes are measured from.
    static func level(of lead: [Float], before qrs: Wave) -> Float {
        let end = max(8, min(lead.count - 1, Int(qrs.onset.rounded())))
        return Statistics.median(Array(lead[end - 8...end - 1]))
    }

    // MARK: QRS

    /// How fast the leads move together, in mV a sample.
    ///
    /// Slopes of lines fitted to the samples up to `reach` before and after.
    private func velocity(of leads: [Int], _ rows: [[Float]], reach: Int) -> [Float] {
        var sum = [Float](repeating: 0, count: MedianBeat.count)
        let weight = (1...reach).reduce(Float(0)) { $0 + Float(2 * $1 * $1) }
        for lead in leads {
            rows[lead].withUnsafeBufferPointer { signal in
                for t in reach..<signal.count - reach {
                    var slope: Float = 0
                    for i in 1...reach { slope += Float(i) * (signal[t + i] - signal[t - i]) }
                    sum[t] += slope * slope
                }
            }
        }
        return sum.map { $0.squareRoot() / weight }
    }

    private func commonQRS() -> Wave? {
        var velocity = velocity(of: leads, beat.broad, reach: 2)
        var highest = velocity[r - 40...r + 40].max() ?? 0
        guard highest > 0.001 else { return nil }
        var before = quietLevel(velocity, r - 75..<r - 15)
        var after = quietLevel(velocity, r + 25..<r + 110)
        if before + after > Self.noisyShare * highest {
            velocity = self.velocity(of: leads, beat.smooth, reach: 5)
            highest = velocity[r - 40...r + 40].max() ?? 0
            before = 1.5 * quietLevel(velocity, r - 75..<r - 15)
            after = 1.5 * quietLevel(velocity, r + 25..<r + 110)
        }
        let onset = edge(
            velocity, from: r, step: -1, limit: 70, pause: 5,
            above: before + 0.06 * (highest - before))
        let offset = edge(
            velocity, from: r, step: 1, limit: 90, pause: 10,
            above: after + 0.04 * (highest - after))
        var start = Double(onset) - Self.qrsLead
        if let pacingSpike { start = max(start, min(pacingSpike + 10, Double(r) - 10)) }
        return Wave(
            onset: start, peak: Double(r), offset: Double(offset))
    }

    /// The lowest mean over 16 ms.
    private func quietLevel(_ velocity: [Float], _ range: Range<Int>) -> Float {
        var lowest = Float.infinity
        for start in stride(from: range.lowerBound, through: range.upperBound - 8, by: 2) {
            lowest = min(lowest, velocity[start..<start + 8].reduce(0, +) / 8)
        }
        return lowest
    }

    /// The last sample above a level, where pauses of up to some samples do not count.
    private func edge(
        _ velocity: [Float], from start: Int, step: Int, limit: Int, pause: Int,
        above level: Float
    ) -> Int {
        var last = start
        for distance in 0...limit {
            let t = start + step * distance
            guard velocity.indices.contains(t) else { break }
            if velocity[t] > level { last = t } else if abs(t - last) > pause { break }
        }
        return last
    }

    // MARK: T and P together

    private func commonT(_ qrs: Wave, _ levels: [Float]) -> Wave? {
        let first = Int(qrs.offset) + 20
        var last = min(MedianBeat.count - 45, Int(qrs.offset) + 225)
        if let distance = beatDistance {
            last = min(last, r + Int(0.72 * distance))
        }
        guard last - first > 20 else { return nil }
        let end = Int(qrs.offset.rounded())
        let bump = Bump(
            beat, leads: leads, within: first...last, reach: 40, holding: end...MedianBeat.count - 1
        )
        guard bump.height > 0.012 else { return nil }
        let signal = bump.projection(beat.smooth, levels)
        var limit = min(last + 70, signal.count - 1)
        if let distance = beatDistance { limit = min(limit, r + Int(0.88 * distance)) }
        var t = WaveEnds.t(signal, around: bump.peak, from: first - 10, to: limit)
        t?.offset += Self.tTail
        return t
    }

    private func commonP(_ qrs: Wave, after t: Wave?) -> Wave? {
        var end = Int(qrs.onset.rounded()) - 5
        if let pacingSpike { end = min(end, Int(pacingSpike) - 8) }
        var first = end - Self.longestPR
        if let distance = beatDistance, let t {
            first = max(first, Int(t.offset - distance) + 9)
        }
        first = max(first, 32)
        let last = end - 14
        guard last - first > 16 else { return nil }
        let bump = Bump(
            beat, leads: leads, within: first + 8...last, reach: 36, holding: first...end
        ) { t in
            // The farther from QRS, the more a bump has to stand out.
            let beyond = Float(last - t) - 90
            return beyond < 0 ? 1 : 1 - 0.005 * beyond
        }
        guard bump.height > 0.008 else { return nil }
        let levels = [Float](repeating: 0, count: beat.smooth.count)
        let signal = bump.projection(beat.smooth, levels)
        var p = WaveEnds.p(signal, around: bump.peak, from: first, to: end)
        p?.onset -= Self.pLead
        return p
    }

    // MARK: Single leads

    /// The waves of one lead, near the common ones.
    func waves(of lead: Int, near common: BeatWaves) -> BeatWaves {
        guard let qrs = common.qrs, !beat.smooth[lead].isEmpty else { return BeatWaves() }
        var waves = BeatWaves()
        waves.qrs = leadQRS(lead, near: qrs)
        let signal = beat.smooth[lead]
        if let t = common.t { waves.t = leadWave(signal, t, lead, isT: true, qrs) }
        if let p = common.p { waves.p = leadWave(signal, p, lead, isT: false, qrs) }
        return waves
    }

    private func leadQRS(_ lead: Int, near common: Wave) -> Wave {
        let signal = beat.broad[lead]
        let (from, to) = (max(0, Int(common.onset)), min(signal.count - 1, Int(common.offset)))
        // R is the highest place above the line between the ends, even where S is deeper; QS complexes have none.
        let step = (signal[to] - signal[from]) / Float(max(1, to - from))
        let values = (from...to).map { signal[$0] - signal[from] - step * Float($0 - from) }
        let (highest, lowest) = (values.max() ?? 0, values.min() ?? 0)
        var peak = min(max(r, from), to)
        let isBehind =
            values.firstIndex(of: highest) ?? 0 > values.firstIndex(of: lowest) ?? 0
        if to - from > Self.wideCount, isBehind, highest < -0.5 * lowest {
            // What rises behind a wide complex that points downwards is no R.
            peak = from + (values.firstIndex(of: lowest) ?? 0)
        } else if highest > -0.08 * lowest {
            // Of notched complexes the first of peaks that are nearly equal.
            let inner = values.indices.dropFirst().dropLast()
            let first = inner.first {
                values[$0] > 0.7 * highest && values[$0] > values[$0 - 1]
                    && values[$0] >= values[$0 + 1]
            }
            peak = from + (first ?? values.firstIndex(of: highest) ?? 0)
        }
        let own = leadEdges(lead, near: common)
        return Wave(
            onset: Self.between(common.onset, own.onset, reach: 12), peak: Double(peak),
            offset: Self.between(common.offset, own.offset, reach: 12))
    }

    /// Where one lead begins and ends to move, in the way of the leads together.
    private func leadEdges(_ lead: Int, near common: Wave) -> (onset: Double, offset: Double) {
        let velocity = velocity(of: [lead], beat.broad, reach: 3)
        let (from, to) = (
            max(3, Int(common.onset) - 8), min(MedianBeat.count - 4, Int(common.offset) + 8)
        )
        let highest = velocity[from...to].max() ?? 0
        let before = velocity[max(0, from - 15)..<from].reduce(0, +) / 15
        let after = velocity[to + 1...min(to + 15, MedianBeat.count - 1)].reduce(0, +) / 15
        let first = (from...to).first { velocity[$0] > before + 0.12 * (highest - before) }
        let last = (from...to).last { velocity[$0] > after + 0.1 * (highest - after) }
        // The levels are reached some samples behind the onset and before the offset that cardiologists see.
        return (Double(first ?? from) - 5, Double(last ?? to) + 4)
    }

    /// Halfway from the common place to the lead's own, which may not lie farther than `reach`.
    private static func between(_ common: Double, _ own: Double, reach: Double) -> Double {
        common + max(-reach, min(reach, own - common)) / 2
    }

    private func leadWave(
        _ signal: [Float], _ common: Wave, _ lead: Int, isT: Bool, _ qrs: Wave
    ) -> Wave {
        let reach = isT ? 20 : 14
        let centre = Int(common.peak.rounded())
        let range = max(0, centre - reach)...min(signal.count - 1, centre + reach)
        let (start, end) = (
            max(0, Int(common.onset.rounded())), min(signal.count - 1, Int(common.offset.rounded()))
        )
        let level = (signal[start] + signal[end]) / 2
        var peak = centre
        for t in range where abs(signal[t] - level) > abs(signal[peak] - level) { peak = t }
        var wave = Wave(onset: common.onset, peak: Double(peak), offset: common.offset)
        // A wave that hardly shows in this lead ends where it does in the others.
        let height = signal[peak] - level
        guard abs(height) > (isT ? 0.05 : 0.03) else { return wave }
        let upright = height < 0 ? signal.map { -$0 } : signal
        let (from, to) = (max(0, start - 15), min(signal.count - 1, end + 20))
        if isT, var own = WaveEnds.t(upright, around: peak, from: from, to: to) {
            own.offset += Self.tTail
            wave.onset = Self.between(common.onset, own.onset, reach: 25)
            wave.offset = Self.between(common.offset, own.offset, reach: 25)
        } else if !isT,
            var own = WaveEnds.p(upright, around: peak, from: from, to: min(to, Int(qrs.onset) - 3))
        {
            own.onset -= Self.pLead
            wave.onset = Self.between(common.onset, own.onset, reach: 15)
            wave.offset = Self.between(common.offset, own.offset, reach: 15)
        }
        return wave
    }
}

/// The place where the leads together rise most from the line between their values some time before and after.
struct Bump {
    /// The sample of the largest rise.
    private(set) var peak: Int
    /// The rise there, root of the sum of squares over the leads, in mV.
    private(set) var height: Float = 0
    /// Each lead's part of it; the squares sum to 1.
    private var direction: [(lead: Int, weight: Float)] = []

    /// Searches a range; outside `holding` the signals go on as constants, so that a neighbouring wave does not count.
    init(
        _ beat: MedianBeat, leads: [Int], within range: ClosedRange<Int>, reach: Int,
        holding: ClosedRange<Int>, weight: (Int) -> Float = { _ in 1 }
    ) {
        peak = range.lowerBound
        func rise(_ signal: [Float], _ t: Int) -> Float {
            let before = signal[max(holding.lowerBound, t - reach)]
            let after = signal[min(holding.upperBound, t + reach)]
            return signal[t] - (before + after) / 2
        }
        var sizes = [Float](repeating: 0, count: range.count)
        for lead in leads {
            for t in range {
                let value = rise(beat.smooth[lead], t)
                sizes[t - range.lowerBound] += value * value
            }
        }
        var best: Float = 0
        for (i, size) in sizes.enumerated() {
            let weight = weight(range.lowerBound + i)
            if size * weight * weight > best {
                best = size * weight * weight
                (height, peak) = (size.squareRoot(), range.lowerBound + i)
            }
        }
        guard height > 0 else { return }
        direction = leads.map { ($0, rise(beat.smooth[$0], peak) / height) }
    }

    /// One signal of all leads, in which the bump is positive.
    func projection(_ leads: [[Float]], _ levels: [Float]) -> [Float] {
        var sum = [Float](repeating: 0, count: MedianBeat.count)
        for (lead, weight) in direction {
            for t in sum.indices { sum[t] += weight * (leads[lead][t] - levels[lead]) }
        }
        return sum
    }
}

/// Ends of a positive wave in one signal.
enum WaveEnds {
    /// T: the peak, the onset by its level, the offset by the tangent at the steepest fall.
    static func t(_ signal: [Float], around: Int, from: Int, to: Int) -> Wave? {
        var peak = around
        for t in max(from, around - 25)...min(to, around + 25) where signal[t] > signal[peak] {
            peak = t
        }
        guard let offset = tangent(signal, from: peak, step: 1, limit: min(to, peak + 110)),
            let onset = tangent(signal, from: peak, step: -1, limit: max(from, peak - 100))
        else { return nil }
        return Wave(onset: onset, peak: Double(peak), offset: offset)
    }

    /// P: each end halfway between its tangent's and the place where the wave falls below a tenth.
    static func p(_ signal: [Float], around: Int, from: Int, to: Int) -> Wave? {
        var peak = around
        for t in max(from, around - 12)...min(to, around + 12) where signal[t] > signal[peak] {
            peak = t
        }
        guard let offset = tangent(signal, from: peak, step: 1, limit: min(to, peak + 45)),
            let onset = tangent(signal, from: peak, step: -1, limit: max(from, peak - 55))
        else { return nil }
        let early = crossing(signal, from: peak, step: -1, reach: peak - max(from, peak - 55))
        let late = crossing(signal, from: peak, step: 1, reach: min(to, peak + 45) - peak)
        return Wave(
            onset: (onset + early) / 2, peak: Double(peak), offset: (offset + late) / 2)
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
