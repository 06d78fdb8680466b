import Cluster
import Collectives
import LinearAlgebra
import Runtime

extension TrainingReplica {
    /// What a step in one process reports.
    public struct StepOutcome: Sendable {
        /// The report of `apply`.
        public let report: JSONValue
        /// Whether the step was computed again with the true exponents.
        public let recomputed: Bool
        /// Where its time went, both rounds together.
        public let timings: StepTimings
        /// Seconds of the update.
        public let updateSeconds: Double
    }

    /// One step without a network: the same rounds and sums as in a cluster of one.
    ///
    /// - Throws: `TrainingError.diverged`, or whatever kept a shard from being computed.
    @discardableResult
    public func runStep() throws -> StepOutcome {
        try runStep(with: StepRunner(self), over: SingleProcessExchange())
    }

    func runStep(
        with runner: StepRunner, over exchange: SingleProcessExchange
    ) throws -> StepOutcome {
        do {
            let outcome = try runner.step(Array(0..<logicalShards), over: exchange)
            return StepOutcome(
                report: outcome.report.report, recomputed: outcome.recomputed,
                timings: outcome.timings, updateSeconds: outcome.report.updateSeconds)
        } catch let divergence as StepRunner.Divergence {
            throw TrainingError.diverged(divergence.description)
        }
    }
}

/// Why training ends before its time.
public enum TrainingError: Error, Equatable, CustomStringConvertible {
    case diverged(String)
    case dataPathUnknown(run: FilePath)
    case noTrainingWindows(path: FilePath)
    case initialWeightsGone(checkpoints: FilePath)
    case tooFewClasses(found: [String], windows: Int)
    case kernelNotPortable(kernel: String)

    /// What happened, and what to do.
    public var description: String {
        switch self {
        case .diverged(let message): message
        case .dataPathUnknown(let run):
            "\(run): the run does not say where its data set is; name it with --data"
        case .noTrainingWindows(let path):
            "\(path): no window is left to train on; check data.validationFold and data.testFold"
        case .initialWeightsGone(let checkpoints):
            "\(checkpoints): the run starts from weights, and no checkpoint of it is left; begin a new run "
                + "with the same weights"
        case .kernelNotPortable(let kernel):
            "numerics.kernel is portable, and the matrix kernel here is \(kernel): set OPENBLAS_CORETYPE="
                + "\(MatrixProduct.portableKernel); where that does not help (a processor without AVX2, or no "
                + "x86-64) the run cannot be computed here"
        case .tooFewClasses(let found, let windows):
            "the method needs labelled records of two classes or more, at least two of each, and "
                + (found.isEmpty ? "none" : "only \(found.joined(separator: ", "))")
                + " is among the \(windows) training windows; prepare a source with labels, such as "
                + "PTB-XL with its ptbxl_database.csv and scp_statements.csv"
        }
    }
}
