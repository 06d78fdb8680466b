/// One class's scores in falling order, with all measures that follow from the order.
///
/// Each measure takes how often a record counts, so that resamples of the records need no sorting of their own: the
/// order is found once, and each resample is one pass over it.
public struct RankedScores: Sendable {
    /// What the scores are of, for messages.
    public let name: String
    /// The scores by record.
    public let scores: [Double]
    /// Whether each record is of the class.
    public let truths: [Bool]
    /// Records by falling score; equal scores by their number.
    private let order: [Int]
    /// Where each run of equal scores ends in `order`.
    private let groupEnds: [Int]

    /// Ranks scores.
    ///
    /// - Parameters:
    ///   - name: What the scores are of, for messages.
    ///   - scores: One a record; the larger, the surer of the class.
    ///   - truths: Whether the record is of the class.
    /// - Throws: `MetricError` where there is no record, or a score is not finite.
    public init(name: String, scores: [Double], truths: [Bool]) throws(MetricError) {
        guard scores.count == truths.count else {
            throw .countsDiffer(what: name, counts: [scores.count, truths.count])
        }
        guard !scores.isEmpty else { throw .empty(what: name) }
        if let row = scores.firstIndex(where: { !$0.isFinite }) {
            throw .notFinite(what: name, row: row, value: scores[row])
        }
        self.name = name
        self.scores = scores
        self.truths = truths
        let order = scores.indices.sorted {
            scores[$0] == scores[$1] ? $0 < $1 : scores[$0] > scores[$1]
        }
        groupEnds = (1...order.count).filter {
            $0 == order.count || scores[order[$0]] != scores[order[$0 - 1]]
        }
        self.order = order
    }

    /// Every record once.
    public var once: [Double] { Array(repeating: 1, count: scores.count) }

    /// Records of the class.
    public var positiveCount: Int { truths.count { $0 } }

    /// Whether there are records of the class and others.
    public var hasBothSides: Bool { (1..<truths.count).contains(positiveCount) }

    /// Goes through the runs of equal scores from the highest, with what each adds of the class and of the others.
    private func forEachGroup(
        counting weights: [Double],
        _ body: (_ positives: Double, _ negatives: Double, _ score: Double) -> Void
    ) {
        precondition(weights.count == scores.count, "\(weights.count) weights")
        var begin = 0
        for end in groupEnds {
            var (positives, negatives) = (0.0, 0.0)
            for place in begin..<end {
                let record = order[place]
                if truths[record] {
                    positives += weights[record]
                } else {
                    negatives += weights[record]
                }
            }
            body(positives, negatives, scores[order[begin]])
            begin = end
        }
    }

    /// The chance that a record of the class has a higher score than one of the others; ties count one half.
    ///
    /// - Parameter weights: How often each record counts.
    /// - Returns: `nil` where all records that count are on one side.
    public func auroc(counting weights: [Double]) -> Double? {
        var (above, all, pairs) = (0.0, 0.0, 0.0)
        forEachGroup(counting: weights) { positives, negatives, _ in
            pairs += negatives * (above + positives / 2)
            above += positives
            all += negatives
        }
        return above > 0 && all > 0 ? pairs / (above * all) : nil
    }

    /// The chance that a record of the class has a higher score than one of the others.
    ///
    /// - Throws: `MetricError.oneClass` where all records are on one side.
    public func auroc() throws(MetricError) -> Double {
        guard let value = auroc(counting: once) else { throw .oneClass(what: name) }
        return value
    }

    /// The receiver operating characteristic: what share of the others, and of the class, is named as the threshold falls.
    ///
    /// - Returns: Points from (0, 0) to (1, 1), one a distinct score; none where all records are on one side.
    public var curve: [(falsePositives: Double, truePositives: Double)] {
        guard hasBothSides else { return [] }
        let (positives, negatives) = (Double(positiveCount), Double(truths.count - positiveCount))
        var points = [(falsePositives: 0.0, truePositives: 0.0)]
        var (found, wrong) = (0.0, 0.0)
        forEachGroup(counting: once) { inside, outside, _ in
            found += inside
            wrong += outside
            points.append((wrong / negatives, found / positives))
        }
        return points
    }

    /// Precision averaged over the steps by which recall grows, without interpolation.
    ///
    /// - Parameter weights: How often each record counts.
    /// - Returns: `nil` where no record of the class counts.
    public func averagePrecision(counting weights: [Double]) -> Double? {
        var (found, seen, sum) = (0.0, 0.0, 0.0)
        forEachGroup(counting: weights) { positives, negatives, _ in
            found += positives
            seen += positives + negatives
            if positives > 0 { sum += positives * found / seen }
        }
        return found > 0 ? sum / found : nil
    }

    /// The threshold at which F1 is highest when every score from it on counts as the class.
    ///
    /// - Returns: The lowest such score, and its F1.
    public func bestThreshold() -> (threshold: Double, f1: Double) {
        let positives = Double(positiveCount)
        var (found, seen) = (0.0, 0.0)
        var best = (threshold: scores[order[0]], f1: -1.0)
        forEachGroup(counting: once) { inside, outside, score in
            found += inside
            seen += inside + outside
            let f1 = 2 * found / (seen + positives)
            if f1 >= best.f1 { best = (score, f1) }
        }
        return best
    }
}
