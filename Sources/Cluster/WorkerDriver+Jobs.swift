import Checkpoints
import Collectives
import Runtime
import Tensors

/// What the main thread does.
extension WorkerDriver {
    func perform(_ job: WorkerJob) -> WorkerResult {
        switch job {
        case .replaceState(let generation, let source):
            return replaceState(generation, source)
        case .apply: return apply()
        case .stageShare(let name, let index, let count):
            stageShare(name, index, count)
            return .shareStaged
        case .round(let job): return makeWhole(job)
        case .close(let generation, let step): return close(generation, step)
        }
    }

    // MARK: A step

    private func makeWhole(_ job: RoundJob) -> WorkerResult {
        guard let formation = core.formation(of: job.generation) else {
            return .broken(
                generation: job.generation, peer: nil, reason: "no ring", isAdded: false)
        }
        var isAdded = false
        do {
            if job.begins { replica.beginRound(exponents: job.round == 0 ? nil : job.exponents) }
            if replica.gathersRows { try gatherRows(job, formation) }
            isAdded = true
            return try exchange(job, formation)
        } catch let failure as RingFailure {
            return .broken(
                generation: job.generation, peer: failure.peer, reason: failure.reason,
                isAdded: isAdded)
        } catch let error as CollectiveError {
            let failure = formation.failure(error)
            return .broken(
                generation: job.generation, peer: failure.peer, reason: failure.reason,
                isAdded: isAdded)
        } catch {
            return .failed(
                message: "step \(job.step + 1): \(error)", stays: error is any LastingError)
        }
    }

    /// Every member gives the rows of all its shards, so that one who came to know less before a failure catches up.
    private func gatherRows(_ job: RoundJob, _ formation: RingFormation) throws {
        let rows = try replica.rows(of: job.shards)
        let ring = try formation.ring()
        try replica.adoptRows(
            try ring.gather(rows, step: job.step, round: job.round))
    }

    private func exchange(_ job: RoundJob, _ formation: RingFormation) throws -> WorkerResult {
        var timings = StepTimings()
        let relay = BucketRelay()
        let layout = replica.layout
        let local = UnsafeRawBufferPointer(replica.localSums)
        let reduced = replica.reducedSums
        let begin = { (ring: Ring) in
            ring.begin(
                step: job.step, round: job.round, layout: layout, local: local, reduced: reduced)
        }
        // Where the ring stands already, buckets travel while later shards are computed.
        if let ring = formation.standing {
            begin(ring)
            relay.attach(ring)
        }
        if job.missing.isEmpty {
            for bucket in layout.buckets.indices { relay.submit(bucket) }
        } else {
            do {
                try replica.add(shards: job.missing) { relay.submit($0) }
            } catch {
                // The ring's thread may still read the sums.
                formation.abandon()
                if relay.isAttached { try? formation.standing?.finish() }
                throw error
            }
            timings.compute = replica.computeSeconds
        }
        let computed = ContinuousClock.now
        let ring: Ring
        if let attached = relay.ring {
            ring = attached
        } else {
            ring = try formation.ring()
            begin(ring)
            relay.attach(ring)
        }
        let sentBefore = ring.statistics.sentBytes
        let formed = ContinuousClock.now
        try ring.finish()
        let summed = ContinuousClock.now
        let summaries = try ring.gather(
            try replica.summary(rank: formation.rank, worldSize: formation.members.count),
            step: job.step, round: job.round)
        timings.wait = (formed - computed + (ContinuousClock.now - summed)) / .seconds(1)
        timings.exchange = (summed - formed) / .seconds(1)
        timings.wireBytes = ring.statistics.sentBytes - sentBefore
        switch try replica.conclude(summaries: summaries) {
        case .recompute(let exponents): return .recompute(job, exponents: exponents)
        case .diverged(let message): return .diverged(job, message: message)
        case .whole:
            let digest = job.wantsDigest ? StateDigest.digest(of: replica.state) : nil
            return .whole(
                job, checksum: replica.reducedChecksum(), stateDigest: digest,
                recomputed: job.round > 0, timings)
        }
    }

    private func apply() -> WorkerResult {
        core.gate.beginWriting()
        do {
            let start = ContinuousClock.now
            let report = try replica.apply()
            let applied = StepReport(
                step: replica.step, report: report,
                updateSeconds: (ContinuousClock.now - start) / .seconds(1))
            core.gate.endWriting(step: replica.step, report: applied)
            return .applied(applied)
        } catch {
            core.gate.endWriting(step: nil, report: nil)
            return .failed(
                message: "the update after step \(replica.step): \(error)", stays: false)
        }
    }

