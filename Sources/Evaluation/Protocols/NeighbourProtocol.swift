import EvaluationSchema
import LinearAlgebra
import Runtime
import Statistics

/// k-NN on records with one label: Euclidean on features as they are, cosine on features of unit length; 20 and 5
/// neighbours.
public struct NeighbourProtocol: Sendable {
    /// Neighbours that are asked; the first numbers are of the first.
    private static let counts = [20, 5]

    /// One way to find neighbours, and its measures.
    public struct Variant: Sendable {
        /// How near records are.
        public let distance: NearestNeighbours.Distance
        /// Number of neighbours.
        public let count: Int
        /// The measures on the test fold.
        public let test: ClassificationReport
        /// The measures on the external set.
        public let external: ClassificationReport?
    }

    /// All ways; the first is Euclidean with 20 neighbours.
    public let variants: [Variant]

    /// Measures.
    ///
    /// - Parameters:
    ///   - features: Of all parts.
    ///   - records: What the rows are; records with several labels take no part.
    ///   - seed: What resamples are drawn from.
    /// - Throws: `MetricError`.
    public init(
        _ features: FeatureSplits, of records: LabelledRecords, seed: UInt64
    ) throws(MetricError) {
        let names = LabelledRecords.classNames
        let training = SingleLabel(features.training, records.training)
        let test = SingleLabel(features.test, records.test)
        let external = features.external.map { SingleLabel($0, records.external) }
        var variants: [Variant] = []
        for distance in NearestNeighbours.Distance.allCases {
            let neighbours = try NearestNeighbours(
                training.features, labels: training.labels, classes: names.count,
                distance: distance)
            func measure(
                _ part: SingleLabel, _ name: String, _ count: Int
            ) throws(MetricError) -> ClassificationReport {
                try ClassificationReport(
                    ScoredRecords(
                        name: name, classes: names,
                        scores: neighbours.shares(of: part.features, count: count),
                        truths: part.labels.map { [$0] }),
                    decision: .highest, scoresAreProbabilities: false, seed: seed)
            }
            for count in Self.counts {
                var outside: ClassificationReport?
                if let external { outside = try measure(external, "external set", count) }
                variants.append(
                    Variant(
                        distance: distance, count: count,
                        test: try measure(test, "test fold", count), external: outside))
            }
        }
        self.variants = variants
    }

    /// The measures, to be written: those of the first way, and all.
    public var summary: NeighbourSummary {
        var summary = NeighbourSummary()
        summary.variants = variants.map { variant in
            var written = NeighbourVariantSummary()
            written.distance = variant.distance.rawValue
            written.neighbours = variant.count
            (written.test, written.external) = (variant.test.summary, variant.external?.summary)
            return written
        }
        let first = summary.variants[0]
        (summary.distance, summary.neighbours) = (first.distance, first.neighbours)
        (summary.test, summary.external) = (first.test, first.external)
        return summary
    }
}

/// The records of a part that have exactly one label.
struct SingleLabel {
    let features: Matrix
    let labels: [Int]

    init(_ features: Matrix, _ records: [EvaluatedRecord]) {
        let chosen = records.indices.filter { records[$0].classes.count == 1 }
        self.features = features.selecting(rows: chosen)
        labels = chosen.map { records[$0].classes[0] }
    }
}
