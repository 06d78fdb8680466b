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
    /// The beats that count before and behind the complex, where a beat of another form is near to some of them.
    let sides: Sides

    /// The mean of the middle half of the beats, sample by sample: as robust as the median, with less noise.
    init(_ places: [Int], in record: ConditionedRecord, sides: Sides = Sides()) {
        let step = max(1, (places.count + Self.mostBeats - 1) / Self.mostBeats)
        let chosen = stride(from: 0, to: places.count, by: step).map { places[$0] }
        let rows = record.broad.indices.map { Self.clean(chosen, record.gaps.byLead[$0]) }
        let sides = sides.kept(among: chosen)
        broad = zip(record.broad, rows).map { Self.middle(of: $0, $1, sides) }
        smooth = zip(record.smooth, rows).map { Self.middle(of: $0, $1, sides) }
        (self.places, placesByLead, self.sides) = (chosen, rows, sides)
    }

    /// Beats that have nothing of a beat of another form in the time before, or behind, their complexes.
    ///
    /// Two of three beats of a trigeminy are normal, but a ventricular beat lies on the T wave of every second of them, and
    /// its T wave before the P wave of the others. The mean of both kinds would show neither.
    struct Sides: Equatable {
        /// Fewer beats do not say what noise is.
        private static let fewest = 3
        /// The complex, which all beats count in: from 80 ms before R to 100 ms behind it.
        static let complex = MedianBeat.before - 40..<MedianBeat.before + 50

        /// `nil` where all beats count.
        var (before, after): (Set<Int>?, Set<Int>?) = (nil, nil)

        /// Without the sides where too few beats would be left.
        func kept(among places: [Int]) -> Sides {
            func kept(_ side: Set<Int>?) -> Set<Int>? {
                guard let side, !places.allSatisfy(side.contains) else { return nil }
                let left = places.filter(side.contains)
                return left.count >= Self.fewest ? Set(left) : nil
            }
            return Sides(before: kept(before), after: kept(after))
        }

        /// The beats that count at a sample of the typical beat; `nil` for all.
        func at(_ t: Int) -> Set<Int>? {
            t < Self.complex.lowerBound ? before : t >= Self.complex.upperBound ? after : nil
        }

        /// The number of beats that count where the fewest do.
        func fewestCount(of all: Int) -> Int {
            min(before?.count ?? all, after?.count ?? all)
        }
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

    private static func middle(of signal: [Float], _ places: [Int], _ sides: Sides) -> [Float] {
        guard !signal.isEmpty, !places.isEmpty else { return [] }
        var result = middle(of: signal, places, 0..<count)
        let complex = Sides.complex
        for (side, part, seam) in [
            (sides.before, 0..<complex.lowerBound, complex.lowerBound - 1),
            (sides.after, complex.upperBound..<count, complex.upperBound),
        ] {
            guard let side else { continue }
            let few = places.filter(side.contains)
            guard !few.isEmpty else { continue }
            let values = middle(of: signal, few, part)
            // The complex goes over into the part without a step, which would look like a part of the complex.
            let shift = result[seam] - values[seam]
            for t in part { result[t] = values[t] + shift }
        }
        return result
    }

    /// The typical beat in a part, of some beats.
    private static func middle(
        of signal: [Float], _ places: [Int], _ part: Range<Int>
    ) -> [Float] {
        let (starts, width) = (places.map { $0 - before }, Lanes.scalarCount)
        var result = [Float](repeating: .nan, count: count)
        signal.withUnsafeBufferPointer { signal in
            for chunk in stride(from: part.lowerBound, to: part.upperBound, by: width) {
                // The last chunk overlaps the one before it.
                let t = min(chunk, part.upperBound - width)
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
