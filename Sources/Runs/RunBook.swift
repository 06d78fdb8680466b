import Checkpoints
import Configurations
import Foundation
import Runtime

/// What is written of a run while it goes on: its metrics, its events, and what its checkpoints say beside their tensors.
///
/// A run has one writer at a time, the process that trains alone or the coordinator, and both keep this book.
public final class RunBook: Sendable {
    /// How a step was made.
    public struct Making: Sendable, Equatable {
        /// Wall time of the step.
        public var seconds: Double
        /// Processes that took part.
        public var worldSize: Int
        /// Whether it was computed again with the true exponents.
        public var recomputed: Bool
        /// Seconds of forward and backward passes.
        public var compute: Double
        /// Seconds of waiting for others.
        public var wait: Double
        /// Seconds of the exchange that were not hidden behind compute.
        public var exchange: Double

        /// A making by its parts.
        public init(
            seconds: Double, worldSize: Int, recomputed: Bool, compute: Double, wait: Double,
            exchange: Double
        ) {
            self.seconds = seconds
            self.worldSize = worldSize
            self.recomputed = recomputed
            self.compute = compute
            self.wait = wait
            self.exchange = exchange
        }
    }

    /// What was done about damage when the run's files were opened, a sentence each.
    public let mendings: [String]
    private let directory: RunDirectory
    private let record: RunRecord
    private let events: EventLog
    private let metrics: Locked<MetricsLog>
    private let room = RoomWatch()

    /// Opens the files to go on after a step.
    ///
    /// - Parameters:
    ///   - directory: The run's folder, whose own folders exist.
    ///   - record: What the folder says of the run.
    ///   - step: Finished steps of the state that the run goes on from.
    ///   - mendings: What was done about damage in other files of the run.
    /// - Throws: `RunError.system`.
    public init(
        _ directory: RunDirectory, record: RunRecord, after step: UInt64, mendings: [String] = []
    ) throws(RunError) {
        self.directory = directory
        self.record = record
        events = try EventLog(directory)
        let log = try MetricsLog(directory, after: Int(step))
        metrics = Locked(log)
        self.mendings = mendings + events.mendings + log.mendings
        for mending in self.mendings { try events.append(.fault, mending) }
    }

    // MARK: Metrics

    /// Finished steps whose metrics are written.
    public var lastStep: UInt64 {
        get throws(RunError) {
            UInt64(try directory.lastMetrics().training?["step"]?.integerValue ?? 0)
        }
    }

    /// Writes a step.
    ///
    /// - Parameters:
    ///   - step: Finished steps, this one included.
    ///   - report: What its replica said of it.
    ///   - updateSeconds: Seconds of the update.
    ///   - making: How it was made; `nil` where nobody knows any more.
    /// - Returns: The line.
    /// - Throws: `RunError.system`.
    public func append(
        step: UInt64, report: JSONValue, updateSeconds: Double, making: Making?
    ) throws(RunError) -> StepMetrics {
        let batch = Double(record.configuration.batchSize)
        let line = StepMetrics(
            step: Int(step), report: report,
            samplesPerSecond: making.map { batch / $0.seconds } ?? .nan,
            worldSize: making?.worldSize ?? 0, recomputed: making?.recomputed ?? false,
            seconds: StepMetrics.Seconds(
                compute: making?.compute ?? .nan, wait: making?.wait ?? .nan,
                exchange: making?.exchange ?? .nan, update: updateSeconds))
        // A step measures the state that it begins from, before it moves it.
        let validation = ValidationMetrics(step: line.step - 1, report: report)
        try metrics.withLock { log throws(RunError) in
            try log.append(line)
            if let validation { try log.append(validation) }
        }
        if line.recomputed {
            try events.append(
                .recomputed, "step \(step) was computed again with the true exponents",
                ["step": .integer(Int64(step))])
        }
        return line
    }

    /// Writes what was computed after the last step.
    ///
    /// - Returns: The line; `nil` where the report has no validation.
    /// - Throws: `RunError.system`.
    @discardableResult
    public func append(closing report: JSONValue) throws(RunError) -> ValidationMetrics? {
        let step = record.configuration.steps
        guard let validation = ValidationMetrics(step: step, report: report) else { return nil }
        try metrics.withLock { log throws(RunError) in try log.append(validation) }
        return validation
    }

    /// Whether lines of the metrics have begun to wait for room on the disk, or wait no longer, since the last call.
    public func roomNews() -> RoomNews? {
        room.news(metrics.withLock { $0.obstacle })
    }

    /// Cuts the metrics of steps that are done again.
    ///
    /// - Returns: What was done about damaged lines.
    /// - Throws: `RunError.system`.
    public func rewind(to step: UInt64) throws(RunError) -> [String] {
        let log = try MetricsLog(directory, after: Int(step))
        metrics.withLock { $0 = log }
        for mending in log.mendings { try events.append(.fault, mending) }
        return log.mendings
    }

    // MARK: Events

    /// Writes an event.
    ///
    /// - Throws: `RunError.system`.
    public func append(
        _ kind: EventLog.Kind, _ message: String, _ details: [String: JSONValue] = [:]
    ) throws(RunError) {
        try events.append(kind, message, details)
    }

    // MARK: The run

    /// Notes the data set in the run's record, once it is known.
    ///
    /// - Throws: `RunError.system`.
    public func note(dataset: Digest?) throws(RunError) {
        try directory.write(
            RunRecord(
                id: record.id, configuration: record.configuration, version: record.version,
                dataPath: record.dataPath, dataDigest: dataset))
    }

    /// What a checkpoint's manifest says beside its tensors.
    ///
    /// - Parameters:
    ///   - step: Finished steps of the state.
    ///   - dataset: Content of the data set.
    ///   - matrixLibrary: The matrix library and its version.
    ///   - matrixKernel: The kernel that it chose for the processor.
    /// - Returns: The context of the state of that step.
    public func checkpointContext(
        step: UInt64, dataset: Digest, matrixLibrary: String, matrixKernel: String
    ) -> CheckpointContext {
        let configuration = record.configuration
        return CheckpointContext(
            step: step, cursor: step * UInt64(configuration.batchSize),
            configuration: configuration.resolved,
            configurationDigest: configuration.digest(dataset: dataset), dataDigest: dataset,
            software: Software.version, matrixLibrary: matrixLibrary, matrixKernel: matrixKernel,
            run: "\(record.id)")
    }

    /// Makes what was written survive a power cut.
    ///
    /// - Throws: `RunError.system` of a file that fails, after both were tried; of one that lacks room only where the
    ///   other does not fail in a worse way.
    public func synchronise() throws(RunError) {
        var errors: [RunError] = []
        do throws(RunError) {
            try metrics.withLock { log throws(RunError) in try log.synchronise() }
        } catch {
            errors.append(error)
        }
        do throws(RunError) {
            try events.synchronise()
        } catch {
            errors.append(error)
        }
        if let error = errors.first(where: { !$0.isWantOfRoom }) ?? errors.first { throw error }
    }
}
