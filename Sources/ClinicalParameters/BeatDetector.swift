/// Finds the heart beats of a record on all leads together.
///
/// Peaks of the curve of all leads' speed are beats when they reach a part of what their neighbourhood reaches. Where a
/// beat is missing against its neighbours, a smaller peak will do; a peak soon after a beat and much flatter than it is
/// a T wave, and so is a wave that follows every beat at the same distance (`RecoveryWaves`). Where no peak stands out
/// because one wide complex goes over into the next, beats are looked for by their period (`ContinuousRhythm`).
struct BeatDetector {
    /// No beat follows another within 164 ms: a rate of 300 a minute has 200 ms.
    private static let refractoryCount = 82
    /// The highest points of two beats' plateaus in the curve may come a little closer.
    private static let plateauCount = 65
    /// Where the curve is lower than this part of its peak, the complex is over.
    private static let plateauShare: Float = 0.7
    /// A flat peak within 400 ms of a beat is its T wave.
    private static let recoveryCount = 200
    /// The part of the usual height that a beat reaches.
    private static let acceptedShare: Float = 0.36
    /// The same where the rhythm lets a beat be expected.
    private static let expectedShare: Float = 0.18
    /// The part of beats that must have one form where they hardly stand out.
    private static let likenessShare = 0.6

    private let record: ConditionedRecord

    /// The samples of the beats, in order: where the leads together are farthest from the baseline.
    private(set) var places: [Int] = []
    /// Whether the leads move as a heart moves them, although no beat can be told from the next.
    private(set) var isBeyondCounting = false

    init(_ record: ConditionedRecord) {
        self.record = record
        places = distinctBeats()
        guard places.isEmpty || isBroken else { return }
        let rhythm = ContinuousRhythm(record)
        // Beats that were missed leave pauses; a record that repeats itself has none.
        if places.isEmpty || rhythm.beats.count > places.count { places = rhythm.beats }
        isBeyondCounting = places.isEmpty && rhythm.isLively
    }

    /// Whether fast beats leave pauses of about twice their distance, and are rather many to be looked at again.
    private var isBroken: Bool {
        let distances = zip(places, places.dropFirst())
            .filter { !record.gaps.separate($0, $1) }.map { Float($1 - $0) }
        let usual = OrderStatistics.median(distances)
        return distances.count > 3 && usual < Float(Self.recoveryCount)
            && distances.contains { $0 > 1.5 * usual }
    }

    /// Beats that stand out from what lies between them.
    private func distinctBeats() -> [Int] {
        guard var curve = BeatCurve(record) else { return [] }
        var most = 0
        // Each turn takes the T waves of one form away; more forms of beats than that are no rhythm.
        for _ in 0..<4 {
            guard !curve.levels.isEmpty else { return [] }
            let candidates = candidates(curve.values)
            let beats = located(accepted(candidates, curve), curve)
            // With the T waves beats went, too: where these cannot be told apart, the period has to do.
            guard 5 * beats.count >= 2 * most else { return [] }
            most = max(most, beats.count)
            let high = candidates.filter {
                curve.values[$0] > Self.expectedShare * curve.level($0)
            }
            let waves = RecoveryWaves(
                beats: beats, waves: located(high, curve), weights: curve.weights, in: record)
            if !curve.isClear {
                guard beats.count >= 4, waves.likenessShare(of: beats) >= Self.likenessShare
                else { return [] }
            }
            guard !waves.recovery.isEmpty else { return (beats + waves.further).sorted() }
            curve.remove(waves.recovery)
        }
        return []
    }

    /// Peaks that are the highest within the refractory time.
    private func candidates(_ curve: [Float]) -> [Int] {
        var peaks: [Int] = []
        for t in 1..<max(1, curve.count - 1)
        where curve[t] > curve[t - 1] && curve[t] >= curve[t + 1]
            // The edge of what was taken out is no peak.
            && curve[t - 1] > 0 && curve[t + 1] > 0
        {
            if let last = peaks.last, t - last < Self.plateauCount {
                if curve[t] > curve[last] { peaks[peaks.count - 1] = t }
            } else {
                peaks.append(t)
            }
        }
        return peaks
    }

    private func accepted(_ candidates: [Int], _ curve: BeatCurve) -> [Int] {
        let values = curve.values
        var beats: [Int] = []
        for t in candidates where values[t] > Self.acceptedShare * curve.level(t) {
            if let last = beats.last, t - last < Self.recoveryCount, values[t] < 0.5 * values[last]
            {
                continue
            }
            // What was taken for a beat was a wave shortly before one.
            while let last = beats.last, t - last < Self.recoveryCount,
                values[last] < 0.3 * values[t]
            {
                beats.removeLast()
            }
            beats.append(t)
        }
        return withExpected(beats, candidates, curve)
    }

    /// Adds smaller peaks in pauses of more than one and a half usual distances.
    private func withExpected(_ beats: [Int], _ candidates: [Int], _ curve: BeatCurve) -> [Int] {
        guard beats.count > 2 else { return beats }
        let distances = zip(beats, beats.dropFirst())
            .filter { !record.gaps.separate($0, $1) }.map { Float($1 - $0) }
        guard distances.count > 1 else { return beats }
        let usual = OrderStatistics.median(distances)
        var result: [Int] = []
        let ends = [beats[0] - Int(usual)] + beats + [beats[beats.count - 1] + Int(usual)]
        let margin = max(Int(0.45 * usual), min(Self.recoveryCount, Int(0.6 * usual)))
        for (before, after) in zip(ends, ends.dropFirst()) {
            if before >= beats[0] { result.append(before) }
            guard Float(after - before) > 1.5 * usual else { continue }
            let found = candidates.filter {
                $0 > before + margin && $0 < after - min(margin, Self.recoveryCount)
                    && curve.values[$0] > Self.expectedShare * curve.level($0)
            }
            for t in found {
                if let last = result.last, t - last < margin {
                    if last != before, curve.values[t] > curve.values[last] {
                        result[result.count - 1] = t
                    }
                } else {
                    result.append(t)
                }
            }
        }
        return result
    }

    /// Moves each peak to where the leads together are farthest from the baseline, but not into a slow wave beside it.
    private func located(_ peaks: [Int], _ curve: BeatCurve) -> [Int] {
        let reach = 30
        var places: [Int] = []
        var size: Float = 0
        for peak in peaks {
            let range = max(0, peak - reach)..<min(record.count, peak + reach + 1)
            var best = (place: peak, size: Float(-1))
            for t in range where curve.values[t] > Self.plateauShare * curve.values[peak] {
                var size: Float = 0
                for (lead, weight) in curve.weights {
                    size += weight * record.smooth[lead][t] * record.smooth[lead][t]
                }
                if size > best.size { best = (t, size) }
            }
            if let last = places.last, best.place - last < Self.refractoryCount {
                if best.size > size { (places[places.count - 1], size) = best }
                continue
            }
            places.append(best.place)
            size = best.size
        }
        return places
    }
}
