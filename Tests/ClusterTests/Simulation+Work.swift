import Checkpoints
import Runtime

@testable import Cluster

/// What simulated workers do: jobs, in as many pieces as faults may strike between.
extension Simulation {
    mutating func work(_ index: Int) {
        if nodes[index].job == nil {
            nodes[index].job = nodes[index].state.nextJob()
            nodes[index].hasEntered = false
            return
        }
        guard let job = nodes[index].job else { return }
        switch job {
        case .replaceState(let generation, let source):
            replaceState(index, generation, source)
        case .apply(let step): update(index, step)
        case .stageCheckpointShard(let name, let shard, _):
            let value = nodes[index].model?.value ?? 0
            require(nodes[index].model?.step == name.step, "shard of another step is staged")
            writeShard(
                index, name,
                .checkpointShardDone(name, index: shard, receipt: .string(String(value))),
                failure: .checkpointShardFailed(name, index: shard, message: "no space left"))
            finish(index, .checkpointShardStaged)
        case .round(let round): exchange(index, round)
        case .close(let generation, _):
            finish(index, .closed(generation: generation, report: .null))
        }
    }

    private mutating func writeShard(
        _ index: Int, _ name: CheckpointName, _ success: WorkerMessage, failure: WorkerMessage
    ) {
        var message = success
        if mayFailToSave(name), chance(rates.failedShard) {
            noteFailedSave(name)
            message = failure
        }
        var end = time
        if faultsLeft > 0, chance(rates.hangingShard) {
            faultsLeft -= 1
            faultsDone += 1
            slowSaves += 1
            end += .milliseconds(Int.random(in: 100...6_000, using: &random))
        }
        nodes[index].slowShards.append((message, end))
        sayOfSlowShards(index)
    }

    /// What the writer's thread says when it is done, on whatever connection there is then.
    mutating func sayOfSlowShards(_ index: Int) {
        while let first = nodes[index].slowShards.first, first.at <= time,
            nodes[index].frozenUntil <= time
        {
            nodes[index].slowShards.removeFirst()
            if nodes[index].link != nil { nodes[index].toCoordinator.append(first.message) }
        }
    }

    private mutating func finish(_ index: Int, _ result: WorkerResult) {
        nodes[index].job = nil
        for effect in nodes[index].state.finish(result) {
            if case .send(let message) = effect, nodes[index].link != nil {
                nodes[index].toCoordinator.append(message)
            }
        }
    }

    private mutating func update(_ index: Int, _ step: UInt64) {
        guard let model = nodes[index].model, let reduced = nodes[index].reduced,
            model.step == step, reduced.step == step
        else {
            require(false, "worker \(index) cannot apply step \(step)")
            return
        }
        let value = ToyModel.next(model.value, sum: reduced.total)
        require(
            value == reference[Int(step) + 1], "state \(step + 1) is not that of the reference")
        nodes[index].model = (step + 1, value)
        nodes[index].reduced = nil
        finish(
            index,
            .applied(
                StepReport(
                    step: step + 1, report: .string(String(value)), updateSeconds: 0)))
    }

    private mutating func replaceState(
        _ index: Int, _ generation: UInt32, _ source: StateSource
    ) {
        nodes[index].model = nil
        nodes[index].reduced = nil
        nodes[index].sums = nil
        var taken: (step: UInt64, value: UInt64)?
        var report: StepReport?
        switch source {
        case .initial: taken = (0, reference[0])
        case .checkpoint(let name):
            let position = disk.firstIndex { $0.name == name }
            if let position, faultsLeft > 0, chance(rates.damage) {
                disk[position].isWhole = false
                faultsLeft -= 1
                faultsDone += 1
                damagedLoads += 1
            }
            if faultsLeft > 0, chance(rates.blindness) {
                nodes[index].isBlind = true
                faultsLeft -= 1
                faultsDone += 1
                blindLoads += 1
            }
            if let position, disk[position].isWhole, !nodes[index].isBlind {
                taken = (name.step, disk[position].value)
            }
        case .members(let members, let step):
            let living = nodes.filter { node in
                node.isAlive && members.contains { $0.id == node.state.id }
            }
            if let holder = living.first(where: { $0.model?.step == step }) {
                taken = holder.model
                report = holder.state.held.lastReport
            } else if living.contains(where: { ($0.model?.step ?? .max) < step }),
                nodes[index].abandonedBelow <= generation
            {
                return  // It is about to apply the commit: wait.
            }
        }
        nodes[index].model = taken
        if let taken {
            require(taken.value == reference[Int(taken.step)], "a wrong state is handed over")
            finish(
                index,
                .stateReplaced(generation: generation, step: taken.step, report: report))
        } else {
            finish(index, .stateFailed(generation: generation, message: "nobody gives it"))
        }
    }

