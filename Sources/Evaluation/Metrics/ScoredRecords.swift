import LinearAlgebra
import Statistics

/// What a classifier says of records, and what is so: a score for each record and class.
///
/// With one label a record, a class is measured against all others together.
public struct ScoredRecords: Sendable {
    /// How scores become decisions.
    public enum Decision: Sendable, Equatable {
        /// A class is named where its score reaches its threshold.
        case thresholds([Double])
        /// The class with the highest score is named, ties to the first.
        case highest
    }

    /// What the records are, for messages.
    public let name: String
    /// Names of the classes.
    public let classes: [String]
    /// Each class's scores.
    public let ranked: [RankedScores]

    /// Scores with their truths.
    ///
    /// - Parameters:
    ///   - name: What the records are, for messages.
    ///   - classes: Names of the classes.
    ///   - scores: A row a record, a column a class.
    ///   - truths: A list a record, of the numbers of its classes.
    /// - Throws: `MetricError` where there is no record, or a score is not finite.
    public init(
        name: String, classes: [String], scores: Matrix, truths: [[Int]]
    ) throws(MetricError) {
        precondition(scores.columns == classes.count, "\(scores.columns) columns")
        guard scores.rows == truths.count else {
            throw .countsDiffer(what: name, counts: [scores.rows, truths.count])
        }
        self.name = name
        self.classes = classes
        var ranked: [RankedScores] = []
        for (number, label) in classes.enumerated() {
            ranked.append(
                try RankedScores(
                    name: "\(name), \(label)", scores: scores.column(number),
                    truths: truths.map { $0.contains(number) }))
        }
        self.ranked = ranked
    }

    private init(name: String, classes: [String], ranked: [RankedScores]) {
        (self.name, self.classes, self.ranked) = (name, classes, ranked)
    }

    /// Some of the records.
    ///
    /// - Parameters:
    ///   - rows: Which ones.
    ///   - name: What they are, for messages.
    /// - Returns: Their scores and truths.
    /// - Throws: `MetricError` where there is none.
    public func selecting(rows: [Int], name: String) throws(MetricError) -> ScoredRecords {
        var selected: [RankedScores] = []
        for (label, scores) in zip(classes, ranked) {
            selected.append(
                try RankedScores(
                    name: "\(name), \(label)", scores: rows.map { scores.scores[$0] },
                    truths: rows.map { scores.truths[$0] }))
        }
        return ScoredRecords(name: name, classes: classes, ranked: selected)
    }

    /// Number of records.
    public var recordCount: Int { ranked.first?.scores.count ?? 0 }

    /// Every record once.
    public var once: [Double] { Array(repeating: 1, count: recordCount) }

    /// Classes of which there are records and others.
    public var measurableClasses: [Int] { ranked.indices.filter { ranked[$0].hasBothSides } }

    /// For each class the threshold with the highest F1 on these records.
    public var bestThresholds: [Double] { ranked.map { $0.bestThreshold().threshold } }

    /// AUROC by class; `nil` for a class with all records on one side.
    public func auroc(counting weights: [Double]) -> [Double?] {
        ranked.map { $0.auroc(counting: weights) }
    }

    /// Average precision by class; `nil` for a class without records.
    public func averagePrecision(counting weights: [Double]) -> [Double?] {
        ranked.map { $0.averagePrecision(counting: weights) }
    }

    /// How many records each class has.
    public func support(counting weights: [Double]) -> [Double] {
        ranked.map { scores in
            zip(scores.truths, weights).reduce(0) { $1.0 ? $0 + $1.1 : $0 }
        }
    }

    /// What is said of each class's records.
    public func decisions(_ decision: Decision) -> [[Bool]] {
        switch decision {
        case .thresholds(let thresholds):
            return zip(ranked, thresholds).map { scores, threshold in
                scores.scores.map { $0 >= threshold }
            }
        case .highest:
            var decisions = ranked.map { $0.scores.map { _ in false } }
            for record in 0..<recordCount {
                var best = 0
                for number in ranked.indices.dropFirst()
                where ranked[number].scores[record] > ranked[best].scores[record] {
                    best = number
                }
                decisions[best][record] = true
            }
            return decisions
        }
    }

    /// F1 by class.
    public func f1(of decisions: [[Bool]], counting weights: [Double]) -> [Double] {
        zip(ranked, decisions).map {
            Agreement.f1(decisions: $1, truths: $0.truths, counting: weights)
        }
    }
}
