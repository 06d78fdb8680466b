import CommandLineInterface
import Configurations
import Diagnosis
import Runs
import Runtime
import Training

/// A run that is trained in this process, with a line that says how far it is.
public struct SingleProcessTraining {
    private let directory: RunDirectory
    private let configuration: Configuration?
    private let data: FilePath?
    private let threads: Int

    /// A run of which nothing is done yet.
    ///
    /// - Parameters:
    ///   - directory: The run's folder.
    ///   - configuration: What to train; `nil` goes on with what is written there.
    ///   - data: The prepared data set; `nil` for the one that is written there.
    ///   - threads: Compute threads.
    public init(
        of directory: RunDirectory, configuration: Configuration?, data: FilePath?, threads: Int
    ) {
        (self.directory, self.configuration) = (directory, configuration)
        (self.data, self.threads) = (data, threads)
    }

    /// Begins or goes on with the run, and shows how it gets on.
    ///
    /// - Parameters:
    ///   - stopStep: The step to stop after; `nil` for the configuration's.
    ///   - fresh: Whether a folder with anything in it is refused.
    /// - Returns: How the program is to end.
    /// - Throws: Whatever keeps the run from beginning or going on.
    public func run(stopAfter stopStep: Int?, fresh: Bool = false) throws -> ExitCode {
        let request = try StopRequest.install()
        let planned = try configuration ?? directory.read().configuration
        if configuration == nil { planned.pinMatrixKernel() }
        try MemoryEstimate.requireRoom(for: planned, threads: threads)
        let progress = ProgressLine()
        let begun = ContinuousClock.now
        var first: Int?
        let target = Locked((final: 0, batch: 0, operations: 0.0))
        let training = try SingleProcessRun(
            directory: directory, configuration: configuration, dataPath: data, fresh: fresh,
            threads: threads,
            observer: SingleProcessRun.Observer(
                note: { progress.log($0) }, warning: { progress.log("warning: \($0)") },
                step: { metrics in
                    let start = first ?? metrics.step - 1
                    first = start
                    let (final, batch, operations) = target.withLock { $0 }
                    let seconds = (ContinuousClock.now - begun) / .seconds(1)
                    let rate = Double((metrics.step - start) * batch) / seconds
                    progress.update(
                        TrainingProgress(
                            step: metrics.step, finalStep: final, batchSize: batch,
                            loss: metrics.loss, samplesPerSecond: rate,
                            gflopsPerSecond: rate * operations / 1e9
                        ).text)
                }))
        let replica = training.replica
        let final = min(stopStep ?? replica.configuration.steps, replica.configuration.steps)
        target.withLock {
            $0 = (final, replica.configuration.batchSize, replica.operationsPerSample)
        }
        let ending = try training.run(stopAfter: stopStep.map(UInt64.init)) { request.isMade }
        progress.finish()
        switch ending {
        case .finished, .stopped:
            Log().info(
                "\(ending) at step \(replica.step); look at it with: purkinje status \(directory.path.shellWord)"
            )
            return .success
        case .interrupted:
            Log().info("saved at step \(replica.step); go on with the same command")
            return .interrupted
        }
    }
}