    private mutating func exchange(_ index: Int, _ job: RoundJob) {
        guard nodes[index].hasEntered else {
            // No ring any more, or one that broke while embeddings were gathered: nothing is added then.
            if nodes[index].abandonedBelow > job.generation, chance(5_000) {
                finish(index, .broken(job, isAdded: false))
            } else {
                add(index, job)
            }
            return
        }
        let key = RoundKey(generation: job.generation, step: job.step, round: job.round)
        let isAbandoned = nodes[index].abandonedBelow > job.generation
        let ring = rings[job.generation]?.map(\.id) ?? []
        let entries = rounds[key] ?? [:]
        guard !isAbandoned, !ring.isEmpty, ring.allSatisfy({ entries[$0] != nil }) else {
            let isBroken =
                isAbandoned
                || ring.contains { id in
                    !nodes.contains {
                        $0.state.id == id && $0.isAlive
                            && $0.abandonedBelow <= job.generation
                    }
                }
            if isBroken {
                finish(index, .broken(job, isAdded: true))
            }
            return
        }
        // All have given their part, but the last hop may still fail for some.
        if ring.contains(where: { id in !nodes.contains { $0.state.id == id && $0.isAlive } }),
            chance(5_000)
        {
            finish(index, .broken(job, isAdded: true))
            return
        }
        conclude(index, job, entries: ring.compactMap { entries[$0] })
    }

    private mutating func add(_ index: Int, _ job: RoundJob) {
        guard let model = nodes[index].model, model.step == job.step else {
            require(false, "step \(job.step) is computed on another state")
            return
        }
        if job.round == 1 {
            require(
                job.exponents == ToyModel.exponents(job.step), "wrong exponents in round 1")
        }
        if job.begins { nodes[index].sums = (job.step, job.round, [], 0) }
        guard var sums = nodes[index].sums, sums.step == job.step, sums.round == job.round else {
            require(false, "shards are added to sums of another round")
            return
        }
        for shard in job.missing {
            require(sums.shards.insert(shard).inserted, "shard \(shard) is added twice")
            sums.total &+= ToyModel.contribution(
                step: job.step, shard: shard, state: model.value, round: job.round)
            recomputedShards += 1
        }
        nodes[index].sums = sums
        nodes[index].reduced = nil
        nodes[index].hasEntered = true
        let key = RoundKey(generation: job.generation, step: job.step, round: job.round)
        if nodes[index].abandonedBelow <= job.generation {
            rounds[key, default: [:]][nodes[index].state.id] = Entry(
                shards: sums.shards, total: sums.total)
        }
    }

    private mutating func conclude(_ index: Int, _ job: RoundJob, entries: [Entry]) {
        let union = entries.reduce(into: Set<Int>()) { $0.formUnion($1.shards) }
        let count = entries.reduce(0) { $0 + $1.shards.count }
        require(
            count == settings.logicalShards && union.count == count,
            "sums of step \(job.step) round \(job.round) generation \(job.generation) hold \(count) shards, "
                + "\(union.count) different")
        let total = entries.reduce(UInt64(0)) { $0 &+ $1.total }
        if job.round == 0, ToyModel.needsSecondRound(job.step) {
            finish(index, .recompute(job, exponents: ToyModel.exponents(job.step)))
            return
        }
        nodes[index].reduced = (job.step, total)
        finish(
            index,
            .whole(
                job, checksum: UInt32(truncatingIfNeeded: total), stateDigest: nil,
                recomputed: job.round > 0, StepTimings()))
    }
}

extension WorkerResult {
    fileprivate static func broken(_ job: RoundJob, isAdded: Bool) -> WorkerResult {
        .broken(generation: job.generation, peer: nil, reason: "gone", isAdded: isAdded)
    }
}
