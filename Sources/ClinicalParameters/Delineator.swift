/// Finds the waves of a typical beat, on all leads together and in each lead.
///
/// QRS is where the leads together move fast. P and T are the bumps that stand out most before and after it; the leads
/// are then added with the weights that they have at the bump, which gives one signal with little noise, and the ends
/// of the wave are found on it by tangents and levels. In a lead of its own the same is done close to the common ends.
struct Delineator {
    let beat: MedianBeat
    /// Leads that the common signals are made of.
    let leads: [Int]
    /// How far the neighbouring beats usually are; `nil` for a single beat.
    let distances: Distances?
    /// What of the beat may be noise; `nil` where nothing says.
    let noise: BeatNoise?
    /// Where a pacing spike sets QRS off; `nil` for beats without.
    var pacingSpike: Double?

    /// Samples from R to R of the beats before and behind.
    struct Distances: Equatable {
        var before: Double
        var after: Double
    }

    private let r = MedianBeat.before
    /// Cardiologists set the onset of QRS about where the leads move at 4 % of their highest speed, that of P 6 ms before its
    /// tangent meets the baseline, and the offset of T 12 ms behind it (over LUDB's annotations).
    private static let (pLead, tTail) = (3.0, 6.0)
    /// Where the quiet parts move faster than this part of the highest speed, noise is smoothed away first.
    private static let noisyShare: Float = 0.08
    /// A complex of more than 140 ms is wide.
    private static let wideCount = 70
    /// A complex that takes more than this part of the distance of beats leaves T no time.
    private static let longestShare = 0.33
    /// Behind the complex the leads have at least this part of their speed 20 ms farther away.
    private static let lastingShare: Float = 0.6
    /// T moves the leads no faster than this part of the complex's highest speed.
    private static let fastShare: Float = 0.2
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
        // A T that the next QRS cuts off has no end that could be measured, but P does not lie in it.
        if let t = waves.t, let distance = distances?.after,
            t.offset > min(qrs.peak + 0.88 * distance, qrs.onset + distance - 5)
        {
            waves.t = nil
        }
        return waves
    }

    /// The level between P and QRS, that amplitudes are measured from.
    static func level(of lead: [Float], before qrs: Wave) -> Float {
        let end = max(8, min(lead.count - 1, Int(qrs.onset.rounded())))
        return OrderStatistics.median(Array(lead[end - 8...end - 1]))
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
        let isNoisy = before + after > Self.noisyShare * highest
        if isNoisy {
            velocity = self.velocity(of: leads, beat.smooth, reach: 5)
            highest = velocity[r - 40...r + 40].max() ?? 0
            before = 1.5 * quietLevel(velocity, r - 75..<r - 15)
            after = 1.5 * quietLevel(velocity, r + 25..<r + 110)
        }
        // Where the beat was smoothed, its slow parts are too near to the noise for the lower level.
        let level = before + (isNoisy ? 0.06 : 0.04) * (highest - before)
        let onset = edge(
            velocity, from: r, step: -1, limit: 70, pause: 5, above: level,
            resuming: isNoisy ? 1 : 2)
        let end = edge(
            velocity, from: r, step: 1, limit: 90, pause: 10,
            above: after + 0.04 * (highest - after))
        let complex = withoutT(onset...end, velocity)
        var start =
            complex.lowerBound > onset
            ? Double(complex.lowerBound)
            : Self.crossing(velocity, before: onset, level) + (isNoisy ? -1 : 0.2)
        if let pacingSpike { start = max(start, min(pacingSpike + 10, Double(r) - 10)) }
        return Wave(
            onset: start, peak: Double(r), offset: Double(complex.upperBound))
    }

    /// Where the line from the sample before meets a level that the sample is above.
    private static func crossing(_ velocity: [Float], before t: Int, _ level: Float) -> Double {
        let step = velocity[t] - velocity[t - 1]
        guard step > 0 else { return Double(t) }
        return Double(t) - Double(min(1, max(0, (velocity[t] - level) / step)))
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
    ///
    /// Behind a pause of more than two samples it takes `factor` times the level: Q reaches twice the level, flutter waves
    /// and a P that nearly touches QRS do not.
    private func edge(
        _ velocity: [Float], from start: Int, step: Int, limit: Int, pause: Int,
        above level: Float, resuming factor: Float = 1
    ) -> Int {
        var last = start
        for distance in 0...limit {
            let t = start + step * distance
            guard velocity.indices.contains(t) else { break }
            let isPaused = abs(t - last) > 3
            if velocity[t] > (isPaused ? factor * level : level) {
                last = t
            } else if velocity[t] <= level, abs(t - last) > pause {
                break
            }
        }
        return last
    }

    /// The complex without what of T was taken for a part of it.
    ///
    /// In fast rhythms with wide complexes T begins where QRS ends, and may not have ended where the next one begins, so
    /// that there is no quiet part. T moves the leads slowly, but for long: the complex is over where they get slow and,
    /// 20 ms farther away, are hardly slower.
    private func withoutT(_ complex: ClosedRange<Int>, _ velocity: [Float]) -> ClosedRange<Int> {
        guard let distances, let highest = velocity[complex].max() else { return complex }
        func end(_ usual: Int, _ step: Int, _ distance: Double) -> Int {
            // Farther away lies the next complex.
            let reach = min(abs(usual - r), Int(0.6 * distance))
            let fast = (0...reach).last { velocity[r + step * $0] > Self.fastShare * highest }
            for away in (fast ?? 0)...max(fast ?? 0, reach) {
                let (t, farther) = (r + step * away, r + step * (away + 10))
                guard velocity.indices.contains(farther) else { break }
                if velocity[farther] > Self.lastingShare * velocity[t] { return t }
            }
            return usual
        }
        func isLong(_ complex: ClosedRange<Int>, _ distance: Double) -> Bool {
            Double(complex.count) > Self.longestShare * distance
        }
        var result = complex
        if isLong(result, distances.after) {
            result = result.lowerBound...end(result.upperBound, 1, distances.after)
        }
        if isLong(result, distances.before) {
            result = end(result.lowerBound, -1, distances.before)...result.upperBound
        }
        return result
    }

    // MARK: T and P together

    private func commonT(_ qrs: Wave, _ levels: [Float]) -> Wave? {
        let first = Int(qrs.offset) + 10
        var last = min(MedianBeat.count - 45, Int(qrs.offset) + 225)
        if let distance = distances?.after {
            last = min(last, Self.latestT(qrs, distance))
        }
        guard last - first > 20 else { return nil }
        let end = Int(qrs.offset.rounded())
        var free = MedianBeat.count - 1
        if let distance = distances?.after { free = min(free, Int(qrs.onset + distance) - 5) }
        guard free > last else { return nil }
        let search = BumpSearch(range: first...last, reach: 40, bounds: end...free, evenness: 0.12)
        let bump = Bump(beat, leads: leads, search)
        guard bump.height > 0.015, isWave(bump, search, { $0.isWave || $0.isEndOfWave }) else {
            return nil
        }
        let signal = bump.projection(beat.smooth, levels)
        var limit = min(last + 70, signal.count - 1)
        if let distance = distances?.after { limit = min(limit, r + Int(0.88 * distance), free) }
        var t = WaveEnds.t(signal, around: bump.peak, from: first, to: limit)
        t?.offset += Self.tTail
        return t
    }

    /// Whether a bump is more than noise makes, where anything says what that is.
    private func isWave(
        _ bump: Bump, _ search: BumpSearch, _ condition: (BeatNoise.Evidence) -> Bool
    ) -> Bool {
        noise.map { condition($0.evidence(of: bump, search, in: beat)) } ?? true
    }

    /// The last sample at which T may peak: what comes later is P of the next beat.
    ///
    /// Over LUDB and PTB-XL T peaks up to 0.44 roots of RR (both in s) behind the onset of QRS, and up to 0.48 RR behind R.
    private static func latestT(_ qrs: Wave, _ distance: Double) -> Int {
        let byRoot = 0.5 * (distance * ConditionedRecord.rateHz).squareRoot()
        return min(Int(qrs.onset + byRoot), Int(qrs.peak + max(60, 0.58 * distance)))
    }

    /// Samples from R to where T ends at the earliest: repolarisation takes longer than this at any rate.
    private static func earliestTEnd(_ distance: Double) -> Double {
        0.3 * (distance * ConditionedRecord.rateHz).squareRoot()
    }

    /// Where T has ended: 0.27 roots of RR (both in s) behind QRS.
    private static func latestTEnd(_ qrs: Wave, _ distance: Double) -> Double {
        qrs.offset + 0.27 * (distance * ConditionedRecord.rateHz).squareRoot()
    }

    private func commonP(_ qrs: Wave, after t: Wave?) -> Wave? {
        var end = Int(qrs.onset.rounded()) - 5
        if let pacingSpike { end = min(end, Int(pacingSpike) - 8) }
        var first = end - Self.longestPR
        if let distance = distances?.before, let t {
            first = max(first, Int(t.offset - distance) + 9)
        }
        if let distance = distances?.before {
            first = max(first, r + Int(Self.earliestTEnd(distance) - distance))
        }
        first = max(first, 32)
        let last = end - 14
        guard last - first > 16 else { return nil }
        let search = BumpSearch(
            range: first + 8...last, reach: 36, bounds: first...end, evenness: 0.35
        ) { t in
            // The farther from QRS, the more a bump has to stand out.
            let beyond = Float(last - t) - 90
            return beyond < 0 ? 1 : 1 - 0.005 * beyond
        }
        let bump = Bump(beat, leads: leads, search)
        guard bump.height > 0.014, isWave(bump, search, \.isWave) else { return nil }
        let levels = [Float](repeating: 0, count: beat.smooth.count)
        let signal = bump.projection(beat.smooth, levels)
        var p = WaveEnds.p(signal, around: bump.peak, from: first, to: end)
        p?.onset -= Self.pLead
        // Where T of the beat before was not found, what lies where it may end can be its end.
        if t == nil, let p, let distance = distances?.before,
            p.onset < Self.latestTEnd(qrs, distance) - distance
        {
            return nil
        }
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
        // In a fast rhythm a complex is wide that takes much of the time.
        let wide = Self.longestShare * (distances?.after ?? .infinity)
        if Double(to - from) > min(Double(Self.wideCount), wide), isBehind, highest < -0.5 * lowest
        {
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
        return (Double(first ?? from) - 5.4, Double(last ?? to) + 4)
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
