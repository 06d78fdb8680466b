import Checkpoints
import Runtime

/// What is done: steps, commits, the guard, checkpoints and the end.
extension CoordinatorState {
    /// Decides what the members do next; the generation is formed or paused and the state is `committed`.
    mutating func proceed(_ now: ContinuousClock.Instant) {
        for id in members {
            workers[id]?.ready = nil
            workers[id]?.closingReport = nil
        }
        if stop != nil || committed >= settings.lastStep {
            windUp(now)
            return
        }
        let leaving = members.filter { workers[$0]?.isLeaving == true }
        if !leaving.isEmpty {
            letGo(leaving, now)
            return
        }
        guard phase != .paused else { return }
        if joinersAreDue(now) {
            regroup(candidates, now)
            return
        }
        planStep(now)
    }

    func joinersAreDue(_ now: ContinuousClock.Instant) -> Bool {
        let joiners = candidates.filter { !members.contains($0) }
        guard let first = joiners.compactMap({ workers[$0]?.joinedAt }).min() else { return false }
        return now - first >= settings.joinWindow
    }

    private mutating func planStep(_ now: ContinuousClock.Instant) {
        // What was reported when the generation began is kept; after a commit everybody starts empty.
        let sums = members.map { id -> LocalSums? in
            let held = workers[id]?.held.sums
            return held?.step == committed ? held : nil
        }
        let known = sums.compactMap { $0 }.first { $0.round == 1 }
        let round: UInt8 = known == nil ? 0 : 1
        let held = sums.map { $0?.round == round ? $0?.shards ?? [] : [] }
        let assigned = ShardAssignment.assign(shardCount: settings.logicalShards, held: held)
        let wantsDigest =
            settings.digestEvery > 0 && committed % settings.digestEvery == 0 && members.count > 1
        enter(.stepping, now)
        phaseSince = now
        warnedOfStall = false
        for (rank, id) in members.enumerated() {
            let work = StepWork(
                round: round, exponents: known?.exponents ?? [], shards: assigned[rank],
                wantsDigest: wantsDigest)
            send(
                .plan(Plan(generation: generation, committed: committed, work: .step(work))),
                to: id)
        }
    }

    mutating func receive(_ ready: Ready, from id: WorkerID, _ now: ContinuousClock.Instant) {
        guard ready.generation == generation, ready.step == committed, phase == .stepping,
            members.contains(id)
        else { return }
        workers[id]?.ready = ready
        let votes = members.compactMap { workers[$0]?.ready }
        guard votes.count == members.count, let first = votes.first else { return }
        if let odd = disagreement(votes.map { $0.stateDigest?.description ?? "" }) {
            expel(odd, what: "state digests", now)
        } else if let odd = disagreement(votes.map { String($0.checksum) }) {
            mismatches += 1
            if mismatches > 1 {
                expel(odd, what: "sums", now)
            } else {
                event(
                    .warning,
                    "the sums of step \(committed + 1) differ between members: they are made again",
                    ["step": .integer(Int64(committed))])
                regroup(members, now)
            }
        } else {
            commit(first.checksum, votes, now)
        }
    }

    /// The ranks in the minority, an empty list when there is no majority, `nil` when all agree.
    private func disagreement(_ values: [String]) -> [Int]? {
        guard Set(values).count > 1 else { return nil }
        let majority = values.first { value in values.count { $0 == value } * 2 > values.count }
        guard let majority else { return [] }
        return values.indices.filter { values[$0] != majority }
    }

    private mutating func expel(
        _ minority: [Int], what: String, _ now: ContinuousClock.Instant
    ) {
        guard !minority.isEmpty else {
            let newest = checkpoints.last.map { "the newest whole checkpoint is \($0)" }
            finish(
                Outcome(
                    exitCode: ExitCode.failure.rawValue,
                    message:
                        "the \(what) of step \(committed) differ between members and there is no "
                        + "majority: the run stops rather than guess; "
                        + (newest ?? "there is no checkpoint yet")))
            return
        }
        mismatches = 0
        for id in minority.map({ members[$0] }) {
            evict(
                id, reason: "its \(what) of step \(committed) differ from the majority's",
                discardState: true, now)
        }
    }

    private mutating func commit(
        _ checksum: UInt32, _ votes: [Ready], _ now: ContinuousClock.Instant
    ) {
        effects.append(.journal(.commit(step: committed, checksum: checksum)))
        if let former = checksums.updateValue(checksum, forKey: committed), former != checksum {
            event(
                .warning,
                "step \(committed + 1) was done again and its sums differ from the first time: "
                    + "another processor, kernel or build has computed it",
                ["step": .integer(Int64(committed))])
        }
        committed += 1
        mismatches = 0
        ringFailures = 0
        for id in members {
            workers[id]?.complaints = 0
            // Everybody applies what it voted for, so nothing of the finished step is held any more.
            workers[id]?.held = HeldState(applied: committed)
        }
        remember(votes, now)
        if settings.checkpointEvery > 0, committed % settings.checkpointEvery == 0 {
            saveDue = true
            noteDelayedSave()
        }
        if saveDue, save == nil, stop == nil, committed < settings.lastStep { beginSave(now) }
        proceed(now)
    }

