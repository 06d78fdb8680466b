import Checkpoints
import Runtime
import Tensors
import Transport

/// What the main thread does.
extension WorkerDriver {
    func perform(_ job: WorkerJob) -> WorkerResult {
        switch job {
        case .replaceState(let generation, let source):
            return replaceState(generation, source)
        case .apply: return apply()
        case .stageCheckpointShard(let name, let index, let count):
            stageCheckpointShard(name, index, count)
            return .checkpointShardStaged
        case .round(let job): return makeWhole(job)
        case .close(let generation, _): return close(generation)
        }
    }

    // MARK: A step

    private func makeWhole(_ job: RoundJob) -> WorkerResult {
        guard let formation = core.formation(of: job.generation) else {
            return .broken(
                generation: job.generation, peer: nil, reason: "no ring", isAdded: false)
        }
        do {
            switch try runner.make(StepRunner.Round(job), over: formation) {
            case .recompute(let exponents): return .recompute(job, exponents: exponents)
            case .diverged(let message): return .diverged(job, message: message)
            case .whole:
                let digest = job.wantsDigest ? StateDigest.digest(of: replica.state) : nil
                return .whole(
                    job, checksum: replica.reducedChecksum(), stateDigest: digest,
                    recomputed: job.round > 0, runner.timings)
            }
        } catch let interruption as StepRunner.Interruption {
            return broken(formation, interruption)
        } catch {
            return .failed(
                message: "step \(job.step + 1): \(error)", stays: error is any LastingError)
        }
    }

    private func broken(
        _ formation: ExchangeFormation, _ interruption: StepRunner.Interruption
    ) -> WorkerResult {
        let failure = ExchangeFailure(interruption.error, members: formation.members)
        return .broken(
            generation: formation.generation, peer: failure.peer, reason: failure.reason,
            isAdded: interruption.isAdded)
    }

    private func apply() -> WorkerResult {
        core.stateLock.beginWriting()
        do {
            let report = try runner.apply()
            core.stateLock.endWriting(step: report.step, report: report)
            return .applied(report)
        } catch {
            core.stateLock.endWriting(step: nil, report: nil)
            return .failed(
                message: "the update after step \(replica.step): \(error)", stays: false)
        }
    }

    private func close(_ generation: UInt32) -> WorkerResult {
        guard let formation = core.formation(of: generation) else {
            return .broken(generation: generation, peer: nil, reason: "no ring", isAdded: true)
        }
        do {
            let report = try runner.close(over: formation)
            return .closed(generation: generation, report: report ?? .null)
        } catch let interruption as StepRunner.Interruption {
            return broken(formation, interruption)
        } catch {
            return .failed(
                message: "after the last step: \(error)", stays: error is any LastingError)
        }
    }

    // MARK: State

    private func stageCheckpointShard(_ name: CheckpointName, _ index: Int, _ count: Int) {
        let core = core
        // Two saves are never in flight, unless one was given up whose writing goes on.
        _ = writer.waitUntilIdle(timeout: Limits.formerCheckpointShard)
        let tensors = CheckpointShard.split(replica.state, into: count)[index]
        let store = core.options.directory.checkpoints
        let isBegun = writer.save(
            tensors, index: index, of: count, into: store.partial(name).path,
            in: store.files
        ) { result in
            switch result {
            case .success(let receipt):
                core.send(.checkpointShardDone(name, index: index, receipt: receipt.json))
            case .failure(let error):
                core.send(.checkpointShardFailed(name, index: index, message: error.description))
            }
        }
        if !isBegun {
            core.send(
                .checkpointShardFailed(
                    name, index: index, message: "the save before it is still being written"))
        }
    }

    private func replaceState(_ generation: UInt32, _ source: StateSource) -> WorkerResult {
        core.stateLock.beginWriting()
        do {
            var report: StepReport?
            switch source {
            case .initial:
                guard core.options.holdsBeginning else {
                    core.stateLock.endWriting(step: nil, report: nil)
                    return .failed(
                        message:
                            "\(core.options.directory.path) starts from weights, and no checkpoint "
                            + "of it is left: begin a new run with the same weights",
                        stays: true)
                }
                // State 0 follows from the configuration; the storage stays where others know it.
                let fresh = try makeReplica()
                for (here, there) in zip(replica.state, fresh.state) {
                    here.tensor.bytes.copyMemory(from: UnsafeRawBufferPointer(there.tensor.bytes))
                }
            case .checkpoint(let name):
                let store = core.options.directory.checkpoints
                try store.load(name, into: replica.state)
                core.log.info("took over checkpoint \(name)")
            case .members(let members, let step):
                report = try fetch(generation, members, step)
            }
            try replica.adoptState()
            core.stateLock.endWriting(step: replica.step, report: report)
            return .stateReplaced(generation: generation, step: replica.step, report: report)
        } catch {
            core.stateLock.endWriting(step: nil, report: nil)
            return .stateFailed(generation: generation, message: "\(error)")
        }
    }

    private func fetch(
        _ generation: UInt32, _ members: [ExchangeMember], _ step: UInt64
    ) throws -> StepReport? {
        let start = core.clock.now
        let (patience, waiter) = (core.patience, core.options.waiter)
        let fetch = StateFetch(
            generation: generation, pieces: StatePieces(replica.state), step: step,
            sources: members, runID: core.options.runID, patience: patience
        ) { source in
            let socket = try TCPConnector.connect(
                to: source.endpoint, timeout: patience.connection,
                failureTimeout: patience.failureTimeout, waiter: waiter)
            return MessageConnection(socket, waiter: waiter)
        }
        let isCurrent = core.shared.update { shared in
            guard shared.state.generation == generation else { return false }
            shared.fetch = fetch
            return true
        }
        guard isCurrent else { throw StateTransferError.abandoned }
        defer { core.shared.update { $0.fetch = nil } }
        let report = try fetch.run()
        let milliseconds = Int((core.clock.now - start) / .milliseconds(1))
        core.log.info(
            "took over the state of step \(step) from \(counted(members.count, "member")) in \(milliseconds) ms"
        )
        return report
    }
}

extension StepRunner.Round {
    /// The part of a job that the replica sees.
    init(_ job: RoundJob) {
        self.init(
            number: job.round, exponents: job.exponents, begins: job.begins, shards: job.shards,
            missing: job.missing)
    }
}
