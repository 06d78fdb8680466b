import CommandLineInterface
import Workflows

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
        With features or embeddings (of `embed`) [records, numbers] and clusters [records], which you add: Davies-Bouldin, Silhouette, Calinski-Harabasz. With \
        clusters and other_clusters: the adjusted Rand index. Computed in double; what cannot be measured is refused by \
        name.
        """,
    parameters: [file, seed, Flag.json],
    example: "purkinje metrics scores.safetensors --json"
) { given in
    let metrics = try FileMetrics(given[file])
    if !metrics.hasScores {
        try given.refuse([seed], "for \(given[file]), which has no tensor scores")
    }
    Output.write(try metrics.measured(seed: given[seed]), pretty: !given[.json])
    return .success
}
