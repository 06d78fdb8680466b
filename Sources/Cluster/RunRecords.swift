import Checkpoints
import Configurations
import Foundation
import Runs
import Runtime

/// The files of a run that the coordinator alone writes: metrics, events, and the record of the run.
final class RunRecords: Sendable {
    private let options: CoordinatorOptions
    /// What was done about damaged lines and records when the files were opened, a sentence each.
    let mendings: [String]
    private let events: EventLog
    private let metrics: Locked<MetricsLog>

    /// Opens the files to go on after a step; what was done about the journal is noted with them.
    init(
        _ options: CoordinatorOptions, committed: UInt64, mendings journal: [String]
    ) throws(RunError) {
        self.options = options
        events = try EventLog(options.directory)
        let log = try MetricsLog(options.directory, after: Int(committed))
        metrics = Locked(log)
        mendings = journal + events.mendings + log.mendings
        for mending in mendings { try events.append(.fault, mending) }
    }

    /// Steps whose metrics are written.
    var lastStep: UInt64 {
        get throws(RunError) {
            UInt64(try options.directory.lastMetrics().training?["step"]?.integerValue ?? 0)
        }
    }

    /// Writes the metrics of a step.
    ///
    /// - Parameters:
    ///   - report: What a worker said of it.
    ///   - step: How it was made; `nil` where a former coordinator committed it.
    /// - Returns: The line.
    /// - Throws: `RunError.system`.
    func append(_ report: StepReport, _ step: CommittedStep?) throws(RunError) -> StepMetrics {
        let timings = step?.timings
        let seconds = StepMetrics.Seconds(
            compute: timings?.compute ?? .nan, wait: timings?.wait ?? .nan,
            exchange: timings?.exchange ?? .nan, update: report.updateSeconds)
        let batch = Double(options.record.configuration.batchSize)
        let line = StepMetrics(
            step: Int(report.step), report: report.report,
            samplesPerSecond: step.map { batch / $0.seconds } ?? .nan,
            worldSize: step?.worldSize ?? 0, recomputed: step?.recomputed ?? false,
            seconds: seconds)
        try metrics.withLock { log throws(RunError) in
            try log.append(line)
            if let validation = ValidationMetrics(step: line.step, report: report.report) {
                try log.append(validation)
            }
        }
        return line
    }

    /// Why metrics wait in memory for room on the disk, while any do.
    var obstacle: RunError? { metrics.withLock { $0.obstacle } }

    /// Writes what was computed after the last step.
    func append(closing report: JSONValue) throws(RunError) {
        let step = options.record.configuration.steps
        guard let validation = ValidationMetrics(step: step, report: report) else { return }
        try metrics.withLock { log throws(RunError) in try log.append(validation) }
    }

    /// Cuts the metrics of steps that are done again.
    ///
    /// - Returns: What was done about damaged lines.
    func rewind(to step: UInt64) throws(RunError) -> [String] {
        let log = try MetricsLog(options.directory, after: Int(step))
        metrics.withLock { $0 = log }
        for mending in log.mendings { try events.append(.fault, mending) }
        return log.mendings
    }

    func append(_ event: RunEvent) throws(RunError) {
        let kinds: [RunEvent.Kind: EventLog.Kind] = [
            .started: .start, .joined: .join, .left: .leave, .lost: .fault, .generation: .recovery,
            .paused: .fault, .rewind: .resume, .resumed: .resume, .checkpoint: .checkpoint,
            .warning: .fault, .ended: .end,
        ]
        // Notices are for the console alone.
        guard let kind = kinds[event.kind] else { return }
        try events.append(kind, event.message, event.details)
    }

    /// Notes the data set in the run's record, once the first worker has said which it is.
    func note(dataset: Digest?) throws(RunError) {
        let record = options.record
        try options.directory.write(
            RunRecord(
                id: record.id, configuration: record.configuration, version: record.version,
                dataPath: record.dataPath, dataDigest: dataset))
    }

    /// What a checkpoint's manifest says beside its tensors; `nil` before a worker was admitted.
    func context(_ name: CheckpointName, _ admission: Admission) -> CheckpointContext? {
        guard let dataset = admission.datasetDigest,
            let configurationDigest = admission.configurationDigest
        else { return nil }
        let configuration = options.record.configuration
        return CheckpointContext(
            step: name.step, cursor: name.step * UInt64(configuration.batchSize),
            configuration: configuration.resolved, configurationDigest: configurationDigest,
            dataDigest: dataset, software: Software.version,
            matrixLibrary: admission.matrixLibrary, matrixKernel: admission.kernel ?? "",
            run: "\(options.record.id)")
    }

    /// Makes what was written survive a power cut, as far as the disk lets it.
    func synchronise() {
        // A disk that fails shows at the next append.
        try? metrics.withLock { log throws(RunError) in try log.synchronise() }
        try? events.synchronise()
    }
}
