import Kernels
import Runtime

/// How often each code was chosen.
public struct CodeUse: Sendable, Equatable {
    /// Hits by code.
    public private(set) var hits: [Double]

    /// No hits yet.
    public init(codes: Int) { hits = Array(repeating: 0, count: codes) }

    /// Given hits.
    public init(hits: some Sequence<Double>) { self.hits = Array(hits) }

    /// Adds the hits of a list of choices.
    public mutating func add(_ chosen: some Sequence<Int32>) {
        for code in chosen { hits[Int(code)] += 1 }
    }

    /// Adds another count of the same codes.
    public mutating func add(_ other: some Sequence<Double>) {
        for (code, count) in other.enumerated() { hits[code] += count }
    }

    /// All hits.
    public var total: Double { hits.reduce(0, +) }

    /// Codes that were chosen at all.
    public var active: Int { hits.count { $0 > 0 } }

    /// How many codes in equal use would be as uneven: `exp(-sum p log p)`, from 1 to their number.
    ///
    /// `nil` without a hit.
    public var perplexity: Double? {
        let total = total
        guard total > 0 else { return nil }
        let entropy = hits.reduce(0.0) { sum, count in
            guard count > 0 else { return sum }
            let share = count / total
            return sum - share * ElementaryFunctions.logarithm(share)
        }
        return ElementaryFunctions.exponential(entropy)
    }

    /// What a line of metrics says of it; `null` where nothing was chosen yet.
    var entries: [String: JSONValue] {
        [
            "active": total > 0 ? .integer(Int64(active)) : .null,
            "perplexity": perplexity.map { .number($0) } ?? .null,
        ]
    }
}
