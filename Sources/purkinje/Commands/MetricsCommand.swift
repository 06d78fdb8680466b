import Checkpoints
import CommandLineInterface
import Evaluation
import EvaluationSchema
import LinearAlgebra
import Runtime
import Statistics

private let file = Argument("FILE", .file, help: "A safetensors file; see above for its tensors.")
private let seed = Option("seed", .seed, default: 0, help: "What resamples are drawn from.")

/// Measures scores, clusters and partitions that any program wrote.
let metricsCommand = Command(
    "metrics",
    summary: "measures scores or clusters of any program, given as a safetensors file",
    discussion: """
        With the tensors scores [records, classes] and labels [records, classes] (0 or 1): AUROC, average precision and F1 \
        for several labels a record, at the threshold 0.5 and at each class's best one on these records. With labels \
        [records] (numbers of classes): one label a record, each class against the others, the highest score decides. \
        With features [records, numbers] and clusters [records]: Davies-Bouldin, Silhouette, Calinski-Harabasz. With \
        clusters and other_clusters: the adjusted Rand index. Computed in double; what cannot be measured is refused by \
        name.
        """,
    parameters: [file, seed, Flag.json],
    example: "purkinje metrics scores.safetensors --json"
) { given in
    let tensors = try SafetensorsFile(path: given[file])
    var result: [String: JSONValue] = [:]
    if !tensors.names.contains("scores") {
        try given.refuse([seed], "for \(given[file]), which has no tensor scores")
    }
    if tensors.names.contains("scores") {
        result["classification"] = try classification(tensors, seed: given[seed])
    }
    if tensors.names.contains("features") {
        result["clusters"] = try ClusterMeasures(
            Matrix(tensors.tensor("features")), labels: integers(tensors, "clusters")
        ).summary.json
    }
    if tensors.names.contains("other_clusters") {
        result["adjusted_rand"] = .number(
            try PartitionAgreement.adjustedRand(
                integers(tensors, "clusters"), integers(tensors, "other_clusters")))
    }
    guard !result.isEmpty else {
        throw CommandError(
            .usage,
            "\(given[file]) has none of the tensors scores, features and other_clusters; "
                + "'purkinje metrics --help' says what belongs to each")
    }
    Output.write(.object(result), pretty: !given[.json])
    return .success
}

private func integers(_ file: SafetensorsFile, _ name: String) throws -> [Int] {
    try file.tensor(name).doubles.map { value in
        guard let number = Int(exactly: value) else {
            throw CommandError(.usage, "\(file.path): \(name) has \(value), not a whole number")
        }
        return number
    }
}

private func classification(_ file: SafetensorsFile, seed: UInt64) throws -> JSONValue {
    let scores = Matrix(try file.tensor("scores"))
    let labels = try integers(file, "labels")
    let isMultiLabel = try file.tensor("labels").shape.count > 1
    guard labels.count == (isMultiLabel ? scores.values.count : scores.rows) else {
        throw MetricError.countsDiffer(what: "labels", counts: [scores.rows, labels.count])
    }
    if let strange = labels.first(where: {
        !(0..<(isMultiLabel ? 2 : scores.columns)).contains($0)
    }) {
        throw CommandError(.usage, "\(file.path): labels has \(strange), which is no class")
    }
    let truths = (0..<scores.rows).map { row in
        isMultiLabel
            ? (0..<scores.columns).filter { labels[row * scores.columns + $0] == 1 }
            : [labels[row]]
    }
    let scored = try ScoredRecords(
        name: file.path.text, classes: (0..<scores.columns).map { "\($0)" }, scores: scores,
        truths: truths)
    return try ClassificationReport(
        scored, decision: isMultiLabel ? .thresholds(scored.bestThresholds) : .highest,
        scoresAreProbabilities: isMultiLabel, seed: seed
    ).summary.json
}
