import Electrocardiography
import EvaluationSchema
import Runtime
import Statistics

/// What a classifier is worth on groups of records, each beside all others.
public struct SubgroupReport: Sendable {
    /// A class counts in a group that has so many records of it, and so many others.
    public static let minimumPerSide = 5

    /// One group's measures.
    public struct Reading: Sendable {
        /// The group.
        public let group: Subgroup
        /// Records of the group.
        public let recordCount: Int
        /// How many of them each class has.
        public let support: [Int]
        /// AUROC by class with DeLong's interval; `nil` where one side has too few records.
        public let auroc: [(area: Double, interval: (lower: Double, upper: Double))?]
        /// The mean over the classes that count, and where 95 % of resamples lie; `nil` where no class counts.
        public let macro: (area: Double, interval: Interval?)?
        /// The mean over the same classes on all records outside of the group.
        public let others: Double?
    }

    /// One reading a group, in the order of groups.
    public let readings: [Reading]
    private let classes: [String]

    /// Measures.
    ///
    /// - Parameters:
    ///   - scored: Scores of all records.
    ///   - subgroups: Which of them belong to which group.
    ///   - seed: What resamples are drawn from.
    /// - Throws: `MetricError`.
    public init(
        of scored: ScoredRecords, subgroups: Subgroups, seed: UInt64
    ) throws(MetricError) {
        precondition(
            scored.recordCount == subgroups.recordCount,
            "\(scored.recordCount) records are not the \(subgroups.recordCount) that were grouped")
        classes = scored.classes
        var readings: [Reading] = []
        for (group, places) in subgroups.members {
            readings.append(try Self.read(group, places, of: scored, seed: seed))
        }
        self.readings = readings
    }

    private static func read(
        _ group: Subgroup, _ places: [Int], of scored: ScoredRecords, seed: UInt64
    ) throws(MetricError) -> Reading {
        let name = "\(scored.name), \(group.rawValue)"
        let all = scored.ranked.indices
        let support = all.map { label in places.count { scored.ranked[label].truths[$0] } }
        let counted = all.filter {
            min(support[$0], places.count - support[$0]) >= minimumPerSide
        }
        guard !counted.isEmpty else {
            return Reading(
                group: group, recordCount: places.count, support: support,
                auroc: all.map { _ in nil }, macro: nil, others: nil)
        }
        let own = try scored.selecting(rows: places, name: name)
        var auroc: [(area: Double, interval: (lower: Double, upper: Double))?] = []
        for label in all {
            guard counted.contains(label) else {
                auroc.append(nil)
                continue
            }
            let found = try DeLong(own.ranked[label])
            auroc.append((found.auroc, found.interval))
        }
        func macro(_ scored: ScoredRecords, _ weights: [Double]) -> Double? {
            ClassMean.macro(counted.map { scored.ranked[$0].auroc(counting: weights) })
        }
        let bootstrap = try Bootstrap(
            records: places.count, classes: counted.map { own.ranked[$0].truths }, seed: seed,
            name: name)
        let inside = Set(places)
        let outside = (0..<scored.recordCount).filter { !inside.contains($0) }
        let others =
            outside.isEmpty
            ? nil : try scored.selecting(rows: outside, name: "\(name), all others")
        return Reading(
            group: group, recordCount: places.count, support: support, auroc: auroc,
            macro: macro(own, own.once).map { area in
                (area, bootstrap.interval { macro(own, $0) })
            },
            others: others.flatMap { rest in
                counted.allSatisfy { rest.ranked[$0].hasBothSides } ? macro(rest, rest.once) : nil
            })
    }

    /// The measures by group, to be written.
    public var summary: [Subgroup: SubgroupSummary] {
        func byClass<Value>(_ values: [Value]) -> [String: Value] {
            Dictionary(uniqueKeysWithValues: zip(classes, values))
        }
        let written = readings.map { reading in
            var summary = SubgroupSummary()
            summary.records = reading.recordCount
            summary.isTooSmall = reading.macro == nil
            summary.support = byClass(reading.support)
            summary.auroc = byClass(reading.auroc.map { $0?.area })
            summary.aurocInterval = byClass(
                reading.auroc.map { found in
                    found.map {
                        SchemaInterval(lower: $0.interval.lower, upper: $0.interval.upper)
                    }
                })
            summary.aurocMacro = reading.macro?.area
            summary.aurocMacroInterval = reading.macro?.interval?.summary
            summary.aurocMacroOfOthers = reading.others
            return (reading.group, summary)
        }
        return Dictionary(uniqueKeysWithValues: written)
    }
}

/// The groups of the records that are tested.
public struct SubgroupSplits: Sendable {
    /// Groups of the test fold's records.
    public let test: Subgroups
    /// Groups of the external set's; `nil` where there is none.
    public let external: Subgroups?

    /// Groups the tested records.
    ///
    /// Codes are rare by their share of the training records; the external set's, which may have other codes, by their
    /// share of its own.
    ///
    /// - Parameters:
    ///   - records: All splits.
    ///   - dataset: The set of all splits but the external one.
    ///   - externalSet: The set of the external split.
    /// - Throws: When a window cannot be read.
    public init(
        of records: LabelledRecords, in dataset: PreparedDataset, externalSet: PreparedDataset?
    ) throws {
        test = try Subgroups(
            of: records.test, in: dataset, rareAmong: records.training, of: dataset)
        external = try externalSet.map {
            try Subgroups(of: records.external, in: $0, rareAmong: records.external, of: $0)
        }
    }

    /// What a classifier of all tested records is worth on the groups.
    ///
    /// - Parameters:
    ///   - test: Its measures on the test fold; `nil` where there are none.
    ///   - external: The same on the external set.
    ///   - seed: What resamples are drawn from.
    /// - Returns: `nil` where there are no measures.
    /// - Throws: `MetricError`.
    public func reports(
        test: ClassificationReport?, external: ClassificationReport?, seed: UInt64
    ) throws(MetricError) -> (test: SubgroupReport, external: SubgroupReport?)? {
        guard let test else { return nil }
        var outside: SubgroupReport?
        if let external, let groups = self.external {
            outside = try SubgroupReport(of: external.scored, subgroups: groups, seed: seed)
        }
        return (
            try SubgroupReport(of: test.scored, subgroups: self.test, seed: seed), outside
        )
    }
}
