import Checkpoints
import CommandLineInterface
import Foundation
import Runs
import Runtime

/// What the files of a run say about it.
public struct RunStatus: CommandResult {
    private let directory: RunDirectory
    private let record: RunRecord
    private let metrics: (training: JSONValue?, validation: JSONValue?)
    private let events: [JSONValue]
    private let damagedLines: [DamagedLine]
    private let checkpoint: CheckpointName?
    private let coordinator: CoordinatorAddress?
    private let metricsAge: Double?

    /// Reads the files of a run, and asks nobody.
    ///
    /// - Parameters:
    ///   - directory: The run.
    ///   - eventCount: How many of the last events to show.
    ///   - bytes: How far to look back for damaged lines; `nil` looks at all.
    /// - Throws: Where there is no run.
    public init(_ directory: RunDirectory, eventCount: Int, lookingBack bytes: Int?) throws {
        self.directory = directory
        record = try directory.read()
        metrics = try directory.lastMetrics()
        let events = try directory.lastEvents(max(eventCount, 1))
        hasEnded = events.last?["event"]?.stringValue == EventLog.Kind.end.rawValue
        self.events = Array(events.suffix(eventCount))
        damagedLines = directory.damagedLines(last: bytes)
        checkpoint = try directory.checkpoints.list().first
        coordinator = try CoordinatorAddress.read(from: directory)
        metricsAge = (try? directory.files.status(of: directory.metricsPath)).map { status in
            Date().timeIntervalSince1970 - Double(status.modifiedNanoseconds) / 1e9
        }
    }

    /// Whether the last thing that happened is the end.
    public let hasEnded: Bool

    private var step: Int { metrics.training?["step"]?.integerValue ?? 0 }

    /// All of it.
    public var json: JSONValue {
        [
            "run": .string(record.id.description),
            "method": .string(record.configuration.method.name),
            "step": .integer(Int64(step)), "steps": .integer(Int64(record.configuration.steps)),
            "ended": .boolean(hasEnded), "metrics": metrics.training ?? .null,
            "validation": metrics.validation ?? .null,
            "metrics_age_seconds": metricsAge.map { .number($0) } ?? .null,
            "last_checkpoint": checkpoint.map { .string($0.description) } ?? .null,
            "last_checkpoint_step": checkpoint.map { .integer(Int64($0.step)) } ?? .null,
            "coordinator": coordinator.map { address in
                [
                    "host": .string(address.host), "port": .integer(Int64(address.port)),
                    "term": .integer(Int64(address.term)),
                    "pid": .integer(Int64(address.processID)),
                ]
            } ?? .null,
            "events": .array(events),
            "damaged_lines": .array(damagedLines.map { .string($0.description) }),
        ]
    }

    /// How codes are used, where the method has any.
    private var codebookLine: String? {
        guard let batch = metrics.training?["codebook"] else { return nil }
        func use(_ codes: JSONValue) -> String {
            guard let active = codes["active"]?.integerValue,
                let perplexity = codes["perplexity"]?.doubleValue
            else { return "not started yet" }
            let all = codes["codes"]?.integerValue.map { " of \($0)" } ?? ""
            let error = codes["quantisation_error"]?.doubleValue
            return "\(active)\(all) active, perplexity \(decimals(perplexity, 1))"
                + (error.map { ", distance \(decimals($0, 3))" } ?? "")
        }
        let restarts = batch["restarts"]?.integerValue ?? 0
        return "codebook: batch \(use(batch)), \(restarts) restarted"
            + (metrics.validation?["validation_codebook"].map { "; validation \(use($0))" } ?? "")
    }

    /// The same in lines.
    public var text: String {
        let configuration = record.configuration
        let training = metrics.training
        let progress = TrainingProgress(
            step: step, finalStep: configuration.steps, batchSize: configuration.batchSize,
            loss: training?["loss"]?.doubleValue,
            samplesPerSecond: training?["samples_per_second"]?.doubleValue,
            gflopsPerSecond: training?["gflops_per_second"]?.doubleValue,
            workers: training?["world_size"]?.integerValue)
        var lines = [
            "\(directory.path): \(configuration.method.name), run \(record.id)",
            progress.text + (metricsAge.map { "  (\(roughTime($0)) ago)" } ?? ""),
        ]
        if let validation = metrics.validation,
            let loss = validation["validation_loss"]?.doubleValue
        {
            let step = validation["step"]?.integerValue ?? 0
            lines.append("validation: loss \(decimals(loss, 4)) at step \(step)")
        }
        lines += [codebookLine].compactMap { $0 }
        lines.append("last checkpoint: \(checkpoint.map(\.description) ?? "none yet")")
        if hasEnded {
            lines.append("the run has ended")
        } else if let coordinator {
            lines.append(
                "coordinator: \(coordinator.host) port \(coordinator.port), term \(coordinator.term), "
                    + "process \(coordinator.processID)")
        } else {
            lines.append("no coordinator is noted: one process, or nobody works on it")
        }
        if !events.isEmpty { lines.append("last events:") }
        for event in events {
            let time = event["time"]?.stringValue ?? ""
            let kind = event["event"]?.stringValue ?? ""
            lines.append("  \(time)  \(kind): \(event["message"]?.stringValue ?? "")")
        }
        for line in damagedLines.prefix(5) {
            lines.append("\(line); passed over, and set aside when the run goes on")
        }
        if damagedLines.count > 5 {
            lines.append("and \(damagedLines.count - 5) more damaged lines")
        }
        return lines.joined(separator: "\n")
    }
}