    private mutating func remember(_ votes: [Ready], _ now: ContinuousClock.Instant) {
        var timings = StepTimings()
        for vote in votes {
            timings.compute = max(timings.compute, vote.timings.compute)
            timings.wait = max(timings.wait, vote.timings.wait)
            timings.exchange = max(timings.exchange, vote.timings.exchange)
            let (sum, isTooLarge) = timings.wireBytes.addingReportingOverflow(
                vote.timings.wireBytes)
            timings.wireBytes = isTooLarge ? .max : sum
        }
        recent.append(
            CommittedStep(
                step: committed, worldSize: members.count,
                recomputed: votes.contains(where: \.recomputed), timings: timings,
                seconds: (now - (lastCommit ?? phaseSince)) / .seconds(1)))
        if recent.count > 64 { recent.removeFirst(recent.count - 64) }
        lastCommit = now
    }

    // MARK: Leaving

    private mutating func letGo(_ leaving: [WorkerID], _ now: ContinuousClock.Instant) {
        let staying = members.count - leaving.count
        if staying < settings.minimumWorkers, checkpoints.last?.step != committed, committed > 0,
            mayTryToSave
        {
            hold(now)
            if save == nil { beginSave(now) }
            return
        }
        let wasPaused = phase == .paused
        for id in leaving { release(id) }
        if !wasPaused || members.isEmpty { regroup(candidates, now) }
    }

    // MARK: The end

    mutating func requestStop(because reason: String?, _ now: ContinuousClock.Instant) {
        guard stop == nil else { return }
        if let reason {
            event(.warning, reason)
        } else {
            event(.notice, "stopping: the step in hand is finished and saved")
        }
        // What is said in the end is known only then.
        stop = Stop(
            outcome: Outcome(
                exitCode: (reason == nil ? ExitCode.interrupted : .failure).rawValue, message: ""),
            wantsCheckpoint: true, isRequested: true, reason: reason, since: now)
        // Whoever is frozen has until then to come back with the state.
        holderAwaitedUntil = holderAwaitedUntil.map { min($0, now + settings.failureTimeout) }
        switch phase {
        case .gathering, .paused, .closing:
            members.isEmpty ? considerForming(now) : proceed(now)
        case .regrouping: tryForm(now)
        case .stepping, .saving, .ended: break
        }
    }

    /// Ends a stopped run that has no members: at once where all is saved, else as soon as somebody comes back who
    /// holds the state, and without it when nobody does in time.
    mutating func endWithoutMembers(_ now: ContinuousClock.Instant) {
        guard let stop, stop.isRequested else {
            windUp(now)
            return
        }
        let holders = candidates.filter(holdsUnsavedSteps)
        if !holders.isEmpty {
            regroup(holders, now)
            return
        }
        if (checkpoints.last?.step ?? 0) < committed {
            guard now - stop.since >= settings.failureTimeout else { return }
            rewind()
        }
        windUp(now)
    }

    /// Whether the held state is to be saved, once more or for the first time.
    ///
    /// Saves beside the training may have failed any number of times before: only tries for which the members hold the
    /// state count.
    private var mayTryToSave: Bool { phase != .saving || failedHeldSaves < 3 }

    /// Saves, closes and ends, one after the other.
    private mutating func windUp(_ now: ContinuousClock.Instant) {
        let isSaved = checkpoints.last?.step == committed || committed == 0
        let canSave = !members.isEmpty && phase != .gathering
        if stop?.isRequested == true, !isSaved, !canSave {
            enter(.paused, now)
            return
        }
        if stop?.wantsCheckpoint ?? true, !isSaved, canSave {
            guard mayTryToSave else {
                finish(
                    Outcome(
                        exitCode: ExitCode.failure.rawValue,
                        message: "the last checkpoint (step \(committed)) could not be written; "
                            + "the newest whole one is "
                            + (checkpoints.last?.description ?? "none")))
                return
            }
            hold(now)
            if save == nil { beginSave(now) }
            return
        }
        if committed >= settings.finalStep, !closingIsDone, stop == nil {
            enter(.closing, now)
            for id in members {
                send(
                    .plan(Plan(generation: generation, committed: committed, work: .close)),
                    to: id)
            }
            return
        }
        // What a stopped run says of the step is known only now.
        if let stop, stop.isRequested {
            let name = checkpoints.last?.description
            finish(
                Outcome(
                    exitCode: stop.outcome.exitCode,
                    message: (stop.reason.map { "\($0); ended" } ?? "interrupted")
                        + " after step \(committed)"
                        + (name.map { "; saved as \($0)" } ?? "; nothing to save")))
        } else {
            finish(
                stop?.outcome
                    ?? Outcome(
                        exitCode: ExitCode.success.rawValue, message: "finished step \(committed)"))
        }
    }

