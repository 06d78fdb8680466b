/// How fast the leads of a record move together: high where a QRS complex is.
///
/// The band of 5 to 25 Hz is differentiated in each independent lead and divided by the slope that the lead's beats
/// usually reach, so that a lead with a wrong gain counts like any other; a lead without clear peaks counts little. The
/// squares are averaged over the leads that have a signal, then over 120 ms; the curve is the root.
struct BeatCurve {
    /// The curve; 0 where no lead has a signal.
    private(set) var values: [Float]
    /// What the leads' squares count.
    let weights: [(lead: Int, weight: Float)]
    /// The level that beats usually reach, for each block; empty where nothing stands out.
    private(set) var levels: [Float] = []
    /// Whether beats stand out more than noise's own peaks do.
    private(set) var isClear = false

    /// Half of the distance over which a slope is taken, in samples.
    private static let slopeReach = 2
    /// The window of the moving average: 120 ms.
    private static let windowCount = 60
    /// In some lead, beats reach this slope, in mV over the four samples that it is taken over.
    private static let leastSlope: Float = 0.01
    /// Samples beside a gap whose slopes are those of the line that bridges it.
    private static let gapMargin = 8
    /// Blocks are long enough for a beat at 27 a minute.
    private static let blockCount = 1100
    /// A block's highest point is a beat's when it reaches this part of what beats usually reach.
    private static let blockShare: Float = 0.3

    /// The part of the contrast that is enough for beats that look alike: noise's peaks do not.
    private static let weakShare: Float = 0.65

    private let contrast: Float
    private let record: ConditionedRecord

    /// `nil` when no lead moves.
    init?(_ record: ConditionedRecord) {
        self.record = record
        var energy = [Float](repeating: 0, count: record.count)
        var total = [Float](repeating: 0, count: record.count)
        var weights: [(lead: Int, weight: Float)] = []
        var all: Float = 0
        var (shares, highest): ([Float], Float) = ([], 0)
        for lead in record.independentLeads {
            let slopes = Self.slopes(record.band[lead])
            let gaps = record.gaps.byLead[lead].map {
                max(
                    0, $0.lowerBound - Self.gapMargin)..<min(
                        record.count, $0.upperBound + Self.gapMargin)
            }
            let seen = Self.complement(of: gaps, count: record.count)
            guard let (usual, weight) = Self.reliability(slopes, seen) else { continue }
            let factor = weight / (usual * usual)
            for range in seen {
                for t in range {
                    energy[t] += factor * slopes[t] * slopes[t]
                    total[t] += weight
                }
            }
            weights.append((lead, factor))
            shares.append(weight)
            all += weight
            highest = max(highest, usual)
        }
        guard all > 0, highest > Self.leastSlope else { return nil }
        // Where few leads are left, noise of one of them must not look like a beat of all.
        let least = 0.15 * all
        for t in energy.indices { energy[t] /= max(total[t], least) }
        self.weights = weights
        values = Self.movingAverage(energy).map { $0.squareRoot() }
        // The fewer leads are averaged, the higher are noise's own peaks over its usual level.
        let squares = shares.reduce(0) { $0 + $1 * $1 }
        contrast = 1.35 + 2.2 * (squares / (all * all)).squareRoot()
        findLevels()
    }

    /// The level that beats usually reach near a sample.
    func level(_ t: Int) -> Float {
        levels[min(levels.count - 1, t * levels.count / max(1, values.count))]
    }

    /// Takes out the surroundings of waves that are no beats.
    mutating func remove(_ ranges: [Range<Int>]) {
        for range in ranges {
            for t in range.clamped(to: values.indices) { values[t] = 0 }
        }
        findLevels()
    }

    // MARK: Levels

    private mutating func findLevels() {
        levels = []
        let hidden = record.gaps.common
        let seen = Self.complement(of: hidden, count: values.count)
        let quiet = OrderStatistics.quantile(seen.flatMap { values[$0] }.filter { $0 > 0 }, 0.2)
        let blocks = max(1, Int((Float(values.count) / Float(Self.blockCount)).rounded()))
        let heights = (0..<blocks).map { block in
            values[block * values.count / blocks..<(block + 1) * values.count / blocks].max() ?? 0
        }
        isClear = Self.usualHeight(heights, above: contrast * quiet) != nil
        let least = isClear ? contrast : Self.weakShare * contrast
        guard let usual = Self.usualHeight(heights, above: least * quiet) else { return }
        let beats = heights.indices.filter { heights[$0] >= Self.blockShare * usual }
        levels = heights.indices.map { block in
            let nearest = beats.sorted { (abs($0 - block), $0) < (abs($1 - block), $1) }.prefix(5)
            return OrderStatistics.median(nearest.map { heights[$0] })
        }
    }

    /// The height of a record's beats, from the highest points of its blocks.
    ///
    /// Blocks between rare beats hold nothing, and a block with an artefact is far above all others: the first are not
    /// counted, the second is no measure. `nil` when no block stands out from what is quiet.
    static func usualHeight(_ heights: [Float], above quiet: Float) -> Float? {
        let high = heights.filter { $0 > quiet }.sorted(by: >)
        guard let highest = high.first else { return nil }
        var top = high[min(high.count - 1, max(1, high.count / 8))]
        if top < blockShare * highest {
            // One block is alone: it has the only beat, unless enough others have clear ones.
            let others = high.dropFirst().filter { $0 > 2.5 * quiet }
            if others.count < 3 { top = highest }
        }
        return OrderStatistics.median(high.filter { $0 >= blockShare * top })
    }

    // MARK: Slopes

    private static func slopes(_ band: [Float]) -> [Float] {
        var result = [Float](repeating: 0, count: band.count)
        for t in slopeReach..<max(slopeReach, band.count - slopeReach) {
            result[t] = band[t + slopeReach] - band[t - slopeReach]
        }
        return result
    }

    /// The slope that a lead usually reaches once in a beat, and how clearly it does; `nil` for a lead without signal.
    private static func reliability(
        _ slopes: [Float], _ seen: [Range<Int>]
    ) -> (usual: Float, weight: Float)? {
        let block = min(500, slopes.count)
        var peaks: [Float] = []
        for range in seen {
            for start in stride(from: range.lowerBound, to: range.upperBound, by: block) {
                let end = min(range.upperBound, start + block)
                guard 2 * (end - start) > block || seen.count == 1 && peaks.isEmpty else {
                    continue
                }
                peaks.append(slopes[start..<end].reduce(0) { max($0, abs($1)) })
            }
        }
        let calm = OrderStatistics.median(
            seen.flatMap { stride(from: $0.lowerBound, to: $0.upperBound, by: 17) }
                .map { abs(slopes[$0]) })
        // Gaussian noise has peaks of about 5 of its median magnitude; clear beats have 10 and more.
        let usual = usualHeight(peaks, above: 6.5 * calm) ?? OrderStatistics.median(peaks)
        guard usual > 0.0005 else { return nil }
        let clarity = (usual / max(calm, 1e-9) - 4) / 8
        return (usual, clarity < 0.02 ? 0.02 : clarity > 1 ? 1 : clarity)
    }

    private static func movingAverage(_ values: [Float]) -> [Float] {
        let half = windowCount / 2
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

    private static func complement(of runs: [Range<Int>], count: Int) -> [Range<Int>] {
        var (result, start): ([Range<Int>], Int) = ([], 0)
        for run in runs {
            if start < run.lowerBound { result.append(start..<run.lowerBound) }
            start = max(start, run.upperBound)
        }
        if start < count { result.append(start..<count) }
        return result
    }
}
