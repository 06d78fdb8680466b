/// Where and how a bump is looked for.
struct BumpSearch {
    /// Samples of the typical beat in which it may peak.
    let range: ClosedRange<Int>
    /// How far away the signal is that it has to rise from, in samples.
    let reach: Int
    /// Outside of this the signals go on as constants, so that a neighbouring wave does not count.
    let bounds: ClosedRange<Int>
    /// The least that the signal falls to either side, as a part of the height over both: a tail falls to one side only.
    let evenness: Float
    /// How much a rise counts at a sample.
    var weight: (Int) -> Float = { _ in 1 }

    /// Samples before and after that a rise at a sample is measured from.
    func feet(of t: Int) -> (before: Int, after: Int) {
        (max(bounds.lowerBound, t - reach), min(bounds.upperBound, t + reach))
    }
}

/// The place where the leads together rise most from the line between their values some time before and after.
struct Bump {
    /// The sample of the largest rise.
    private(set) var peak: Int
    /// The rise there, root of the sum of squares over the leads, in mV.
    private(set) var height: Float = 0
    /// Each lead's part of it; the squares sum to 1.
    private(set) var direction: [(lead: Int, weight: Float)] = []

    /// Searches a beat; without a bump the height is 0.
    init(_ beat: MedianBeat, leads: [Int], _ search: BumpSearch) {
        let range = search.range
        peak = range.lowerBound
        // For each place the sum of squared rises, and how far the signal falls to either side along their direction.
        var sizes = [Float](repeating: 0, count: range.count)
        var before = sizes
        var after = sizes
        for lead in leads {
            let signal = beat.smooth[lead]
            for (i, t) in range.enumerated() {
                let (first, last) = search.feet(of: t)
                let (left, right) = (signal[t] - signal[first], signal[t] - signal[last])
                let rise = (left + right) / 2
                sizes[i] += rise * rise
                before[i] += left * rise
                after[i] += right * rise
            }
        }
        var best: Float = 0
        for (i, size) in sizes.enumerated() where min(before[i], after[i]) > search.evenness * size
        {
            let weight = search.weight(range.lowerBound + i)
            if size * weight * weight > best {
                best = size * weight * weight
                (height, peak) = (size.squareRoot(), range.lowerBound + i)
            }
        }
        guard height > 0 else { return }
        direction = leads.map { lead in
            let falls = falls(beat.smooth[lead], search)
            return (lead, (falls.before + falls.after) / 2 / height)
        }
    }

    /// How far a lead falls from the peak to the samples that a rise is measured from.
    func falls(_ signal: [Float], _ search: BumpSearch) -> (before: Float, after: Float) {
        let (before, after) = search.feet(of: peak)
        return (signal[peak] - signal[before], signal[peak] - signal[after])
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
