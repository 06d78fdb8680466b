import Checkpoints
import CommandLineInterface
import Evaluation
import EvaluationSchema
import LinearAlgebra
import Runtime
import Statistics

/// Measures of scores, clusters and partitions that any program wrote as a safetensors file.
public struct FileMetrics {
    private let file: SafetensorsFile

    /// Opens a file.
    ///
    /// - Throws: `SafetensorsError`.
    public init(_ path: FilePath) throws { file = try SafetensorsFile(path: path) }

    /// Whether there are scores, whose intervals are drawn from a seed.
    public var hasScores: Bool { file.names.contains("scores") }

    /// All that the file's tensors allow.
    ///
    /// - Parameter seed: What resamples are drawn from.
    /// - Returns: What was measured, by kind.
    /// - Throws: `CommandError` for a file without such tensors and for labels that are none, `MetricError`.
    public func measured(seed: UInt64) throws -> JSONValue {
        var result: [String: JSONValue] = [:]
        if hasScores { result["classification"] = try classification(seed: seed) }
        if file.hasVectors, file.names.contains("clusters") {
            result["clusters"] = try ClusterMeasures(
                Matrix(file.vectors()), labels: integers("clusters")
            ).summary.json
        }
        if file.names.contains("other_clusters") {
            result["adjusted_rand"] = .number(
                try PartitionAgreement.adjustedRand(
                    integers("clusters"), integers("other_clusters")))
        }
        guard !result.isEmpty else {
            throw CommandError(
                .usage,
                file.hasVectors
                    ? "\(file.path) has vectors, but no tensor clusters [records] that says which cluster each is "
                        + "in; add one, or see 'purkinje evaluate' for how good an encoder's vectors are"
                    : "\(file.path) has none of the tensors scores, features (or embeddings) and other_clusters; "
                        + "'purkinje metrics --help' says what belongs to each")
        }
        return .object(result)
    }

    private func integers(_ name: String) throws -> [Int] {
        try file.tensor(name).doubles.map { value in
            guard let number = Int(exactly: value) else {
                throw CommandError(.usage, "\(file.path): \(name) has \(value), not a whole number")
            }
            return number
        }
    }

    private func classification(seed: UInt64) throws -> JSONValue {
        let scores = Matrix(try file.tensor("scores"))
        let labels = try FileLabels(file)
        let isMultiLabel = labels.isMultiLabel
        guard labels.numbers.rows == scores.rows else {
            throw MetricError.countsDiffer(
                what: "labels", counts: [scores.rows, labels.numbers.rows])
        }
        guard !isMultiLabel || labels.numbers.columns == scores.columns else {
            throw MetricError.countsDiffer(
                what: "columns of labels", counts: [scores.columns, labels.numbers.columns])
        }
        try labels.check(classes: scores.columns)
        let scored = try ScoredRecords(
            name: file.path.text, classes: (0..<scores.columns).map { "\($0)" }, scores: scores,
            truths: labels.classes)
        return try ClassificationReport(
            scored, decision: isMultiLabel ? .thresholds(scored.bestThresholds) : .highest,
            scoresAreProbabilities: isMultiLabel, seed: seed
        ).summary.json
    }
}
