import Foundation
import Runtime

/// The one writer of a run's metrics: `metrics.jsonl` and TensorBoard's event files.
public final class MetricsLog: Sendable {
    /// What was done about lines of `metrics.jsonl` that were damaged, a sentence each.
    public let mendings: [String]
    private let lines: AppendedFile
    private let tensorBoard: TensorBoardFile

    /// Opens the metrics of a run, to go on after a step; damaged lines are set aside.
    ///
    /// - Parameters:
    ///   - directory: The run, whose folders exist.
    ///   - step: Finished steps of the state that the run goes on from; lines of later steps are
    ///     cut, for they come again, and so is a validation of that very state.
    /// - Throws: `RunError.system`.
    public init(_ directory: RunDirectory, after step: Int) throws(RunError) {
        (mendings, lines, tensorBoard) = try asRunError { () throws(SystemError) in
            var rule = MetricsRule()
            let mendings = try JSONLines.mend(
                directory.metricsPath, in: directory.files, check: { rule.problem($0, line: $1) },
                keeping: { line in
                    let isStep = line["loss"] != nil
                    return line["step"]?.integerValue.map { $0 < step || $0 == step && isStep }
                        ?? false
                }, doubting: { MetricsRule.misplaced($0, after: step) })
            return (
                mendings, try AppendedFile(path: directory.metricsPath, in: directory.files),
                try TensorBoardFile(
                    folder: directory.tensorBoardPath, in: directory.files, firstStep: step + 1)
            )
        }
    }

    /// Adds a step.
    public func append(_ metrics: StepMetrics) throws(RunError) {
        let seconds = metrics.seconds
        try append(
            metrics.json, step: metrics.step,
            scalars: [
                ("loss", metrics.loss), ("learning_rate", metrics.learningRate),
                ("samples_per_second", metrics.samplesPerSecond),
                ("world_size", Double(metrics.worldSize)),
                ("recomputed", metrics.recomputed ? 1 : 0),
                ("seconds/compute", seconds.compute), ("seconds/wait", seconds.wait),
                ("seconds/exchange", seconds.exchange), ("seconds/update", seconds.update),
            ] + Self.scalars(metrics.details))
    }

    /// Adds a validation loss.
    public func append(_ metrics: ValidationMetrics) throws(RunError) {
        try append(
            metrics.json, step: metrics.step,
            scalars: [("validation_loss", metrics.loss)] + Self.scalars(metrics.details))
    }

    /// Why lines wait in memory for room on the disk, while any do.
    public var obstacle: RunError? {
        (lines.obstacle ?? tensorBoard.obstacle).map { .system($0) }
    }

    /// Writes what waits for room, and makes all that was added survive a power cut.
    public func synchronise() throws(RunError) {
        try asRunError { () throws(SystemError) in
            try lines.synchronise()
            try tensorBoard.synchronise()
        }
    }

    private func append(
        _ line: JSONValue, step: Int, scalars: [(String, Double)]
    ) throws(RunError) {
        try asRunError { () throws(SystemError) in
            try lines.append(Array((line.text() + "\n").utf8))
            try tensorBoard.append(step: step, scalars: scalars.filter { $0.1.isFinite })
        }
    }

    private static func scalars(_ details: [String: JSONValue]) -> [(String, Double)] {
        details.sorted { $0.key < $1.key }.flatMap { key, value in
            if let members = value.objectValue {
                return scalars(members).map { ("\(key)/\($0)", $1) }
            }
            return value.doubleValue.map { [(key, $0)] } ?? []
        }
    }
}
