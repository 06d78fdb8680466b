import Checkpoints
import CommandLineInterface
import Evaluation
import LinearAlgebra
import Runtime

/// The linear probe fitted to features of a file: how long that took, and how low its loss got.
public struct ProbeBenchmark: CommandResult {
    private let features: (rows: Int, columns: Int)
    private let seconds: Double
    private let objective: Double
    private let steps: Int
    private let isConverged: Bool
    /// More are numbers of something else.
    private static let classCountMax = 65_536

    /// Fits the probe.
    ///
    /// - Parameters:
    ///   - path: A safetensors file with features and labels.
    ///   - strength: scikit-learn's C, above 0.
    /// - Throws: `CommandError` for labels that are none, `SafetensorsError`, `MetricError`.
    public init(_ path: FilePath, strength: Double) throws {
        let tensors = try SafetensorsFile(path: path)
        let (features, labels) = (
            Matrix(try tensors.vectors()), try FileLabels(tensors)
        )
        try labels.check(classes: Self.classCountMax)
        MatrixProduct.useOneThread()
        let start = ContinuousClock.now
        let solver = try LogisticSolver(
            Standardisation(fittedTo: features)(features), truths: labels.classes,
            classes: labels.classCount,
            kind: labels.isMultiLabel ? .multiLabel : .singleLabel)
        let fit = solver.fit(penalty: 1 / (strength * Double(features.rows)))
        seconds = (ContinuousClock.now - start) / .seconds(1)
        (objective, steps, isConverged) = (fit.objective, fit.steps, fit.isConverged)
        self.features = (features.rows, features.columns)
    }

    /// Loss, steps and time.
    public var json: JSONValue {
        [
            "objective": .number(objective), "steps": .integer(Int64(steps)),
            "converged": .boolean(isConverged), "seconds": .number(seconds),
        ]
    }

    /// The same in a line.
    public var text: String {
        "\(features.rows) x \(features.columns): loss \(objective) after \(steps) steps, "
            + "\(decimals(seconds, 2)) s"
    }
}
