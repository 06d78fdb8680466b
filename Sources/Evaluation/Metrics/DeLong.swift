import Kernels
import Statistics

/// The variance of AUROCs without resampling, and of the difference of two on the same records.
///
/// Source: DeLong, DeLong and Clarke-Pearson, 1988; computed from ranks as in Sun and Xu, 2014.
public struct DeLong: Sendable {
    /// The area.
    public let auroc: Double
    /// Its variance.
    public let variance: Double
    /// For each record of the class the share of others that it outranks; for each other the share of the class that
    /// outranks it.
    private let ofPositives: [Double]
    private let ofNegatives: [Double]

    /// Measures one classifier on one class.
    ///
    /// - Throws: `MetricError.oneClass` where all records are on one side.
    public init(_ scores: RankedScores) throws(MetricError) {
        let positives = scores.truths.indices.filter { scores.truths[$0] }
        let negatives = scores.truths.indices.filter { !scores.truths[$0] }
        guard !positives.isEmpty, !negatives.isEmpty else { throw .oneClass(what: scores.name) }
        let (m, n) = (Double(positives.count), Double(negatives.count))
        let all = Self.middleRanks(scores.scores)
        let inPositives = Self.middleRanks(positives.map { scores.scores[$0] })
        let inNegatives = Self.middleRanks(negatives.map { scores.scores[$0] })
        ofPositives = zip(positives, inPositives).map { (all[$0] - $1) / n }
        ofNegatives = zip(negatives, inNegatives).map { 1 - (all[$0] - $1) / m }
        auroc = ofPositives.reduce(0, +) / m
        variance =
            Self.covariance(ofPositives, ofPositives) / m
            + Self.covariance(ofNegatives, ofNegatives) / n
    }

    /// The 95 % interval, kept within 0 and 1.
    public var interval: (lower: Double, upper: Double) {
        let half = 1.959963984540054 * variance.squareRoot()
        return (max(0, auroc - half), min(1, auroc + half))
    }

    /// The standard deviation of this area less another on the same records.
    public func deviationOfDifference(to other: DeLong) -> Double {
        precondition(
            ofPositives.count == other.ofPositives.count
                && ofNegatives.count == other.ofNegatives.count, "two lists of records")
        let common =
            Self.covariance(ofPositives, other.ofPositives) / Double(ofPositives.count)
            + Self.covariance(ofNegatives, other.ofNegatives) / Double(ofNegatives.count)
        return max(0, variance + other.variance - 2 * common).squareRoot()
    }

    /// Ranks from 1; equal values share the mean of their ranks.
    private static func middleRanks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = Array(repeating: 0.0, count: values.count)
        var begin = 0
        while begin < order.count {
            var end = begin + 1
            while end < order.count, values[order[end]] == values[order[begin]] { end += 1 }
            for place in begin..<end { ranks[order[place]] = Double(begin + end + 1) / 2 }
            begin = end
        }
        return ranks
    }

    private static func covariance(_ a: [Double], _ b: [Double]) -> Double {
        guard a.count > 1 else { return 0 }
        let (meanA, meanB) = (
            a.reduce(0, +) / Double(a.count), b.reduce(0, +) / Double(b.count)
        )
        return zip(a, b).reduce(0) { $0 + ($1.0 - meanA) * ($1.1 - meanB) } / Double(a.count - 1)
    }
}
