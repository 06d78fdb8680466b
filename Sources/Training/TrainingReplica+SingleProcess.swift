import Cluster
import Runtime

extension TrainingReplica {
    /// What a step in one process reports.
    public struct StepOutcome: Sendable {
        /// The report of `apply`.
        public let report: JSONValue
        /// Whether the step was computed again with the true exponents.
        public let recomputed: Bool
        /// Seconds of computing, both rounds together.
        public let computeSeconds: Double
    }

    /// One step without a network: the same rounds and sums as in a cluster of one.
    ///
    /// - Throws: `TrainingError.diverged`, or whatever kept a shard from being computed.
    @discardableResult
    public func runStep() throws -> StepOutcome {
        beginRound(exponents: nil)
        var (recomputed, seconds) = (false, 0.0)
        if gathersRows {
            let start = ContinuousClock.now
            try adoptRows([try rows(of: Array(0..<logicalShards))])
            seconds += (ContinuousClock.now - start) / .seconds(1)
        }
        while true {
            try add(shards: Array(0..<logicalShards)) { _ in }
            seconds += computeSeconds
            reducedSums.copyMemory(from: UnsafeRawBufferPointer(localSums))
            switch try conclude(summaries: [try summary(rank: 0, worldSize: 1)]) {
            case .whole:
                return StepOutcome(
                    report: try apply(), recomputed: recomputed, computeSeconds: seconds)
            case .recompute(let exponents):
                recomputed = true
                beginRound(exponents: exponents)
            case .diverged(let message):
                throw TrainingError.diverged(message)
            }
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
        case .tooFewClasses(let found, let windows):
            "the method needs labelled records of two classes or more, at least two of each, and "
                + (found.isEmpty ? "none" : "only \(found.joined(separator: ", "))")
                + " is among the \(windows) training windows; prepare a source with labels, such as "
                + "PTB-XL with its ptbxl_database.csv and scp_statements.csv"
        }
    }
}
