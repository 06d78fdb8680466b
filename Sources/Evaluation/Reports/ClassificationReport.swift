import Runtime

/// All measures of a classifier on records, with intervals.
public struct ClassificationReport: Sendable {
    /// The scores and what is so.
    public let scored: ScoredRecords
    /// What is said of each class's records.
    public let decisions: [[Bool]]
    private let decision: ScoredRecords.Decision
    private let decisionsAtHalf: [[Bool]]?
    private let bootstrap: Bootstrap

    /// Measures a classifier.
    ///
    /// - Parameters:
    ///   - scored: The scores and what is so.
    ///   - decision: How scores become decisions; thresholds are those of other records.
    ///   - scoresAreProbabilities: Whether F1 at the threshold 0.5 is of interest too.
    ///   - seed: What the resamples are drawn from.
    /// - Throws: `MetricError.oneClass` where no class has records and others.
    public init(
        _ scored: ScoredRecords, decision: ScoredRecords.Decision, scoresAreProbabilities: Bool,
        seed: UInt64
    ) throws(MetricError) {
        guard !scored.measurableClasses.isEmpty else { throw .oneClass(what: scored.name) }
        self.scored = scored
        self.decision = decision
        decisions = scored.decisions(decision)
        decisionsAtHalf =
            scoresAreProbabilities
            ? scored.decisions(
                .thresholds(Array(repeating: 0.5, count: scored.classes.count))) : nil
        bootstrap = try Bootstrap(of: scored, seed: seed)
    }

    /// The resamples, for comparisons with another classifier of the same records.
    public var resamples: Bootstrap { bootstrap }

    /// AUROC, the mean over classes.
    public func macroAUROC(counting weights: [Double]) -> Double? {
        ClassMean.macro(scored.auroc(counting: weights))
    }

    /// AUROC, the mean over records' classes.
    public func weightedAUROC(counting weights: [Double]) -> Double? {
        ClassMean.weighted(
            scored.auroc(counting: weights), by: scored.support(counting: weights))
    }

    /// Average precision, the mean over classes.
    public func macroAveragePrecision(counting weights: [Double]) -> Double? {
        ClassMean.macro(scored.averagePrecision(counting: weights))
    }

    /// F1, the mean over classes.
    public func macroF1(counting weights: [Double]) -> Double? {
        ClassMean.macro(scored.f1(of: decisions, counting: weights))
    }

    /// F1, the mean over records' classes.
    public func weightedF1(counting weights: [Double]) -> Double? {
        ClassMean.weighted(
            scored.f1(of: decisions, counting: weights), by: scored.support(counting: weights))
    }

    /// F1 at the threshold 0.5, the mean over classes; `nil` where scores are no probabilities.
    public func macroF1AtHalf(counting weights: [Double]) -> Double? {
        decisionsAtHalf.flatMap { ClassMean.macro(scored.f1(of: $0, counting: weights)) }
    }

    /// The measures by name; intervals are of 1000 resamples, those of single classes DeLong's.
    public var json: JSONValue {
        let once = scored.once
        var members: [String: JSONValue] = [
            "records": .integer(Int64(scored.recordCount)),
            "support": byClass(scored.support(counting: once)) { .integer(Int64($0)) },
            "auroc": byClass(scored.auroc(counting: once)) { .number($0) },
            "auroc_interval": byClass(
                scored.ranked.map { scores in
                    scores.hasBothSides ? try? DeLong(scores).interval : nil
                }
            ) { [.number($0.lower), .number($0.upper)] },
            "average_precision": byClass(scored.averagePrecision(counting: once)) { .number($0) },
            "f1": byClass(scored.f1(of: decisions, counting: once)) { .number($0) },
            "classes_left_out": .array(
                scored.classes.indices.filter { !scored.measurableClasses.contains($0) }
                    .map { .string(scored.classes[$0]) }),
        ]
        switch decision {
        case .thresholds(let thresholds):
            members["thresholds"] = byClass(thresholds) { .number($0) }
        case .highest: members["confusion"] = confusion
        }
        let measures: [(String, ([Double]) -> Double?)] = [
            ("auroc_macro", macroAUROC), ("auroc_weighted", weightedAUROC),
            ("average_precision_macro", macroAveragePrecision), ("f1_macro", macroF1),
            ("f1_weighted", weightedF1), ("f1_macro_at_half", macroF1AtHalf),
        ]
        for (name, measure) in measures {
            guard let value = measure(once) else { continue }
            members[name] = .number(value)
            members["\(name)_interval"] = bootstrap.interval(of: measure)?.json ?? .null
        }
        return .object(members)
    }

    /// How many records of each class were named as which.
    private var confusion: JSONValue {
        byClass(
            scored.ranked.map { truth in
                decisions.map { named in
                    zip(truth.truths, named).count { $0 && $1 }
                }
            }
        ) { row in byClass(row) { .integer(Int64($0)) } }
    }

    private func byClass<Value>(
        _ values: [Value?], _ json: (Value) -> JSONValue
    ) -> JSONValue {
        .object(
            Dictionary(
                uniqueKeysWithValues: zip(scored.classes, values).map {
                    ($0, $1.map(json) ?? .null)
                }))
    }
}

extension Interval {
    /// Two numbers.
    var json: JSONValue { [.number(lower), .number(upper)] }
}

extension ClusterMeasures {
    /// The measures by name.
    public var json: JSONValue {
        [
            "records": .integer(Int64(recordCount)), "clusters": .integer(Int64(clusterCount)),
            "davies_bouldin": .measured(daviesBouldin), "silhouette": .measured(silhouette),
            "calinski_harabasz": .measured(calinskiHarabasz),
            "calinski_harabasz_per_record": .measured(calinskiHarabaszPerRecord),
        ]
    }
}