    private mutating func hold(_ now: ContinuousClock.Instant) {
        if phase != .saving { failedHeldSaves = 0 }
        enter(.saving, now)
        for id in members {
            send(
                .plan(Plan(generation: generation, committed: committed, work: .hold)), to: id)
        }
    }

    mutating func finishClosing(_ now: ContinuousClock.Instant) {
        guard members.allSatisfy({ workers[$0]?.closingReport != nil }) else { return }
        if let report = members.first.flatMap({ workers[$0]?.closingReport }) {
            effects.append(.closingReport(report))
        }
        closingIsDone = true
        proceed(now)
    }

    // MARK: Checkpoints

    /// Asks every member for its part, before the next commit, so that all parts are of one state.
    mutating func beginSave(_ now: ContinuousClock.Instant) {
        saveDue = false
        let name = CheckpointName(
            step: committed, generation: UInt64(generation), term: UInt64(term))
        save = Save(
            name: name, writers: members, receipts: Array(repeating: nil, count: members.count))
        effects.append(.openCheckpoint(name))
        for (index, id) in members.enumerated() {
            send(.beginCheckpointShard(name, index: index, count: members.count), to: id)
        }
    }

    /// Says once of a save that a later one is put off until it ends.
    private mutating func noteDelayedSave() {
        guard let inHand = save, !inHand.delaysAnother, stop == nil, committed < settings.lastStep
        else { return }
        save?.delaysAnother = true
        event(
            .warning,
            "the checkpoint of step \(committed) is put off until \(inHand.name) is written; "
                + missingShards(of: inHand), ["step": .integer(Int64(committed))])
    }

    /// Gives up a checkpoint of which this worker owes a part.
    mutating func abandonSave(without id: WorkerID) {
        if let index = save?.writers.firstIndex(of: id), save?.answers.contains(index) == false {
            abandonSave()
        }
    }

    mutating func abandonSave() {
        guard let save, !save.isSealing else { return }
        effects.append(.abandonCheckpoint(save.name))
        self.save = nil
        saveDue = true
    }

    /// Takes what a writer says of its part.
    ///
    /// All of them are heard before a save is sealed or given up, so that no answer to one try is taken for one to the next.
    mutating func checkpointShardAnswered(
        _ name: CheckpointName, _ index: Int, _ answer: Result<JSONValue, CheckpointFailure>,
        _ now: ContinuousClock.Instant
    ) {
        guard var answered = save, answered.name == name else {
            // It has made the folder of a checkpoint that was given up again.
            effects.append(.abandonCheckpoint(name))
            return
        }
        guard !answered.isSealing, answered.writers.indices.contains(index) else { return }
        answered.answers.insert(index)
        switch answer {
        case .success(let receipt): answered.receipts[index] = receipt
        case .failure(let error): answered.failure = answered.failure ?? error.description
        }
        let isDecided = answered.answers.count == answered.writers.count
        answered.isSealing = isDecided && answered.failure == nil
        save = answered
        guard isDecided else { return }
        if let failure = answered.failure {
            checkpointSealed(name, CheckpointFailure(failure), now)
        } else {
            effects.append(
                .sealCheckpoint(
                    name, receipts: answered.receipts.compactMap { $0 }, passedOver: passedOver))
        }
    }

    mutating func checkpointSealed(
        _ name: CheckpointName, _ failure: CheckpointFailure?,
        _ now: ContinuousClock.Instant
    ) {
        guard save?.name == name else { return }
        save = nil
        if let failure {
            if phase == .saving, name.step == committed { failedHeldSaves += 1 }
            effects.append(.abandonCheckpoint(name))
            event(
                .warning,
                "checkpoint of step \(name.step) failed, nothing older is touched: \(failure)",
                ["step": .integer(Int64(name.step))])
        } else {
            // After a rewind below it, the state will come again and be saved again.
            if name.step <= committed {
                checkpoints.append(name)
                checksums = checksums.filter { $0.key >= name.step }
                effects.append(.journal(.checkpoint(name)))
                event(
                    .checkpoint, "checkpoint \(name)",
                    ["step": .integer(Int64(name.step)), "name": .string(name.description)])
            }
        }
        if phase == .saving { proceed(now) }
    }
}
