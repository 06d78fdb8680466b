import Kernels

/// What is left of the noise in a typical beat, as curves that the same noise could have left as well.
///
/// Beats differ from each other by noise alone where the heart repeats itself. Their differences, added with random
/// weights whose sum is zero, are typical beats without a heart: as large and as coloured as the noise in the true one,
/// with the same correlation between leads, whatever filters and electrodes made of it. A search that is run on them
/// says what it finds where there is nothing, and a wave has to stand out from that.
///
/// Source: the plus-minus average of Schimmel, 1967, with the random weights of the wild bootstrap (Wu, 1986). Ours
/// differs in that deviations are limited in the way in which the mean of the middle half limits them.
struct BeatNoise {
    /// Curves have every second sample of the typical beat.
    static let step = 2
    /// Curves drawn.
    static let curveCount = 32
    /// From this number of beats on the typical beat leaves out extremes.
    private static let fewestTrimmed = 4
    /// Independent values of one lead in the time in which a wave is looked for.
    private static let valuesPerBeat = 8.0
    /// Samples of a curve.
    static let sampleCount = MedianBeat.count / step

    /// The leads that the curves are of.
    let leads: [Int]
    /// One row of samples for each curve and lead, in this order.
    private var curves: [[Float]]
    /// How much farther noise may reach than the curves, because they were made from few beats.
    let allowance: Float

    /// Draws curves; `nil` where there are not two beats to compare.
    init?(_ typical: MedianBeat, in record: ConditionedRecord) {
        let places = typical.places
        leads = record.independentLeads
        guard places.count > 1, !leads.isEmpty else { return nil }
        // By how much quantiles of Student's distribution lie above the normal ones at 1 in 10,000.
        let fewest = typical.sides.fewestCount(of: places.count)
        allowance = Float(1 + 4.25 / (Self.valuesPerBeat * Double(fewest - 1)))
        let rows = leads.map { Self.deviations(typical, record.smooth[$0], lead: $0) }
        curves = Self.contrasts(of: places.count).flatMap { weights in
            rows.map { Self.sum($0, weights) }
        }
        ofOneBeat = Float(places.count).squareRoot()
    }

    /// The noise of a single beat against that of the typical one.
    let ofOneBeat: Float

    /// A curve of one lead, by the lead's place among `leads`.
    func curve(_ number: Int, _ lead: Int) -> [Float] { curves[number * leads.count + lead] }

    /// The correlation over all leads that one beat has with a part of the typical beat, if noise is all that differs.
    func usualLikeness(of beat: MedianBeat, in range: ClosedRange<Int>) -> Float {
        let places =
            range.lowerBound / Self.step...min(range.upperBound / Self.step, Self.sampleCount - 1)
        /// The sum of squares around the mean.
        func energy(_ value: (Int) -> Float) -> Float {
            let mean = places.reduce(Float(0)) { $0 + value($1) } / Float(places.count)
            return places.reduce(Float(0)) { $0 + (value($1) - mean) * (value($1) - mean) }
        }
        var (signal, noise): (Float, Float) = (0, 0)
        for (number, lead) in leads.enumerated() {
            signal += energy { beat.smooth[lead][$0 * Self.step] }
            for i in 0..<Self.curveCount {
                let curve = curve(i, number)
                noise += energy { curve[$0] } / Float(Self.curveCount)
            }
        }
        signal = max(0, signal - noise)
        let ofOneBeat = noise * ofOneBeat * ofOneBeat
        return signal > 0 ? (signal / (signal + ofOneBeat)).squareRoot() : 0
    }

    /// Weights whose sum is zero and whose squares sum to one, a row for each curve.
    private static func contrasts(of count: Int) -> [[Float]] {
        var random = RandomStream(seed: 0, purpose: .synthesis)
        return (0..<curveCount).map { _ in
            var row = (0..<count).map { _ -> Double in
                // Twelve uniform numbers sum to a deviation of one.
                (0..<12).reduce(-6.0) { sum, _ in
                    sum + Double(random.nextWord()) / 4_294_967_296
                }
            }
            let mean = row.reduce(0, +) / Double(count)
            row = row.map { $0 - mean }
            let size = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return row.map { Float($0 / max(size, 1e-9)) }
        }
    }

    /// What each beat differs from the typical one, as the error of that one if all beats were like it; one row a beat.
    private static func deviations(
        _ typical: MedianBeat, _ signal: [Float], lead: Int
    ) -> [[Float]] {
        let form = typical.smooth[lead]
        let used = Set(typical.placesByLead[lead])
        let starts = typical.places.map { used.contains($0) ? $0 - MedianBeat.before : nil }
        let count = Float(starts.count)
        // Where fewer beats count or reach into the record, each has a larger share.
        let shares = (0..<sampleCount).map { i in
            let counted = typical.sides.at(i * step)
            let reaching = starts.count {
                guard let start = $0 else { return false }
                return signal.indices.contains(start + i * step)
                    && counted?.contains(start + MedianBeat.before) ?? true
            }
            return count.squareRoot() / Float(max(1, reaching))
        }
        let complex = MedianBeat.Sides.complex
        var rows = starts.map { start in
            [Float](unsafeUninitializedCapacity: sampleCount) { row, filled in
                let place = start.map { $0 + MedianBeat.before } ?? -1
                let (before, after) = (
                    typical.sides.before?.contains(place) ?? true,
                    typical.sides.after?.contains(place) ?? true
                )
                for i in 0..<sampleCount {
                    let t = (start ?? -MedianBeat.count) + i * step
                    let isCounted =
                        i * step < complex.lowerBound
                        ? before : i * step >= complex.upperBound ? after : true
                    row[i] =
                        isCounted && signal.indices.contains(t)
                        ? shares[i] * (signal[t] - form[i * step]) : 0
                }
                filled = sampleCount
            }
        }
        guard starts.count >= fewestTrimmed else { return rows }
        // The middle half follows each beat up to the quartiles, and there with twice the weight. The square of the mean
        // root is within 1 % of the median for normal noise, and hardly moved by one beat that is far off.
        var roots = [Float](repeating: 0, count: sampleCount)
        for row in rows {
            for i in 0..<sampleCount { roots[i] += abs(row[i]).squareRoot() / count }
        }
        let limits = (0..<sampleCount).map { i in
            let near = roots[max(0, i - 4)...min(sampleCount - 1, i + 4)]
            let root = near.reduce(0, +) / Float(near.count)
            return 2 * root * root
        }
        for row in rows.indices {
            rows[row].withUnsafeMutableBufferPointer { row in
                for i in 0..<sampleCount {
                    let value = 2 * row[i]
                    let below = value < limits[i] ? value : limits[i]
                    row[i] = below > -limits[i] ? below : -limits[i]
                }
            }
        }
        return rows
    }

    private static func sum(_ rows: [[Float]], _ weights: [Float]) -> [Float] {
        .init(unsafeUninitializedCapacity: sampleCount) { sum, filled in
            sum.initialize(repeating: 0)
            for (row, weight) in zip(rows, weights) {
                row.withUnsafeBufferPointer { row in
                    for i in 0..<sampleCount { sum[i] += weight * row[i] }
                }
            }
            filled = sampleCount
        }
    }
}
