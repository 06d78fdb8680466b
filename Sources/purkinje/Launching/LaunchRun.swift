import Checkpoints
import CommandLineInterface
import Configurations
import Diagnosis
import Foundation
import Launching
import Runs
import Runtime

/// Starts a coordinator and workers, shows how the run goes, and returns when it ends.
///
/// - Parameters:
///   - settings: How many processes, and where.
///   - configuration: For progress and the estimate of memory; the coordinator reads its own.
///   - directory: The run.
///   - fresh: Whether a directory with anything in it is refused.
///   - data: The prepared data set; `nil` for the one that the run directory names.
///   - coordinatorArguments: What the coordinator gets beside the usual.
/// - Returns: The exit code of the run.
/// - Throws: `CommandError` and others for what can be seen before anything is started.
func launch(
    _ settings: LaunchSettings, configuration: Configuration, directory: RunDirectory,
    fresh: Bool = false, data: FilePath?, coordinatorArguments: [String]
) throws -> ExitCode {
    if let data, !data.permits(R_OK) {
        throw CommandError(.failure, "--data: \(data): \(String(cString: strerror(errno)))")
    }
    let programs = try programFolder()
    // Looked at once and here: a coordinator that is started again finds its own files.
    try directory.create(fresh: fresh)
    // So that a run that somebody works on is one clear refusal; the coordinator holds the lock later.
    _ = try RunLock(directory)
    let progress = LaunchProgress(configuration, settings: settings, directory: directory)
    let worker = WorkerArguments(run: directory.path, data: data)
    var coordinator = settings.coordinatorArguments(run: directory.path, data: data)
    coordinator += coordinatorArguments
    // Frozen processes of this machine are seen here; those of other machines by the coordinator alone.
    let watched = [
        "--until-input-ends", "--signs-of-life",
        durationText(max(settings.failureTimeout / 8, .milliseconds(1))),
    ]
    var workers: [Launch.Program]
    if settings.hosts.isEmpty {
        warnOfMemory(settings, configuration)
        workers = (1...settings.workers).map { number in
            Launch.Program(
                .worker(number), executable: programs.appending("purkinje-worker"),
                arguments: worker.list(threads: settings.threadsHere) + watched,
                followsInput: true, showsLife: true)
        }
    } else {
        let remote = try RemoteWorkers(
            settings, directory: directory, data: data, programs: programs)
        coordinator += ["--bind", "0.0.0.0", "--advertise", remote.address, "--insecure"]
        workers = remote.programs
    }
    workers.insert(
        Launch.Program(
            .coordinator, executable: programs.appending("purkinje-coordinator"),
            arguments: coordinator + watched, followsInput: true, showsLife: true),
        at: 0)

    var policy = Supervision.Policy()
    policy.failureTimeout = settings.failureTimeout
    let launch = Launch(programs: workers, policy: policy) { line in progress.log(line) }
    let stop = try StopRequest.install(
        onFirst: { name in
            progress.log("launch: \(name): the step is finished and saved; \(SignalRule.hint)")
        },
        beforeExit: { launch.killAll() })
    guard !stop.isMade else { return .interrupted }
    stop.onRequest { launch.requestStop() }
    var ending: ExitCode?
    defer { stop.settle(nil) }
    let code = try launch.run(
        settled: { code in
            let final = progress.ending(ExitCode(rawValue: code) ?? .failure)
            ending = final
            stop.settle(final)
        }, hasStepped: { progress.look() })
    progress.finish()
    // Processes that could not even be killed leave it unsettled.
    return ending ?? ExitCode(rawValue: code) ?? .failure
}

/// What every worker is told.
struct WorkerArguments {
    let run: FilePath
    let data: FilePath?

    func list(threads: Int) -> [String] {
        ["--run", run.text] + (data.map { ["--data", $0.text] } ?? []) + [
            "--threads", "\(threads)",
        ]
    }
}

/// The folder in which this program and its sisters are.
func programFolder() throws -> FilePath {
    let folder = try FilePath("/proc/self/exe").linkTarget().parent
    for program in ["purkinje-coordinator", "purkinje-worker"].map({ folder.appending($0) }) {
        guard program.permits(X_OK) else {
            throw CommandError(
                .failure,
                "\(program) is not there; build all products, and keep them together")
        }
    }
    return folder
}

private func warnOfMemory(_ settings: LaunchSettings, _ configuration: Configuration) {
    let estimate = MemoryEstimate(
        configuration, threads: settings.threadsHere, workers: settings.workers)
    let finding = Memory().finding(
        neededBytes: settings.workers * estimate.bytes,
        for: settings.workers == 1 ? "a worker" : "\(settings.workers) workers")
    guard finding.verdict > .good else { return }
    Log(prefix: "launch").warning("memory: \(finding.text); \(finding.remedy ?? "")")
}

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
        let finalStep = min(settings.steps ?? .max, configuration.steps)
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
        let store = CheckpointStore(path: directory.checkpointsPath)
        let newest = (try? store.list())?.first
        let saved = Int(newest?.step ?? 0)
        let made = state.withLock { $0.highestStep }
        guard made > saved else { return code }
        line.log(
            "launch: error: the steps \(saved + 1) to \(made) had been made and could not be saved; "
                + (newest.map { "the newest checkpoint is \($0)" } ?? "there is no checkpoint")
                + ", and they are computed again when the run goes on")
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
