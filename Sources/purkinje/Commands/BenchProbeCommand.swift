import CommandLineInterface
import Workflows

private let file = Argument(
    "FILE", .file,
    help:
        "A safetensors file with features or embeddings [records, numbers], such as `embed` writes, and labels: "
        + "[records, classes] of 0 and 1, or [records] of class numbers.")
private let strength = Option(
    "strength", .positive, default: 1,
    help: "scikit-learn's C: one over the penalty on squared weights, times one over the records.")

/// `purkinje bench probe`.
let benchProbeCommand = Command(
    "bench probe",
    summary:
        "fits the linear probe to given features, and says how long it took and how low it got",
    discussion: """
        Standardises the features, fits logistic regression (one yes or no a class where labels is a matrix, else one class \
        a record), and prints the mean loss with its penalty at the optimum. scripts/compare-sklearn sets it beside \
        scikit-learn.
        """,
    parameters: [file, strength, Flag.json],
    example: "purkinje bench probe features.safetensors --strength 0.1 --json"
) { given in
    Output.write(
        try ProbeBenchmark(given[file], strength: given[strength]), asJSON: given[.json])
    return .success
}