    private func close(_ generation: UInt32, _ step: UInt64) -> WorkerResult {
        guard let formation = core.formation(of: generation) else {
            return .broken(generation: generation, peer: nil, reason: "no ring", isAdded: true)
        }
        do {
            let summary = try replica.closingSummary(
                rank: formation.rank, worldSize: formation.members.count)
            guard let summary else { return .closed(generation: generation, report: .null) }
            let summaries = try formation.ring().gather(summary, step: step, round: 0)
            return .closed(
                generation: generation, report: try replica.close(summaries: summaries))
        } catch let failure as RingFailure {
            return .broken(
                generation: generation, peer: failure.peer, reason: failure.reason, isAdded: true)
        } catch let error as CollectiveError {
            let failure = formation.failure(error)
            return .broken(
                generation: generation, peer: failure.peer, reason: failure.reason, isAdded: true)
        } catch {
            return .failed(
                message: "after the last step: \(error)", stays: error is any LastingError)
        }
    }

    // MARK: State

    private func stageShare(_ name: CheckpointName, _ index: Int, _ count: Int) {
        let core = core
        // Two saves are never in flight, unless one was given up whose writing goes on.
        _ = writer.waitUntilIdle(timeout: .seconds(60))
        let tensors = Share.split(replica.state, into: count)[index]
        let store = CheckpointStore(path: core.options.directory.checkpointsPath)
        let isBegun = writer.save(
            tensors, index: index, of: count, into: store.partial(name).path
        ) { result in
            switch result {
            case .success(let receipt):
                core.send(.shareDone(name, index: index, receipt: receipt.json))
            case .failure(let error):
                core.send(.shareFailed(name, index: index, message: error.description))
            }
        }
        if !isBegun {
            core.send(
                .shareFailed(
                    name, index: index, message: "the save before it is still being written"))
        }
    }

    private func replaceState(_ generation: UInt32, _ source: StateSource) -> WorkerResult {
        core.gate.beginWriting()
        do {
            var report: StepReport?
            switch source {
            case .initial:
                guard core.options.holdsBeginning else {
                    core.gate.endWriting(step: nil, report: nil)
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
                let store = CheckpointStore(path: core.options.directory.checkpointsPath)
                try store.load(name, into: replica.state)
                core.log.info("took over checkpoint \(name)")
            case .members(let members, let step):
                report = try fetch(generation, members, step)
            }
            try replica.adoptState()
            core.gate.endWriting(step: replica.step, report: report)
            return .stateReplaced(generation: generation, step: replica.step, report: report)
        } catch {
            core.gate.endWriting(step: nil, report: nil)
            return .stateFailed(generation: generation, message: "\(error)")
        }
    }

    private func fetch(
        _ generation: UInt32, _ members: [RingMember], _ step: UInt64
    ) throws -> StepReport? {
        let start = ContinuousClock.now
        let fetch = StateFetch(
            generation: generation, pieces: StatePieces(replica.state), step: step,
            sources: members, runID: core.options.runID, failureTimeout: core.failureTimeout)
        let isCurrent = core.shared.update { shared in
            guard shared.state.generation == generation else { return false }
            shared.fetch = fetch
            return true
        }
        guard isCurrent else { throw StateTransferError.abandoned }
        defer { core.shared.update { $0.fetch = nil } }
        let report = try fetch.run()
        let milliseconds = Int((ContinuousClock.now - start) / .milliseconds(1))
        core.log.info(
            "took over the state of step \(step) from \(members.count) members in \(milliseconds) ms"
        )
        return report
    }
}

/// Hands buckets on to the ring, from the moment that it stands.
final class BucketRelay: Sendable {
    private struct State {
        var ring: Ring?
        var waiting: [Int] = []
    }

    private let state = Locked(State())

    var ring: Ring? { state.withLock { $0.ring } }
    var isAttached: Bool { ring != nil }

    func submit(_ bucket: Int) {
        state.withLock { state in
            guard let ring = state.ring else {
                state.waiting.append(bucket)
                return
            }
            ring.submit(bucket: bucket)
        }
    }

    /// The ring has begun the reduction: gives it what is ready.
    func attach(_ ring: Ring) {
        state.withLock { state in
            state.ring = ring
            for bucket in state.waiting { ring.submit(bucket: bucket) }
            state.waiting = []
        }
    }
}
