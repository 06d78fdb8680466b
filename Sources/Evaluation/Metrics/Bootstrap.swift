import Kernels
import Statistics

/// Resamples of records, drawn with replacement so that every class has records and others.
///
/// Two classifiers that are measured on the same records with the same seed get the same resamples, so that their
/// differences can be taken one by one.
public struct Bootstrap: Sendable {
    /// How often each record counts, a list a resample.
    public let resamples: [[Double]]

    /// Draws resamples.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - scored: The records; classes with all records on one side ask for nothing.
    ///   - seed: What they are drawn from.
    /// - Throws: `MetricError.cannotResample` where a class is too rare.
    public init(
        _ count: Int = 1000, of scored: ScoredRecords, seed: UInt64
    ) throws(MetricError) {
        try self.init(
            count, records: scored.recordCount,
            classes: scored.measurableClasses.map { scored.ranked[$0].truths }, seed: seed,
            name: scored.name)
    }

    /// Draws resamples.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - records: Number of records.
    ///   - classes: For each class whether a record is of it; every resample has both.
    ///   - seed: What they are drawn from.
    ///   - name: What the records are, for messages.
    /// - Throws: `MetricError.cannotResample` where a class is too rare.
    public init(
        _ count: Int = 1000, records: Int, classes: [[Bool]] = [], seed: UInt64, name: String
    ) throws(MetricError) {
        var resamples: [[Double]] = []
        for number in 0..<count {
            resamples.append(
                try Self.draw(number, records: records, classes: classes, seed: seed, name: name))
        }
        self.resamples = resamples
    }

    private static let attempts = 1000

    private static func draw(
        _ number: Int, records: Int, classes: [[Bool]], seed: UInt64, name: String
    ) throws(MetricError) -> [Double] {
        var random = RandomStream(seed: seed, purpose: .sampling, step: UInt64(number))
        for _ in 0..<attempts {
            var weights = Array(repeating: 0.0, count: records)
            for _ in 0..<records { weights[random.nextInteger(below: records)] += 1 }
            let hasAll = classes.allSatisfy { truths in
                let drawn = truths.indices.lazy.filter { weights[$0] > 0 }
                return drawn.contains { truths[$0] } && drawn.contains { !truths[$0] }
            }
            if hasAll { return weights }
        }
        throw .cannotResample(what: name, attempts: attempts)
    }

    /// A measure on every resample.
    ///
    /// - Parameter measure: Gets how often each record counts.
    /// - Returns: What could be measured, in the order of resamples.
    public func values(of measure: ([Double]) -> Double?) -> [Double] {
        resamples.compactMap(measure)
    }

    /// The 95 % interval of a measure.
    public func interval(of measure: ([Double]) -> Double?) -> Interval? {
        Interval(of: values(of: measure))
    }
}

/// Where 95 % of resamples lie.
public struct Interval: Sendable, Equatable {
    /// The 2.5th percentile.
    public let lower: Double
    /// The 97.5th percentile.
    public let upper: Double

    /// The percentiles of values, interpolated between neighbours; `nil` where there are no values.
    public init?(of values: [Double]) {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        lower = Self.percentile(0.025, of: sorted)
        upper = Self.percentile(0.975, of: sorted)
    }

    private static func percentile(_ share: Double, of sorted: [Double]) -> Double {
        let place = share * Double(sorted.count - 1)
        let below = Int(place)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (sorted[above] - sorted[below]) * (place - Double(below))
    }
}

/// How much one classifier differs from another on the same records.
public struct PairedDifference: Sendable, Equatable {
    /// The first's measure less the second's.
    public let difference: Double
    /// Where 95 % of the resamples' differences lie.
    public let interval: Interval
    /// Two-sided: twice the smaller share of resamples on one side of zero, those at zero counted on both.
    public let pValue: Double

    /// Compares two measures of the same records on the same resamples; `nil` where one could not be taken.
    ///
    /// - Parameters:
    ///   - bootstrap: The resamples.
    ///   - once: Weights that count every record once.
    ///   - first: A measure of the first classifier.
    ///   - second: The same measure of the second.
    public init?(
        over bootstrap: Bootstrap, once: [Double], first: ([Double]) -> Double?,
        second: ([Double]) -> Double?
    ) {
        func difference(_ weights: [Double]) -> Double? {
            guard let a = first(weights), let b = second(weights) else { return nil }
            return a - b
        }
        let values = bootstrap.values(of: difference)
        guard let whole = difference(once), let interval = Interval(of: values) else { return nil }
        self.difference = whole
        self.interval = interval
        let (below, above) = (values.count { $0 <= 0 }, values.count { $0 >= 0 })
        // One more on either side: a finite number of resamples proves no certainty.
        pValue = min(1, 2 * Double(min(below, above) + 1) / Double(values.count + 1))
    }
}
