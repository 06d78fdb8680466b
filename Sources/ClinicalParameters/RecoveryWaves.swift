/// Tells beats and T waves apart among the waves that could be beats.
///
/// A tall T wave can move the leads as fast as a wide QRS complex does. What gives it away is that it follows every beat
/// of one form at the same distance, is blunter than that beat, and is not a beat of its own: a ventricular beat of a
/// bigeminy has a T wave behind it, or the T wave of the beat before it comes in between. A wide beat, on the other
/// hand, can be slower than all others, and is known by its size and by not coming behind every beat.
struct RecoveryWaves {
    /// Where T waves lie of which some were taken for beats.
    private(set) var recovery: [Range<Int>] = []
    /// Of the other waves, those that are beats.
    private(set) var further: [Int] = []

    /// A form is compared 70 ms before and after its place.
    private static let formReach = 35
    /// Waves may be moved by 30 ms for the best fit.
    private static let lagLimit = 15
    /// Waves of one form correlate by at least this.
    private static let likeness: Float = 0.8
    /// A wave comes behind a beat when what is there correlates with it by this.
    private static let recurringLikeness: Float = 0.7
    /// T peaks 160 to 480 ms after R.
    private static let delay = 80...240
    /// Waves of one form differ in speed by no more than this factor.
    private static let steepnessRange: Float = 1.6
    /// The part of the beats' speed that a T wave may reach.
    private static let steepnessShare: Float = 0.92
    /// The part of the beats that a T wave has to follow.
    private static let recurrence = 0.8
    /// The part of the beats' size that a slow beat has.
    private static let sizeShare: Float = 0.6
    /// Half of the time that a T wave takes, in samples.
    private static let tReach = 100
    /// The part of a wave's height that another wave reaches which shows that the first is a beat: when it was taken for
    /// one, and when it was not.
    private static let (waveShare, clearWaveShare): (Float, Float) = (0.3, 0.45)
    /// The part of a wave's size that others' waves at the same place reach if it is one like them.
    private static let ordinaryShare: Float = 0.5

    private let record: ConditionedRecord
    private let leads: [(lead: Int, scale: Float)]
    private var forms: [Form] = []

    private struct Form {
        var members: [Int]
        /// The mean, lead after lead, around the place.
        var mean: [Float]
        /// The highest speed in the band that beats are found in, over all leads.
        var steepness: Float
    }

    /// The part of the places around which the band of beats looks like their mean.
    func likenessShare(of places: [Int]) -> Double {
        guard let first = places.first else { return 0 }
        var mean = values(first, of: record.band)
        for (number, place) in places.enumerated().dropFirst() {
            let lag = fit(place, to: mean, of: record.band).lag
            for (i, value) in values(place + lag, of: record.band).enumerated() {
                mean[i] += (value - mean[i]) / Float(min(8, number + 1))
            }
        }
        let alike = places.count { fit($0, to: mean, of: record.band).likeness > Self.likeness }
        return Double(alike) / Double(places.count)
    }

    /// Sorts waves.
    ///
    /// - Parameters:
    ///   - beats: Places that are taken for beats, in order.
    ///   - waves: Places of all waves that could be beats.
    ///   - weights: What the square of each lead counts.
    ///   - record: The record.
    init(
        beats: [Int], waves: [Int], weights: [(lead: Int, weight: Float)],
        in record: ConditionedRecord
    ) {
        self.record = record
        leads = weights.map { ($0.lead, $0.weight.squareRoot()) }
        forms = sorted(Set(waves).union(beats).sorted())
        recovery = recoveryWaves(among: beats)
        if recovery.isEmpty { further = slowBeats(among: waves, beside: beats) }
    }

    private func recoveryWaves(among beats: [Int]) -> [Range<Int>] {
        let accepted = Set(beats)
        let bySteepness = forms.sorted {
            ($1.steepness, $0.members[0]) < ($0.steepness, $1.members[0])
        }
        var result: [Range<Int>] = []
        for (number, blunt) in bySteepness.enumerated() {
            guard blunt.members.contains(where: accepted.contains) else { continue }
            for sharp in bySteepness[..<number] where sharp.members.count >= 3 {
                guard blunt.steepness < Self.steepnessShare * sharp.steepness,
                    let behind = following(blunt, sharp),
                    !isBeat(behind: behind.beats, behind.distance, beats, atLeast: Self.waveShare)
                else { continue }
                result += blunt.members.filter { place in
                    !sharp.members.contains { place - $0 > 0 && place - $0 < 2 * behind.distance }
                }.map { $0 - Self.tReach..<$0 + Self.tReach }
                for (i, beat) in sharp.members.enumerated() {
                    let next =
                        i + 1 < sharp.members.count ? sharp.members[i + 1] : record.count + 50
                    let from = beat + max(45, behind.distance - Self.tReach)
                    result.append(
                        from..<max(from, min(next - 50, beat + behind.distance + Self.tReach)))
                }
            }
        }
        return result
    }

