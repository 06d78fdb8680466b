import Checkpoints
import CommandLineInterface
import Evaluation
import Foundation
import LinearAlgebra
import Runtime

private let file = Argument(
    "FILE", .file,
    help: "A safetensors file with features [records, numbers] and labels: [records, classes] of 0 "
        + "and 1, or [records] of class numbers.")
private let strength = Option(
    "strength", .number(0...), default: 1,
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
    guard given[strength] > 0 else {
        throw CommandError(.usage, "--strength needs a number above 0")
    }
    let tensors = try SafetensorsFile(path: given[file])
    let (features, labels) = (
        Matrix(try tensors.tensor("features")), Matrix(try tensors.tensor("labels"))
    )
    let isMultiLabel = try tensors.tensor("labels").shape.count > 1
    let highest = isMultiLabel ? 1 : 65_535.0
    guard labels.values.allSatisfy({ $0 == $0.rounded() && (0...highest).contains($0) }) else {
        throw CommandError(
            .usage, "\(given[file]): labels are whole numbers from 0 to \(Int(highest))")
    }
    let truths = (0..<labels.rows).map { row in
        isMultiLabel
            ? (0..<labels.columns).filter { labels[row, $0] == 1 } : [Int(labels[row, 0])]
    }
    MatrixProduct.useOneThread()
    let start = ContinuousClock.now
    let solver = try LogisticSolver(
        Standardisation(fittedTo: features)(features), truths: truths,
        classes: isMultiLabel ? labels.columns : Int(labels.values.max() ?? 0) + 1,
        kind: isMultiLabel ? .multiLabel : .singleLabel)
    let fit = solver.fit(penalty: 1 / (given[strength] * Double(features.rows)))
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    if given[.json] {
        Output.write([
            "objective": .number(fit.objective), "steps": .integer(Int64(fit.steps)),
            "converged": .boolean(fit.isConverged), "seconds": .number(seconds),
        ])
    } else {
        Output.write(
            "\(features.rows) x \(features.columns): loss \(fit.objective) after \(fit.steps) steps, "
                + "\(decimals(seconds, 2)) s")
    }
    return .success
}
