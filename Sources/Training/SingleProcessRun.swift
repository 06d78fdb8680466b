import Checkpoints
import Cluster
import Collectives
import Configurations
import Electrocardiography
import Foundation
import LinearAlgebra
import Runs
import Runtime

/// A run in one process, without a network: the single-node debug mode, to the same bits as any cluster.
///
/// It goes on from the newest whole checkpoint of its directory, saves in the background, and stops between two steps.
public final class SingleProcessRun {
    /// How a run ended.
    public enum Ending: Sendable, Equatable {
        /// All steps of the configuration are done.
        case finished
        /// The step at which it was to stop is done.
        case stopped
        /// Somebody asked for it.
        case interrupted
    }

    /// What a run tells while it works.
    public struct Observer {
        /// A sentence for the user's log.
        public var note: (String) -> Void
        /// Something that needs attention although the run goes on.
        public var warning: (String) -> Void
        /// A finished step.
        public var step: (StepMetrics) -> Void

        /// An observer of three kinds of news.
        public init(
            note: @escaping (String) -> Void, warning: @escaping (String) -> Void,
            step: @escaping (StepMetrics) -> Void
        ) {
            self.note = note
            self.warning = warning
            self.step = step
        }
    }

    /// The trainer.
    public let replica: TrainingReplica
    private let directory: RunDirectory
    private let record: RunRecord
    private let dataset: PreparedDataset
    private let lock: RunLock
    private let store: CheckpointStore
    private let writer: BackgroundCheckpointWriter
    private let saving = Locked<Result<SavedCheckpoint, CheckpointError>?>(nil)
    private let observer: Observer
    private let book: RunBook
    private let runner: StepRunner
    private let exchange = SingleProcessExchange()
    private let clock: any MonotonicClock
    private let term: UInt64
    private var lastSaved: UInt64?
    /// Checkpoints that were found damaged when the run was opened.
    private let passedOver: Set<CheckpointName>

    /// Opens a run, and loads its newest whole checkpoint where there is one.
    ///
    /// - Parameters:
    ///   - directory: The run's folder.
    ///   - configuration: What to train; `nil` goes on with what is written there.
    ///   - dataPath: The prepared data set; `nil` for the one that is written there.
    ///   - fresh: Whether a folder with anything in it is refused.
    ///   - threads: Compute threads.
    ///   - observer: Told what happens.
    ///   - clock: What steps are timed by.
    /// - Throws: `RunError`, `CheckpointError`, `PreparedDatasetError` and `TrainingError`.
    public init(
        directory: RunDirectory, configuration: Configuration?, dataPath: FilePath?, fresh: Bool,
        threads: Int, observer: Observer, clock: any MonotonicClock = SystemClock()
    ) throws {
        let path = try dataPath ?? directory.read().dataPath
        guard let path else { throw TrainingError.dataPathUnknown(run: directory.path) }
        dataset = try PreparedDataset(path: path)
        try directory.create(fresh: fresh)
        lock = try RunLock(directory)
        record = try directory.open(
            configuration: configuration, dataPath: path,
            dataDigest: dataset.digest)
        self.directory = directory
        self.observer = observer
        self.clock = clock
        replica = try TrainingReplica(
            configuration: record.configuration, dataset: dataset, threads: threads)
        if let note = replica.cropNote { observer.note(note) }
        runner = StepRunner(replica, clock: clock)
        store = directory.checkpoints
        writer = try BackgroundCheckpointWriter()
        writer.prepare(for: replica.state)
        term = (try store.list().map(\.term).max() ?? 0) + 1
        (lastSaved, passedOver) = try Self.load(
            store, into: replica, record: record, dataset: dataset, observer)
        book = try RunBook(directory, record: record, after: replica.step)
        for mending in book.mendings { observer.warning(mending) }
        try book.append(
            lastSaved == nil ? .start : .resume,
            "one process, \(threads) threads, from step \(replica.step)",
            ["step": .integer(Int64(replica.step))])
    }

    /// Loads the newest whole checkpoint.
    ///
    /// - Returns: Its step, `nil` where there is no checkpoint; and those that were passed over.
    private static func load(
        _ store: CheckpointStore, into replica: TrainingReplica, record: RunRecord,
        dataset: PreparedDataset, _ observer: Observer
    ) throws -> (step: UInt64?, passedOver: Set<CheckpointName>) {
        var damaged: Set<CheckpointName> = []
        let loaded = try store.loadNewestWhole(into: replica.state) { name, error in
            damaged.insert(name)
            observer.warning("checkpoint \(name) is passed over: \(error)")
        }
        guard let (name, manifest) = loaded else {
            guard damaged.isEmpty else { throw CheckpointError.absent(path: store.path) }
            // Without the checkpoint that has them, the run would begin with random weights.
            guard record.configuration.initialWeights == nil else {
                throw TrainingError.initialWeightsGone(checkpoints: store.path)
            }
            return (nil, damaged)
        }
        let digest = record.configuration.digest(dataset: dataset.digest)
        guard manifest.context.suits(configurationDigest: digest) else {
            throw CheckpointError.differs(
                checkpoint: store.folder(of: name).text,
                problem: "it was saved with another configuration or data set")
        }
        if manifest.context.matrixKernel != MatrixProduct.kernelName {
            observer.warning(
                "checkpoint \(name) was made with the matrix kernel "
                    + "\(manifest.context.matrixKernel), this process has "
                    + "\(MatrixProduct.kernelName): from here on the bits may differ from those of "
                    + "the first machine")
        }
        try replica.adoptState()
        observer.note("going on from checkpoint \(name)")
        return (manifest.context.step, damaged)
    }

