import CommandLineInterface
import Configurations
import Diagnosis
import Foundation
import Launching
import Runs
import Runtime

/// A coordinator and workers of one run, started from here.
public struct LaunchRun {
    private let settings: LaunchSettings
    private let configuration: Configuration
    private let directory: RunDirectory
    private let data: FilePath?

    /// A launch of which nothing is started yet.
    ///
    /// - Parameters:
    ///   - settings: How many processes, and where; the coordinator reads the configuration that they name.
    ///   - configuration: For progress and the estimate of memory.
    ///   - directory: The run.
    ///   - data: The prepared data set; `nil` for the one that the run directory names.
    public init(
        _ settings: LaunchSettings, configuration: Configuration, directory: RunDirectory,
        data: FilePath?
    ) {
        (self.settings, self.configuration) = (settings, configuration)
        (self.directory, self.data) = (directory, data)
    }

    /// Starts all, shows how the run goes, and returns when it ends.
    ///
    /// - Parameter fresh: Whether a directory with anything in it is refused.
    /// - Returns: The exit code of the run.
    /// - Throws: `CommandError` and others for what can be seen before anything is started.
    public func run(fresh: Bool = false) throws -> ExitCode {
        if let data, !data.permits(R_OK) {
            throw CommandError(
                .failure,
                "--data \(data): \(String(cString: strerror(errno))); check the path; `purkinje data prepare` "
                    + "writes such a file")
        }
        if settings.hosts.isEmpty {
            try MemoryEstimate.requireRoom(
                for: configuration, threads: settings.threadsHere, workers: settings.workers)
        }
        let folder = try LaunchPlan.programFolder()
        // Looked at once and here: a coordinator that is started again finds its own files.
        try directory.create(fresh: fresh)
        // So that a run that somebody works on is one clear refusal; the coordinator holds the lock later.
        _ = try RunLock(directory)
        let progress = LaunchProgress(configuration, settings: settings, directory: directory)
        let programs = try programs(in: folder)
        var policy = Supervision.Policy()
        policy.failureTimeout = settings.coordinator.failureTimeout
        let launch = Launch(programs: programs, policy: policy) { line in progress.log(line) }
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

    /// The coordinator and its workers.
    private func programs(in folder: FilePath) throws -> [Launch.Program] {
        var plan = LaunchPlan(settings, data: data, programs: folder)
        guard !settings.hosts.isEmpty else {
            warnOfMemory()
            return [plan.coordinatorProgram] + plan.workersHere(threads: settings.threadsHere)
        }
        let remote = try RemoteWorkers(
            settings, directory: directory, data: data, programs: folder)
        plan.listen(as: remote.address)
        return [plan.coordinatorProgram] + remote.programs
    }

    private func warnOfMemory() {
        let estimate = MemoryEstimate(
            configuration, threads: settings.threadsHere, workers: settings.workers)
        let finding = Memory().finding(
            neededBytes: settings.workers * estimate.bytes,
            for: settings.workers == 1 ? "a worker" : "\(settings.workers) workers")
        guard finding.verdict > .good else { return }
        Log(prefix: "launch").warning("memory: \(finding.text); \(finding.remedy ?? "")")
    }
}
