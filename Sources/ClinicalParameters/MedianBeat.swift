/// The typical beat of each lead.
struct MedianBeat {
    /// Samples before and behind R: 500 and 760 ms.
    static let (before, after) = (250, 380)
    static var count: Int { before + after }
    /// More beats than this add nothing.
    private static let mostBeats = 40

    /// 0.5 Hz and above, one row a lead; empty where the lead cannot be used.
    var broad: [[Float]]
    /// The same up to 40 Hz.
    var smooth: [[Float]]
    /// Where R lies in the beats that it was made of.
    let places: [Int]
    /// The same for each lead, where those that have a gap in the lead are missing.
    let placesByLead: [[Int]]

    /// The mean of the middle half of the beats, sample by sample: as robust as the median, with less noise.
    init(_ places: [Int], in record: ConditionedRecord) {
        let step = max(1, (places.count + Self.mostBeats - 1) / Self.mostBeats)
        let chosen = stride(from: 0, to: places.count, by: step).map { places[$0] }
        let rows = record.broad.indices.map { Self.clean(chosen, record.gaps.byLead[$0]) }
        broad = zip(record.broad, rows).map { Self.middle(of: $0, $1) }
        smooth = zip(record.smooth, rows).map { Self.middle(of: $0, $1) }
        (self.places, placesByLead) = (chosen, rows)
    }

    /// The beats of a lead that have no gap in them; where these are few, those that have none near R, or all.
    private static func clean(_ places: [Int], _ gaps: [Range<Int>]) -> [Int] {
        guard !gaps.isEmpty else { return places }
        func clean(_ before: Int, _ after: Int) -> [Int] {
            places.filter { r in
                !gaps.contains { $0.lowerBound <= r + after && $0.upperBound > r - before }
            }
        }
        let (whole, near) = (clean(before, after), clean(before / 5, after / 5))
        return whole.count >= min(3, places.count) ? whole : near.isEmpty ? places : near
    }

    private static func middle(of signal: [Float], _ places: [Int]) -> [Float] {
        guard !signal.isEmpty, !places.isEmpty else { return [] }
        let (starts, width) = (places.map { $0 - before }, Lanes.scalarCount)
        var result = [Float](repeating: .nan, count: count)
        signal.withUnsafeBufferPointer { signal in
            for chunk in stride(from: 0, to: count, by: width) {
                // The last chunk overlaps the one before it.
                let t = min(chunk, count - width)
                let reaching = starts.filter { $0 + t >= 0 && $0 + t + width <= signal.count }
                guard !reaching.isEmpty else { continue }
                let middle = middle(of: signal, reaching, t)
                for lane in 0..<width { result[t + lane] = middle[lane] }
            }
        }
        fillEdges(&result)
        return result
    }

    private typealias Lanes = SIMD8<Float>

    /// The mean of the middle half for eight neighbouring samples at once.
    private static func middle(
        of signal: UnsafeBufferPointer<Float>, _ starts: [Int], _ t: Int
    ) -> Lanes {
        withUnsafeTemporaryAllocation(of: Lanes.self, capacity: starts.count) { sorted in
            let raw = UnsafeRawBufferPointer(signal)
            for (number, start) in starts.enumerated() {
                var value = raw.loadUnaligned(fromByteOffset: 4 * (start + t), as: Lanes.self)
                // Insertion keeps each lane sorted: the smaller one stays, the larger one moves on.
                for i in 0..<number {
                    let old = sorted[i]
                    let isLarger = old .> value
                    sorted[i] = old.replacing(with: value, where: isLarger)
                    value = value.replacing(with: old, where: isLarger)
                }
                sorted[number] = value
            }
            let cut = starts.count / 4
            var sum = Lanes()
            for i in cut..<starts.count - cut { sum += sorted[i] }
            return sum / Float(starts.count - 2 * cut)
        }
    }

    /// Where no beat reaches into the record, the nearest value goes on.
    private static func fillEdges(_ values: inout [Float]) {
        guard let first = values.firstIndex(where: { !$0.isNaN }),
            let last = values.lastIndex(where: { !$0.isNaN })
        else {
            for t in values.indices { values[t] = 0 }
            return
        }
        for t in 0..<first { values[t] = values[first] }
        for t in last + 1..<max(last + 1, values.count) { values[t] = values[last] }
    }
}
