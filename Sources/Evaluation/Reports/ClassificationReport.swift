import EvaluationSchema
import Runtime
import Statistics

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

    /// The measures, to be written; intervals are of 1000 resamples, those of single classes DeLong's.
    public var summary: ClassificationSummary {
        let once = scored.once
        func measure(_ body: ([Double]) -> Double?) -> SchemaMeasure? {
            body(once).map {
                SchemaMeasure(value: $0, interval: bootstrap.interval(of: body)?.summary)
            }
        }
        var summary = ClassificationSummary()
        summary.records = scored.recordCount
        summary.support = byClass(scored.support(counting: once).map { Int($0) })
        summary.auroc = byClass(scored.auroc(counting: once))
        summary.aurocInterval = byClass(
            scored.ranked.map { scores in
                let interval = scores.hasBothSides ? try? DeLong(scores).interval : nil
                return interval.map { SchemaInterval(lower: $0.lower, upper: $0.upper) }
            })
        summary.averagePrecision = byClass(scored.averagePrecision(counting: once))
        summary.f1 = byClass(scored.f1(of: decisions, counting: once))
        summary.classesLeftOut =
            scored.classes.indices.filter { !scored.measurableClasses.contains($0) }
            .map { scored.classes[$0] }
        switch decision {
        case .thresholds(let thresholds): summary.thresholds = byClass(thresholds)
        case .highest: summary.confusion = confusion
        }
        summary.aurocMacro = measure(macroAUROC)
        summary.aurocWeighted = measure(weightedAUROC)
        summary.averagePrecisionMacro = measure(macroAveragePrecision)
        summary.f1Macro = measure(macroF1)
        summary.f1Weighted = measure(weightedF1)
        summary.f1MacroAtHalf = measure(macroF1AtHalf)
        return summary
    }

    /// How many records of each class were named as which.
    private var confusion: [String: [String: Int]] {
        byClass(
            scored.ranked.map { truth in
                byClass(
                    decisions.map { named in
                        zip(truth.truths, named).count { $0 && $1 }
                    })
            })
    }

    private func byClass<Value>(_ values: [Value]) -> [String: Value] {
        Dictionary(uniqueKeysWithValues: zip(scored.classes, values))
    }
}

extension Interval {
    /// The ends, to be written.
    var summary: SchemaInterval { SchemaInterval(lower: lower, upper: upper) }
}

extension Double {
    /// The number; `nil` where it is not finite.
    var ifMeasured: Double? { isFinite ? self : nil }
}

extension ClusterMeasures {
    /// The measures, to be written.
    public var summary: ClusterMeasureSummary {
        var summary = ClusterMeasureSummary()
        (summary.records, summary.clusters) = (recordCount, clusterCount)
        summary.daviesBouldin = daviesBouldin.ifMeasured
        summary.silhouette = silhouette.ifMeasured
        summary.calinskiHarabasz = calinskiHarabasz.ifMeasured
        summary.calinskiHarabaszPerRecord = calinskiHarabaszPerRecord.ifMeasured
        return summary
    }
}
