/// Finds the typical beat's P and T again in each beat, a little earlier or later.
struct WaveTracker {
    /// A beat with the shifts of its waves against the typical beat, in samples; `nil` for a wave that it lacks.
    struct Beat {
        var r: Int
        var kind: BeatKind
        var p: Double?
        var t: Double?
        /// How well the place where P is best found correlates with the typical P.
        var pFit: Float = 0
        /// The waves of a beat of another form, with the same timeline as the typical beat.
        var own: (common: BeatWaves, byLead: [BeatWaves])?
    }

    /// P may come 40 ms earlier or later.
    private static let pReach = 20
    /// T may come 60 ms earlier or later.
    private static let tReach = 30
    /// A P wave correlates at least this much with the typical one, as a part of what noise leaves.
    private static let pLikeness: Float = 0.5
    /// A T wave that correlates less is taken where the typical one is.
    private static let tLikeness: Float = 0.7

    private let record: ConditionedRecord
    private let typical: MedianBeat
    private let common: BeatWaves
    private let noise: BeatNoise?
    /// The part of the typical beat that P is found by.
    private let pRange: ClosedRange<Int>?
    /// How well a beat's P correlates with the typical one where noise is all that differs.
    let usualP: Float

    init(
        _ record: ConditionedRecord, _ typical: MedianBeat, _ common: BeatWaves,
        _ noise: BeatNoise?
    ) {
        (self.record, self.typical, self.common, self.noise) = (record, typical, common, noise)
        pRange = common.p.map { p in
            let from = max(0, Int(p.onset) - 8)
            let to = min(Int(p.offset) + 8, Int(common.qrs?.onset ?? p.offset) - 1)
            return from...max(from, to)
        }
        usualP = pRange.flatMap { noise?.usualLikeness(of: typical, in: $0) } ?? 1
    }

    func track(_ ensemble: BeatEnsemble) -> [Beat] {
        let beats = ensemble.beats
        return beats.indices.map { i in
            let next = i + 1 < beats.count ? beats[i + 1].r : record.count + 200
            let previous = i > 0 ? beats[i - 1].r : -200
            return beats[i].kind == .dominant
                ? dominant(beats[i], previous: previous, next: next)
                : ectopic(beats[i], next: next)
        }
    }

    private func dominant(_ beat: BeatEnsemble.Beat, previous: Int, next: Int) -> Beat {
        var result = Beat(r: beat.r, kind: beat.kind, p: nil, t: nil)
        let start = beat.r - MedianBeat.before
        if let range = pRange {
            let fit = fit(start, range.lowerBound, range.upperBound, reach: Self.pReach)
            result.pFit = fit.likeness
            // In noise that hides the form a shift would be that of the noise.
            if fit.likeness > Self.pLikeness * usualP {
                result.p = fit.likeness > Self.pLikeness ? Double(fit.lag) : 0
            }
        }
        if let t = common.t {
            let from = max(Int(t.peak) - 40, Int(common.qrs?.offset ?? 0) + 10)
            let fit = fit(start, from, Int(t.offset) + 12, reach: Self.tReach)
            let lag = fit.likeness > Self.tLikeness ? Double(fit.lag) : 0
            let isFree = Double(start) + t.offset + lag < Double(next - 20)
            result.t = isFree ? lag : nil
        }
        return result
    }

    private func ectopic(_ beat: BeatEnsemble.Beat, next: Int) -> Beat {
        let single = MedianBeat([beat.r], in: record)
        let distance = Double(next - beat.r) * 1.15
        let delineator = Delineator(
            beat: single, leads: record.independentLeads,
            distances: .init(before: distance, after: distance), noise: noise)
        var waves = delineator.commonWaves()
        waves.p = nil
        let byLead = single.broad.indices.map { delineator.waves(of: $0, near: waves) }
        return Beat(
            r: beat.r, kind: .ectopic, p: nil, t: waves.t == nil ? nil : 0, own: (waves, byLead))
    }

    /// The lag at which a part of the typical beat correlates best with a beat, over all leads.
    private func fit(
        _ start: Int, _ from: Int, _ to: Int, reach: Int
    ) -> (lag: Int, likeness: Float) {
        var best = (lag: 0, likeness: Float(-2))
        let (first, last) = (max(0, from), min(MedianBeat.count - 1, to))
        guard last - first > 8 else { return best }
        func consider(_ lag: Int) {
            let value = likeness(start + lag, first, last)
            // A shift must be worth it.
            let cost = 0.002 * Float(abs(lag))
            if value - cost > best.likeness { best = (lag, value - cost) }
        }
        for lag in stride(from: -reach, through: reach, by: 4) { consider(lag) }
        for lag in [-2, -1, 1, 2].map({ best.lag + $0 }) { consider(lag) }
        return best
    }

    private func likeness(_ start: Int, _ first: Int, _ last: Int) -> Float {
        guard start + first >= 0, start + last < record.count else { return -2 }
        var (product, own, other): (Float, Float, Float) = (0, 0, 0)
        let count = Float((last - first) / 2 + 1)
        for lead in record.independentLeads {
            let (signal, form) = (record.smooth[lead], typical.smooth[lead])
            var (sx, sy, xx, yy, xy): (Float, Float, Float, Float, Float) = (0, 0, 0, 0, 0)
            signal.withUnsafeBufferPointer { signal in
                form.withUnsafeBufferPointer { form in
                    for t in stride(from: first, through: last, by: 2) {
                        let (x, y) = (signal[start + t], form[t])
                        sx += x
                        sy += y
                        xx += x * x
                        yy += y * y
                        xy += x * y
                    }
                }
            }
            product += xy - sx * sy / count
            own += xx - sx * sx / count
            other += yy - sy * sy / count
        }
        let size = own * other
        return size > 0 ? product / size.squareRoot() : -2
    }
}
