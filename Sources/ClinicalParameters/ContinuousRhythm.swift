/// A rhythm without rest between its beats: a fast ventricular tachycardia, or any rhythm near 300 a minute.
///
/// No peak stands out there, but the leads repeat themselves. Where they do, the period is that of the beats, and the
/// beats lie a period apart where the leads together move alike.
struct ContinuousRhythm {
    /// The beats, in order; empty where the leads do not repeat themselves.
    private(set) var beats: [Int] = []
    /// Whether the leads move as strongly and as slowly as a heart does, with beats or without.
    private(set) var isLively = false

    /// Slopes are taken over 40 ms, every 8 ms.
    private static let (slopeReach, step) = (10, 4)
    /// Periods of 180 to 700 ms.
    private static let periods = 90...350
    /// How well the leads correlate with themselves a period later.
    private static let likeness: Float = 0.7
    /// How much they must differ in between.
    private static let valley: Float = 0.35
    /// Leads that move by less than this, as a root mean square of slopes over 40 ms, are quiet.
    private static let leastMillivolts: Float = 0.03
    /// The part of the slopes that is slower than about 12 Hz.
    private static let slowShare: Float = 0.6

    private let record: ConditionedRecord
    private var leads: [(lead: Int, scale: Float)] = []

    init(_ record: ConditionedRecord) {
        self.record = record
        let slopes = record.independentLeads.compactMap { lead -> (Int, [Float], Float)? in
            let signal = record.smooth[lead]
            let reach = Self.slopeReach
            let slopes = stride(from: reach, to: signal.count - reach, by: Self.step)
                .map { signal[$0 + reach] - signal[$0 - reach] }
            let square = slopes.reduce(0) { $0 + $1 * $1 } / Float(max(1, slopes.count))
            guard square.squareRoot() > Self.leastMillivolts else { return nil }
            return (lead, slopes, 1 / square.squareRoot())
        }
        guard !slopes.isEmpty else { return }
        leads = slopes.map { ($0.0, $0.2) }
        isLively = Self.slowPart(leads.map { record.smooth[$0.lead] }) > Self.slowShare
        guard let period = Self.period(slopes.map(\.1)) else { return }
        beats = places(period)
    }

    /// The part of the slopes, without drift, that a moving average of 40 ms lets through.
    ///
    /// Of slopes, because noise whose power falls with its frequency is slow, too, but its slopes are not.
    private static func slowPart(_ signals: [[Float]]) -> Float {
        func average(_ signal: [Float], _ half: Int) -> [Float] {
            var sums: [Double] = [0]
            for value in signal { sums.append((sums.last ?? 0) + Double(value)) }
            return signal.indices.map { t in
                let (from, to) = (max(0, t - half), min(signal.count, t + half + 1))
                return Float((sums[to] - sums[from]) / Double(to - from))
            }
        }
        var (slow, all): (Float, Float) = (0, 0)
        for signal in signals.map({ zip($0.dropFirst(), $0).map { $0 - $1 } }) {
            let still = zip(signal, average(signal, 125)).map { $0 - $1 }
            let square = still.reduce(0) { $0 + $1 * $1 }
            slow += average(still, 10).reduce(0) { $0 + $1 * $1 } / max(square, 1e-12)
            all += 1
        }
        return slow / max(all, 1)
    }

    /// The shortest period after which the leads repeat themselves, in samples.
    private static func period(_ slopes: [[Float]]) -> Int? {
        let count = slopes[0].count
        let longest = min(periods.upperBound / step, count / 3)
        guard longest > periods.lowerBound / step + 1 else { return nil }
        let likenesses = (0...longest).map { lag -> Float in
            var sum: Float = 0
            for row in slopes {
                var (product, x, y): (Float, Float, Float) = (0, 0, 0)
                for t in 0..<count - lag {
                    product += row[t] * row[t + lag]
                    x += row[t] * row[t]
                    y += row[t + lag] * row[t + lag]
                }
                sum += x * y > 0 ? product / (x * y).squareRoot() : 0
            }
            return sum / Float(slopes.count)
        }
        let first = periods.lowerBound / step
        guard let best = likenesses[first...].max(), best > likeness else { return nil }
        for lag in first..<longest
        where likenesses[lag] > 0.9 * best && likenesses[lag] >= likenesses[lag - 1]
            && likenesses[lag] >= likenesses[lag + 1]
            && (likenesses[..<lag].min() ?? 1) < valley
        {
            return lag * step
        }
        return nil
    }

    /// From the place where the leads are largest, a period at a time in both directions.
    private func places(_ period: Int) -> [Int] {
        let rows = leads.map { record.band[$0.lead] }
        func size(_ t: Int) -> Float {
            zip(rows, leads).reduce(Float(0)) {
                let value = $1.1.scale * $1.0[t]
                return $0 + value * value
            }
        }
        func steepness(_ t: Int) -> Float {
            zip(rows, leads).reduce(Float(0)) { sum, row in
                let (from, to) = (max(0, t - 3), min(record.count - 1, t + 3))
                let slope = row.1.scale * (row.0[to] - row.0[from])
                return sum + slope * slope
            }
        }
        // The ends of filtered signals are no measure.
        let inner = min(period, record.count / 4)..<max(record.count - period, record.count / 2)
        // QRS complexes are steeper than T waves, even where these are taller.
        guard let steepest = inner.max(by: { steepness($0) < steepness($1) }) else { return [] }
        let near = max(0, steepest - 25)...min(record.count - 1, steepest + 25)
        guard let start = near.max(by: { size($0) < size($1) }) else { return [] }
        let direction = zip(rows, leads).map { $0[start] * $1.scale * $1.scale }
        func projection(_ t: Int) -> Float {
            zip(rows, direction).reduce(Float(0)) { $0 + $1.0[t] * $1.1 }
        }
        let least = 0.3 * projection(start)
        func next(_ place: Int, _ step: Int) -> (place: Int, isBeat: Bool)? {
            let middle = place + step
            guard (0..<record.count).contains(middle) else { return nil }
            let range = max(0, middle - period / 5)...min(record.count - 1, middle + period / 5)
            guard let best = range.max(by: { projection($0) < projection($1) }) else { return nil }
            let isBeat = projection(best) > least && !record.gaps.separate(best, best)
            return (isBeat ? best : middle, isBeat)
        }
        var found = [start]
        for step in [-period, period] {
            var place = start
            while let beat = next(place, step) {
                if beat.isBeat { found.append(beat.place) }
                place = beat.place
            }
        }
        return found.sorted()
    }
}