    /// Trains until the run is finished or stopped.
    ///
    /// - Parameters:
    ///   - stopAfter: The step to stop after; the schedule stays as it is.
    ///   - shouldStop: Asked before every step.
    /// - Returns: How it ended; the state is saved then.
    /// - Throws: `TrainingError.diverged`, and whatever else kept a step from being made or saved, after saving the
    ///   state of the last finished step.
    public func run(stopAfter: UInt64?, shouldStop: () -> Bool) throws -> Ending {
        do {
            return try train(stopAfter: stopAfter, shouldStop: shouldStop)
        } catch {
            conclude(because: error)
            throw error
        }
    }

    /// Saves what is held and writes down why the run ended; what fails on the way is told, for it is not the cause.
    private func conclude(because error: any Error) {
        if !runner.holdsWholeState {
            observer.warning(
                "the update after step \(replica.step) was not finished, so the state is not saved: "
                    + "go on from the newest checkpoint")
        } else if !(error is CheckpointError) {
            do {
                try saveNow()
            } catch {
                observer.warning("step \(replica.step) could not be saved: \(error)")
            }
        }
        do {
            try book.append(.end, "\(error)")
            try book.synchronise()
        } catch {
            observer.warning("the end could not be written down: \(error)")
        }
    }

    private func train(stopAfter: UInt64?, shouldStop: () -> Bool) throws -> Ending {
        let target = min(stopAfter ?? replica.finalStep, replica.finalStep)
        if replica.step >= target {
            observer.note("step \(replica.step) is reached already: nothing to do")
        }
        var ending: Ending = target == replica.finalStep ? .finished : .stopped
        let every = UInt64(record.configuration.checkpoint.everySteps)
        while replica.step < target {
            guard !shouldStop() else {
                ending = .interrupted
                break
            }
            try takeStep()
            noteSaving()
            if every > 0, replica.step % every == 0, replica.step < target { saveInBackground() }
        }
        // Saved first: the measurement of the last state may take longer than somebody wants to wait.
        try saveNow()
        if ending == .finished, shouldStop() { ending = .interrupted }
        if ending == .finished { try close() }
        try book.synchronise()
        try book.append(.end, "\(ending) at step \(replica.step)")
        try book.synchronise()
        return ending
    }

    private func takeStep() throws {
        let start = clock.now
        let outcome = try replica.runStep(with: runner, over: exchange)
        let timings = outcome.timings
        let line = try book.append(
            step: replica.step, report: outcome.report, updateSeconds: outcome.updateSeconds,
            making: RunBook.Making(
                seconds: clock.seconds(since: start), worldSize: 1, recomputed: outcome.recomputed,
                compute: timings.compute, wait: timings.wait, exchange: timings.exchange))
        observer.step(line)
        guard let news = book.roomNews() else { return }
        let sentence = news.sentence(about: "metrics")
        news == .found ? observer.note(sentence) : observer.warning(sentence)
    }

    /// The final validation.
    private func close() throws {
        guard let report = try runner.close(over: exchange),
            let validation = try book.append(closing: report)
        else { return }
        let loss = (validation.loss * 1e4).rounded() / 1e4
        observer.note("validation loss \(loss) at step \(validation.step)")
    }

    // MARK: Checkpoints

    private var context: CheckpointContext {
        book.checkpointContext(
            step: replica.step, dataset: dataset.digest,
            matrixLibrary: MatrixProduct.libraryDescription,
            matrixKernel: MatrixProduct.kernelName)
    }

    private var name: CheckpointName {
        CheckpointName(step: replica.step, generation: 1, term: term)
    }

    private func saveInBackground() {
        let saving = saving
        let isBegun = writer.save(
            replica.state, to: store, as: name, context: context,
            keep: record.configuration.checkpoint.keep, passedOver: passedOver
        ) { result in
            saving.withLock { $0 = result }
        }
        if !isBegun {
            observer.warning(
                "step \(replica.step) is not saved: the checkpoint before is still being written")
        }
    }

    /// Tells how the last save in the background went.
    private func noteSaving() {
        let result = saving.withLock { saving in
            defer { saving = nil }
            return saving
        }
        switch result {
        case .success(let saved):
            let name = saved.name
            lastSaved = name.step
            warn(unremoved: saved.unremoved)
            // An event that cannot be written is no reason to stop; the next append that matters says so.
            try? book.append(
                .checkpoint, "checkpoint \(name) is whole", ["step": .integer(Int64(name.step))])
        case .failure(let error):
            observer.warning("checkpoint not saved: \(error); trying again at the next one")
        case nil: break
        }
    }

    /// Saves the held state and returns when it is safe.
    private func saveNow() throws {
        writer.waitUntilIdle()
        noteSaving()
        guard lastSaved != replica.step else { return }
        try store.save(replica.state, as: name, context: context)
        lastSaved = replica.step
        warn(
            unremoved: store.tidy(
                keep: record.configuration.checkpoint.keep, sealed: name, passedOver: passedOver))
        try book.append(
            .checkpoint, "checkpoint \(name) is whole", ["step": .integer(Int64(replica.step))])
        observer.note("checkpoint \(name) saved")
    }

    private func warn(unremoved: CheckpointError?) {
        guard let unremoved else { return }
        observer.warning(
            "old checkpoints cannot be removed: \(unremoved); trying again at the next")
    }
}