    /// Waves that are as large as beats and no T wave of the beat before them.
    private func slowBeats(among waves: [Int], beside beats: [Int]) -> [Int] {
        let usual = OrderStatistics.median(beats.map { size($0) })
        var accepted = beats
        for wave in waves where size(wave) > Self.sizeShare * usual {
            guard accepted.allSatisfy({ abs($0 - wave) >= Self.delay.lowerBound }) else { continue }
            if let before = accepted.last(where: { $0 < wave }),
                wave - before <= Self.delay.upperBound
            {
                guard let form = forms.first(where: { $0.members.contains(wave) }),
                    let sharp = forms.first(where: { $0.members.contains(before) }),
                    sharp.members.count >= 3 || form.members == sharp.members
                else { continue }
                if form.members == sharp.members {
                    // No T wave looks like the complex before it.
                    guard steepness(wave) > 0.6 * steepness(before) else { continue }
                } else if let behind = following(form, sharp) {
                    guard
                        isBeat(
                            behind: behind.beats, behind.distance, accepted,
                            atLeast: Self.clearWaveShare)
                    else { continue }
                } else if isOrdinary(wave, wave - before, sharp.members, form.mean) {
                    continue
                }
            }
            accepted.append(wave)
            accepted.sort()
        }
        return accepted.filter { !beats.contains($0) }
    }

    /// Whether other beats of the form have something like a wave where the wave is.
    private func isOrdinary(_ wave: Int, _ distance: Int, _ beats: [Int], _ mean: [Float]) -> Bool {
        guard recurs(mean, behind: beats, distance).share < 0.34 else { return true }
        let sizes = beats.map { $0 + distance }.filter { $0 < record.count && abs($0 - wave) > 50 }
            .map { place in
                stride(from: max(0, place - 40), through: min(record.count - 1, place + 40), by: 5)
                    .map { size($0) }.max() ?? 0
            }
        return OrderStatistics.median(sizes) > Self.ordinaryShare * size(wave)
    }

    // MARK: Forms

    private func sorted(_ waves: [Int]) -> [Form] {
        var forms: [Form] = []
        for place in waves {
            var best = (form: -1, lag: 0, likeness: Self.likeness)
            let own = steepness(place)
            for (index, form) in forms.enumerated()
            where own < Self.steepnessRange * form.steepness
                && form.steepness < Self.steepnessRange * own
            {
                let fit = fit(place, to: form.mean)
                if fit.likeness > best.likeness { best = (index, fit.lag, fit.likeness) }
            }
            guard best.form >= 0 else {
                forms.append(Form(members: [place], mean: values(place), steepness: own))
                continue
            }
            forms[best.form].members.append(place)
            let weight = 1 / Float(min(8, forms[best.form].members.count))
            for (i, value) in values(place + best.lag).enumerated() {
                forms[best.form].mean[i] += weight * (value - forms[best.form].mean[i])
            }
            forms[best.form].steepness += weight * (own - forms[best.form].steepness)
        }
        return forms
    }

    private func value(_ lead: Int, _ t: Int) -> Float {
        record.smooth[lead][max(0, min(record.count - 1, t))]
    }

    /// The distance of all leads together from the baseline.
    private func size(_ place: Int) -> Float {
        leads.reduce(Float(0)) { sum, lead in
            let value = lead.scale * value(lead.lead, place)
            return sum + value * value
        }.squareRoot()
    }

    /// Scaled samples of all leads around a place, each lead without its mean.
    private func values(_ place: Int, of signals: [[Float]]? = nil) -> [Float] {
        let signals = signals ?? record.smooth
        var result: [Float] = []
        result.reserveCapacity(leads.count * (2 * Self.formReach + 1))
        for (lead, scale) in leads {
            let start = result.count
            var sum: Float = 0
            for t in place - Self.formReach...place + Self.formReach {
                let value = scale * signals[lead][max(0, min(record.count - 1, t))]
                sum += value
                result.append(value)
            }
            let mean = sum / Float(result.count - start)
            for i in start..<result.count { result[i] -= mean }
        }
        return result
    }

    private func fit(
        _ place: Int, to form: [Float], of signals: [[Float]]? = nil
    ) -> (lag: Int, likeness: Float) {
        var best = (lag: 0, likeness: Float(-2))
        for lag in stride(from: -Self.lagLimit, through: Self.lagLimit, by: 3) {
            let fit = Self.likeness(values(place + lag, of: signals), form)
            if fit > best.likeness { best = (lag, fit) }
        }
        return best
    }

