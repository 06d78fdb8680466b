/// Where leads have no signal: samples that are invalid, or that the record does not have.
///
/// A beat can hide in a gap of all leads, so no interval is measured across one. Gaps of up to 20 ms hide none: the line
/// that they are bridged with follows the signal.
struct SignalGaps: Equatable {
    /// For each lead, runs of samples without signal, in order.
    private(set) var byLead: [[Range<Int>]]
    /// Runs in which no lead has a signal, in order.
    private(set) var common: [Range<Int>]
    private var length: Int
    /// Samples at the record's beginning and end that repeat one value in all leads, as some carts fill a record up.
    ///
    /// They are no gap, but a beat that they cut is one that the record's end cuts.
    private var (heldAtStart, heldAtEnd) = (0, 0)

    /// The longest gap that is bridged, in seconds.
    private static let bridgedSeconds = 0.02

    /// Whether a value can be one of an electrocardiogram: beyond 1 V it would drown all others in a filter.
    static func isValid(_ millivolts: Float) -> Bool { abs(millivolts) < 1000 }

    /// The gaps of leads in mV; a lead of another length is missing altogether.
    init(_ leads: [[Float]], length: Int) {
        self.length = length
        byLead = leads.map { lead in
            guard lead.count == length else { return length > 0 ? [0..<length] : [] }
            return Self.runs(length) { !Self.isValid(lead[$0]) }
        }
        let seen = leads.filter { $0.count == length && length > 0 }
        heldAtStart = Self.heldCount(seen.map { $0[...] })
        heldAtEnd = Self.heldCount(seen.map { $0.reversed()[...] })
        common = []
        restrict(to: Array(byLead.indices))
    }

    /// How many of the first samples repeat in every lead, of those that begin with a signal; 0 where none changes at all.
    private static func heldCount(_ leads: [ArraySlice<Float>]) -> Int {
        var shortest = Int.max
        for lead in leads {
            guard let first = lead.first, isValid(first),
                let change = lead.firstIndex(where: { $0 != first })
            else { continue }
            shortest = min(shortest, change - lead.startIndex)
        }
        return shortest == .max ? 0 : shortest
    }

    /// The part of a lead's samples that are invalid, of those where any lead has a signal.
    func unseenShare(of lead: Int) -> Double {
        let hidden = common.reduce(0) { $0 + $1.count }
        let invalid = byLead[lead].reduce(0) { $0 + $1.count }
        return hidden < length ? Double(invalid - hidden) / Double(length - hidden) : 1
    }

    /// Finds the common gaps anew, of some leads alone.
    mutating func restrict(to leads: [Int]) {
        guard let first = leads.first else { return }
        common = leads.dropFirst().reduce(byLead[first]) { Self.intersection($0, byLead[$1]) }
    }

    /// Gives a lead the gaps of the two leads that it was computed from.
    mutating func derive(_ lead: Int, from a: Int, _ b: Int) {
        let (first, second) = (byLead[a], byLead[b])
        var merged: [Range<Int>] = []
        for run in (first + second).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, run.lowerBound <= last.upperBound {
                merged[merged.count - 1] =
                    last.lowerBound..<max(last.upperBound, run.upperBound)
            } else {
                merged.append(run)
            }
        }
        byLead[lead] = merged
    }

    /// The gaps that are too long to be bridged, at the working rate.
    func scaled(by ratio: Double, count: Int) -> SignalGaps {
        func scaled(_ runs: [Range<Int>]) -> [Range<Int>] {
            runs.compactMap { run in
                let seconds = Double(run.count) * ratio / ConditionedRecord.rateHz
                guard seconds > Self.bridgedSeconds else { return nil }
                let from = min(count, Int((Double(run.lowerBound) * ratio).rounded(.down)))
                return from..<max(from, min(count, Int((Double(run.upperBound) * ratio).rounded())))
            }
        }
        var result = self
        result.byLead = byLead.map(scaled)
        result.common = scaled(common)
        func held(_ samples: Int) -> Int {
            let count = Double(samples) * ratio
            return count / ConditionedRecord.rateHz > Self.bridgedSeconds ? Int(count) : 0
        }
        (result.heldAtStart, result.heldAtEnd) = (held(heldAtStart), held(heldAtEnd))
        result.length = count
        return result
    }

    /// Whether all leads have a gap somewhere between two samples, both included.
    func separate(_ first: Int, _ second: Int) -> Bool {
        common.contains { $0.lowerBound <= second && $0.upperBound > first }
    }

    /// The part around a sample that has a signal in some lead: up to the nearest common gaps or the record's ends, which
    /// do not count where the signal stands still.
    func stretch(around sample: Int) -> Range<Int> {
        let from = common.last { $0.upperBound <= sample }?.upperBound ?? heldAtStart
        let to = common.first { $0.lowerBound > sample }?.lowerBound ?? length - heldAtEnd
        return min(from, sample)..<max(to, sample + 1)
    }

    private static func runs(_ count: Int, where isGap: (Int) -> Bool) -> [Range<Int>] {
        var (result, start): ([Range<Int>], Int?) = ([], nil)
        for t in 0...count {
            if t < count, isGap(t) {
                start = start ?? t
            } else if let from = start {
                result.append(from..<t)
                start = nil
            }
        }
        return result
    }

    private static func intersection(_ a: [Range<Int>], _ b: [Range<Int>]) -> [Range<Int>] {
        var (i, j, result): (Int, Int, [Range<Int>]) = (0, 0, [])
        while i < a.count, j < b.count {
            let from = max(a[i].lowerBound, b[j].lowerBound)
            let to = min(a[i].upperBound, b[j].upperBound)
            if from < to { result.append(from..<to) }
            if a[i].upperBound < b[j].upperBound { i += 1 } else { j += 1 }
        }
        return result
    }
}
