import Checkpoints
import CommandLineInterface
import Configurations
import Launching
import Runs
import Runtime

/// What is shown while a run goes on: its metrics as one line, its processes' lines above.
final class LaunchProgress: Sendable {
    private struct State {
        var metrics: LineFollower
        var progress: TrainingProgress
        var hasStepped = false
        /// The last step that was made since the launch, whether it was lost afterwards or not.
        var highestStep = 0
        var isRecorded = false
    }

    private let line = ProgressLine()
    private let directory: RunDirectory
    private let record: LaunchRecord
    private let state: Locked<State>

    init(_ configuration: Configuration, settings: LaunchSettings, directory: RunDirectory) {
        self.directory = directory
        record = LaunchRecord(workers: settings.workers, threads: settings.threads)
        let finalStep = min(settings.coordinator.stopStep ?? .max, configuration.steps)
        state = Locked(
            State(
                metrics: LineFollower(path: directory.metricsPath, fromEnd: true),
                progress: TrainingProgress(
                    step: 0, finalStep: finalStep, batchSize: configuration.batchSize)))
    }

    func log(_ text: String) { line.log(text) }

    func finish() {
        _ = look()
        line.finish()
    }

    /// What the launch exits with when its run has ended: a run is not called saved while steps that it made are not.
    ///
    /// The coordinator that ended it may be another one than that which lost them.
    func ending(_ code: ExitCode) -> ExitCode {
        _ = look()
        guard code != .success else { return code }
        let newest = (try? directory.checkpoints.list())?.first
        let saved = Int(newest?.step ?? 0)
        let made = state.withLock { $0.highestStep }
        guard made > saved else { return code }
        line.log(
            "launch: error: "
                + (made == saved + 1
                    ? "the step \(made) had been made"
                    : "the steps \(saved + 1) to \(made) had been made")
                + " and could not be saved; "
                + (newest.map { "the newest checkpoint is \($0)" } ?? "there is no checkpoint")
                + ", and what is not saved is computed again when the run goes on")
        return code == .interrupted ? .failure : code
    }

    /// Shows the newest step.
    ///
    /// - Returns: Whether there was a step since the launch.
    func look() -> Bool {
        state.withLock { state in
            for text in state.metrics.newLines() {
                guard let value = try? JSONValue(parsing: text.utf8) else { continue }
                if let loss = value["validation_loss"]?.doubleValue {
                    let step = value["step"]?.integerValue ?? 0
                    line.log("validation: step \(step)  loss \(decimals(loss, 4))")
                }
                guard value["loss"] != nil, let step = value["step"]?.integerValue else { continue }
                state.hasStepped = true
                state.highestStep = max(state.highestStep, Int(step))
                state.progress.step = step
                state.progress.loss = value["loss"]?.doubleValue
                state.progress.samplesPerSecond = value["samples_per_second"]?.doubleValue
                state.progress.gflopsPerSecond = value["gflops_per_second"]?.doubleValue
                state.progress.workers = value["world_size"]?.integerValue
                line.update(state.progress.text)
            }
            if state.hasStepped && !state.isRecorded {
                // Lost, it only makes a later resume ask for the number of workers.
                do { try record.write(to: directory) } catch {
                    line.log("launch: warning: \(error)")
                }
                state.isRecorded = true
            }
            return state.hasStepped
        }
    }
}