    private static func likeness(_ a: [Float], _ b: [Float]) -> Float {
        var (product, x, y): (Float, Float, Float) = (0, 0, 0)
        for i in a.indices {
            product += a[i] * b[i]
            x += a[i] * a[i]
            y += b[i] * b[i]
        }
        return x * y > 0 ? product / (x * y).squareRoot() : 0
    }

    /// The highest speed near a place in the band that beats are found in, over all leads.
    private func steepness(_ place: Int) -> Float {
        var highest: Float = 0
        for t in place - Self.formReach...place + Self.formReach
        where t >= 2 && t + 2 < record.count {
            var sum: Float = 0
            for (lead, scale) in leads {
                let slope = scale * (record.band[lead][t + 2] - record.band[lead][t - 2])
                sum += slope * slope
            }
            highest = max(highest, sum)
        }
        return highest.squareRoot()
    }

    // MARK: What comes behind beats

    /// The beats of the sharp form and the distance, where the blunt form comes behind them all.
    private func following(_ blunt: Form, _ sharp: Form) -> (beats: [Int], distance: Int)? {
        let distances = blunt.members.compactMap { place -> Int? in
            guard let beat = sharp.members.last(where: { $0 < place }),
                Self.delay.contains(place - beat), !record.gaps.separate(beat, place)
            else { return nil }
            return place - beat
        }
        // The first wave of a record may belong to a beat before its start.
        let least = max(1, Int(Self.recurrence * Double(blunt.members.count - 1)))
        guard distances.count >= least else { return nil }
        let distance = Int(OrderStatistics.median(distances.map { Float($0) }))
        let steady = distances.count { abs($0 - distance) <= 15 + distance / 16 }
        guard steady >= Int(Self.recurrence * Double(distances.count)) else { return nil }
        let behind = recurs(blunt.mean, behind: sharp.members, distance)
        guard behind.share >= Self.recurrence, !behind.beats.isEmpty else { return nil }
        return (behind.beats, distance)
    }

    /// The beats that a form comes behind at a distance, and their part of all that can be judged.
    private func recurs(
        _ mean: [Float], behind beats: [Int], _ distance: Int
    ) -> (beats: [Int], share: Double) {
        let seen = beats.filter {
            let end = $0 + distance + Self.formReach
            return end < record.count && !record.gaps.separate($0, end)
        }
        let alike = seen.filter { fit($0 + distance, to: mean).likeness > Self.recurringLikeness }
        return (alike, Double(alike.count) / Double(max(1, seen.count)))
    }

    /// Whether the wave behind some beats is a beat itself: another wave lies between, or its own T wave behind it.
    private func isBeat(
        behind beats: [Int], _ distance: Int, _ all: [Int], atLeast share: Float
    ) -> Bool {
        let known = Set(all + beats).sorted()
        let next = beats.compactMap { beat in
            known.first { $0 > beat + distance + Self.formReach }.map { $0 - beat }
        }
        // Neither the next beat nor its P wave is the T wave of this one.
        let end = min(distance + 250, (next.min() ?? record.count) - 100)
        let (before, after) = (50, max(distance + Self.formReach, end))
        let chosen = beats.filter { $0 >= before && $0 + after < record.count }.prefix(12)
        guard !chosen.isEmpty else { return false }
        let width = before + after + 1
        var size = [Float](repeating: 0, count: width)
        for (lead, scale) in leads {
            let mean = (0..<width).map { t in
                chosen.reduce(Float(0)) { $0 + value(lead, $1 - before + t) } * scale
                    / Float(chosen.count)
            }
            let level = OrderStatistics.median(Array(mean[0..<15]))
            for t in 0..<width { size[t] += (mean[t] - level) * (mean[t] - level) }
        }
        let heights = size.map { $0.squareRoot() }
        let peak = before + distance
        let height = heights[max(0, peak - 15)...min(width - 1, peak + 15)].max() ?? 0
        func stands(_ from: Int, _ to: Int) -> Bool {
            for t in stride(from: max(from, 1), to: min(to, width - 1), by: 1)
            where heights[t] > share * height && heights[t] >= heights[t - 1]
                && heights[t] >= heights[t + 1]
            {
                let valley = heights[min(t, peak)...max(t, peak)].min() ?? 0
                if valley < 0.6 * heights[t] { return true }
            }
            return false
        }
        return stands(before + 60, peak - 45) || stands(peak + 60, before + end)
    }
}
