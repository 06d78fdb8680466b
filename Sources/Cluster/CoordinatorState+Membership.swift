import Runtime
import Transport

/// Who is in: joins, losses, leaves, and the making of a generation.
extension CoordinatorState {
    mutating func join(
        _ link: LinkID, _ hello: Hello, _ endpoint: NetworkAddress, _ now: ContinuousClock.Instant
    ) {
        if let reason = objection(to: hello) {
            event(.warning, "refused a worker on \(hello.hostName): \(reason)")
            effects.append(.send(link, .refused(message: reason)))
            effects.append(.close(link))
            return
        }
        if workers[hello.id] != nil {
            lose(hello.id, reason: "it connected anew", now)
            guard phase != .ended else { return }
        }
        let known = awaited.removeValue(forKey: hello.id)
        if known != nil { someReturned = true }
        let taken = workers.values.map(\.number) + awaited.values
        let number: UInt32
        if let wanted = known ?? (hello.number > 0 ? hello.number : nil), !taken.contains(wanted) {
            number = wanted
        } else {
            number = freeNumber(besides: taken)
        }
        nextNumber = max(nextNumber, number + 1)
        highestGeneration = max(highestGeneration, hello.generation)
        workers[hello.id] = Worker(
            id: hello.id, number: number, link: link,
            name: "worker \(number) (\(hello.hostName), process \(hello.processID))",
            endpoint: endpoint, joinedAt: now, lastHeard: now, held: hello.held)
        links[link] = hello.id
        if let report = hello.held.lastReport { note(report) }
        let isSpare = workers.count > settings.logicalShards
        let notice =
            isSpare
            ? "waiting as a spare: the run has \(settings.logicalShards) logical shards and as many workers"
            : ""
        send(
            .welcome(
                Welcome(
                    term: term, number: number, failureTimeout: settings.failureTimeout,
                    notice: notice)), to: hello.id)
        event(
            .joined,
            "worker \(number) joined from \(hello.hostName) (process \(hello.processID), \(endpoint))"
                + (isSpare ? " as a spare" : ""),
            ["worker": .integer(Int64(number)), "host": .string(hello.hostName)])
        considerForming(now)
    }

    /// Why a worker's numbers cannot be true; `nil` where they can.
    ///
    /// What it says is reckoned with later, and no sum may leave the range of its type.
    func objection(to hello: Hello) -> String? {
        if hello.number > Limits.workerNumbers {
            return "it says that it is worker \(hello.number), and numbers end at "
                + "\(Limits.workerNumbers): start it again"
        }
        let known = max(generation, highestGeneration)
        if hello.generation > known,
            hello.generation - known > Limits.generationLead
                || hello.generation > .max - Limits.generationLead
        {
            return "it says that it was in generation \(hello.generation), and the run is in "
                + "\(known): start it again"
        }
        return objection(to: hello.held)
    }

    /// Why nobody can hold that; `nil` where somebody can.
    func objection(to held: HeldState) -> String? {
        // A run may have been longer once.
        let last = max(settings.finalStep, committed)
        guard let applied = held.applied, applied > last else { return nil }
        return "it says that it holds the state of step \(applied), and the run has \(last) steps"
    }

    /// A number that nobody has.
    private func freeNumber(besides taken: [UInt32]) -> UInt32 {
        var number = nextNumber <= Limits.workerNumbers ? nextNumber : 1
        while taken.contains(number) { number += 1 }
        return number
    }

    /// Begins a generation where the run stands still and those who are here suffice.
    mutating func considerForming(_ now: ContinuousClock.Instant) {
        let candidates = self.candidates
        switch phase {
        case .gathering where stop != nil, .paused where stop != nil && members.isEmpty:
            endWithoutMembers(now)
        case .gathering:
            let waited = now - phaseSince
            // One that wants to leave and holds steps that no checkpoint has is not kept waiting for others.
            let hurries = candidates.contains { workers[$0]?.isLeaving == true }
            let suffice = candidates.count >= (hurries ? 1 : settings.minimumWorkers)
            let isTime =
                someReturned
                ? awaited.isEmpty || waited >= settings.patience.comingBack(isAwaited: !hurries)
                : candidates.count >= min(settings.workers, settings.logicalShards)
                    || hurries && waited >= settings.failureTimeout
            if isTime && suffice || waited >= settings.waitForWorkers && suffice {
                regroup(candidates, now)
            } else if waited >= settings.waitForWorkers {
                belowMinimum(candidates.count, now)
            }
        case .paused:
            guard candidates.count >= settings.minimumWorkers else { return }
            let newest = candidates.compactMap { workers[$0]?.joinedAt }.max() ?? now
            if now - newest >= settings.joinWindow || candidates.count >= settings.workers {
                regroup(candidates, now)
            }
        case .regrouping:
            if waitsForHolder, candidates != members { regroup(candidates, now) }
        default: break
        }
    }

    /// Everybody who can be a member, the present ones first and in their order.
    var candidates: [WorkerID] {
        let others = workersByNumber.filter { !members.contains($0.id) }.map(\.id)
        let all = (members + others).filter { id in
            workers[id]?.isLeaving == false || phase == .gathering && holdsUnsavedSteps(id)
        }
        return Array(all.prefix(settings.logicalShards))
    }

    /// Takes a worker out, for whatever reason.
    ///
    /// - Parameters:
    ///   - id: The worker.
    ///   - reason: What is known, for the log.
    ///   - mayReturn: Whether the process may live on with its state, as a frozen one does.
    ///   - failure: What the worker itself said of its failure, which is the run's where it was the last.
    ///   - now: The time.
    mutating func lose(
        _ id: WorkerID, reason: String, mayReturn: Bool = false, failure: String? = nil,
        _ now: ContinuousClock.Instant
    ) {
        guard let worker = workers.removeValue(forKey: id) else { return }
        links[worker.link] = nil
        effects.append(.close(worker.link))
        let wasMember = members.contains(id)
        if !wasMember {
            event(
                .lost, "\(worker.name) is gone: \(reason)",
                ["worker": .integer(Int64(worker.number))])
            return
        }
        faultAt = faultAt ?? now
        if let stop, mayReturn {
            // The end waits for the failure timeout alone, and that much silence is behind it.
            holderAwaitedUntil = stop.since + settings.failureTimeout
        } else {
            holderAwaitedUntil = now + settings.patience.comingBack(isAwaited: mayReturn)
        }
        event(
            .lost,
            "\(worker.name) is gone in generation \(generation), "
                + "\(phase == .stepping ? "in step \(committed + 1)" : "after step \(committed)"): \(reason)",
            ["worker": .integer(Int64(worker.number)), "step": .integer(Int64(committed))])
        members.removeAll { $0 == id }
        abandonSave(without: id)
        if members.isEmpty, candidates.isEmpty, let failure {
            finish(
                Outcome(
                    exitCode: ExitCode.failure.rawValue,
                    message: "the last worker failed: \(failure)"))
        } else if phase == .paused {
            if members.isEmpty, candidates.count >= settings.minimumWorkers {
                considerForming(now)
            }
        } else if phase != .gathering {
            regroup(members.isEmpty ? candidates : members, now)
        }
    }

    mutating func evict(
        _ id: WorkerID, reason: String, discardState: Bool, _ now: ContinuousClock.Instant
    ) {
        send(.evicted(reason: reason, discardState: discardState), to: id)
        lose(id, reason: reason, now)
    }

    mutating func leave(_ id: WorkerID, _ now: ContinuousClock.Instant) {
        guard let worker = workers[id], !worker.isLeaving else { return }
        workers[id]?.isLeaving = true
        if phase == .gathering, holdsUnsavedSteps(id) {
            considerForming(now)
        } else if !members.contains(id) {
            release(id)
        } else if phase == .paused {
            proceed(now)
        }
    }

    mutating func release(_ id: WorkerID) {
        guard let worker = workers.removeValue(forKey: id) else { return }
        links[worker.link] = nil
        effects.append(.send(worker.link, .released))
        effects.append(.close(worker.link))
        members.removeAll { $0 == id }
        abandonSave(without: id)
        event(.left, "\(worker.name) left", ["worker": .integer(Int64(worker.number))])
    }

    /// Opens the next generation with these members.
    mutating func regroup(_ next: [WorkerID], _ now: ContinuousClock.Instant) {
        generation = max(generation, highestGeneration) + 1
        members = next
        suspectedAt = nil
        waitsForHolder = false
        enter(.regrouping, now)
        phaseSince = now
        warnedOfStall = false
        for id in members {
            workers[id]?.ready = nil
            workers[id]?.closingReport = nil
            workers[id]?.source = nil
            workers[id]?.loadFailure = nil
        }
        effects.append(
            .journal(
                .generation(
                    generation, committed: committed, members: members,
                    numbers: members.map { workers[$0]?.number ?? 0 })))
        for id in members { send(.regroup(generation: generation), to: id) }
        tryForm(now)
    }

    /// Goes on once everybody has reported and holds the committed state.
    mutating func tryForm(_ now: ContinuousClock.Instant) {
        guard phase == .regrouping,
            members.allSatisfy({ workers[$0]?.reported == generation })
        else { return }
        if adoptsLaterState { adoptLaterState() }
        var holders = members.filter(holdsCommittedState)
        let isWindingUp = stop != nil || committed >= settings.lastStep
        let minimum = isWindingUp ? 1 : settings.minimumWorkers
        guard members.count >= minimum else {
            pause(holders, now)
            return
        }
        if holders.isEmpty {
            if let until = holderAwaitedUntil, now < until {
                waitsForHolder = true
                return
            }
            rewind()
            holders = members.filter(holdsCommittedState)
        }
        waitsForHolder = false
        guard stop == nil else {
            // Those who hold the state can save it without the others, and without a ring.
            pause(holders, now)
            return
        }
        let withoutState = members.filter { !holders.contains($0) }
        guard withoutState.isEmpty else {
            replaceState(of: withoutState, from: holders)
            return
        }
        let ring = members.compactMap { id in
            workers[id].map { ExchangeMember(id: id, number: $0.number, endpoint: $0.endpoint) }
        }
        for id in members { send(.form(generation: generation, ring: ring), to: id) }
        announceGeneration(now)
        enter(.stepping, now)
        adoptsLaterState = false
        proceed(now)
    }

    /// Whether a worker holds what would be lost with it: the state of a step that no checkpoint has.
    func holdsUnsavedSteps(_ id: WorkerID) -> Bool {
        let saved = checkpoints.last?.step ?? 0
        let applied = workers[id]?.held.applied ?? 0
        return committed > saved && holdsCommittedState(id)
            || adoptsLaterState && applied > max(committed, saved)
    }

    func holdsCommittedState(_ id: WorkerID) -> Bool {
        guard let held = workers[id]?.held, let applied = held.applied else {
            return false
        }
        guard applied + 1 == committed, let reduced = held.reduced, reduced.step == applied
        else { return applied == committed }
        return (checksums[applied] ?? reduced.checksum) == reduced.checksum
    }

    /// A worker may be ahead of a journal that lost its tail with its host: what it applied was committed.
    private mutating func adoptLaterState() {
        let highest = members.compactMap { workers[$0]?.held.applied }.max() ?? 0
        while committed < highest {
            effects.append(.journal(.commit(step: committed, checksum: nil)))
            committed += 1
        }
        for report in members.compactMap({ workers[$0]?.held.lastReport }) { note(report) }
    }

    /// Nobody holds the committed state: back to the newest whole checkpoint.
    mutating func rewind() {
        let target = checkpoints.last?.step ?? 0
        abandonSave()
        let source = checkpoints.last.map { "checkpoint \($0)" } ?? "the beginning"
        // After a clean end the checkpoint is the committed state: nothing is lost.
        let losesSteps = target < committed
        if losesSteps, let asked = stop, asked.isRequested, committed > committedAtStart {
            stop?.isRequested = false
            stop?.outcome = Outcome(
                exitCode: ExitCode.failure.rawValue,
                message:
                    "\(asked.reason ?? "interrupted"), but the steps after \(target) could not be saved: no worker that "
                    + "held them is left; they are computed again when the run goes on from \(source)"
            )
        }
        event(
            losesSteps ? .rewind : .resumed,
            losesSteps
                ? "nobody holds the state of step \(committed) any more: going back to \(source)"
                : "going on from \(source)",
            ["from_step": .integer(Int64(committed)), "to_step": .integer(Int64(target))])
        committed = target
        metricsStep = min(metricsStep, target)
        closingIsDone = false
        effects.append(.journal(.rewind(toStep: target)))
        effects.append(.rewind(toStep: target))
        // Whatever a worker holds of a later course is void: it must not be taken for sums of this one.
        for id in members where workers[id]?.held.applied != target {
            workers[id]?.held = HeldState(applied: nil)
        }
    }

    private mutating func replaceState(of withoutState: [WorkerID], from holders: [WorkerID]) {
        let plan = Plan(generation: generation, committed: committed, work: .hold)
        if withoutState.contains(where: { workers[$0]?.replacing != generation }) {
            // A holder that has yet to apply the last commit does it now, and can then give the state away.
            for id in holders { send(.plan(plan), to: id) }
        }
        let sources = holders.compactMap { id in
            workers[id].map { ExchangeMember(id: id, number: $0.number, endpoint: $0.endpoint) }
        }
        for (turn, id) in withoutState.enumerated() where workers[id]?.replacing != generation {
            workers[id]?.replacing = generation
            let source: StateSource
            if !sources.isEmpty {
                let rotated = sources.indices.map { sources[($0 + turn) % sources.count] }
                source = .members(Array(rotated.prefix(4)), step: committed)
            } else if let checkpoint = checkpoints.last {
                source = .checkpoint(checkpoint)
            } else {
                source = .initial
            }
            workers[id]?.source = source
            send(.replaceState(generation: generation, source), to: id)
        }
    }

    mutating func stateFailed(
        _ id: WorkerID, _ message: String, _ now: ContinuousClock.Instant
    ) {
        guard let worker = workers[id], members.contains(id) else { return }
        event(
            .warning, "\(worker.name) could not take over the state: \(message)",
            ["worker": .integer(Int64(worker.number))])
        if case .checkpoint? = worker.source {
            workers[id]?.loadFailure = message
            judgeLoadFailures(now)
        } else {
            evict(
                id, reason: "it could not take over the state: \(message)", discardState: true, now)
        }
    }

    /// Once all have answered who were told to load a checkpoint: one that nobody could load is passed over, and whoever
    /// could not where others could is put out, for the fault is then its own.
    mutating func judgeLoadFailures(_ now: ContinuousClock.Instant) {
        let failed = members.filter { workers[$0]?.loadFailure != nil }
        let isDecided = members.allSatisfy {
            workers[$0]?.loadFailure != nil || holdsCommittedState($0)
        }
        guard phase == .regrouping, !failed.isEmpty, isDecided else { return }
        let failures = failed.compactMap { workers[$0] }
        if failures.count == members.count, case .checkpoint(let damaged)? = failures[0].source {
            checkpoints.removeAll { $0 == damaged }
            passedOver.insert(damaged)
            event(
                .warning,
                "checkpoint \(damaged) is passed over: \(failures[0].loadFailure ?? "damaged")",
                ["step": .integer(Int64(damaged.step))])
            holderAwaitedUntil = nil
            regroup(members, now)
            return
        }
        for worker in failures {
            evict(
                worker.id,
                reason: "it could not load the state, which others could: "
                    + (worker.loadFailure ?? ""), discardState: true, now)
        }
    }

    private mutating func pause(_ holders: [WorkerID], _ now: ContinuousClock.Instant) {
        enter(.paused, now)
        // Those without the state are candidates again when the run goes on.
        members = holders
        guard stop == nil else {
            proceed(now)
            return
        }
        event(
            .paused,
            "\(members.count) workers are left, the minimum is \(settings.minimumWorkers): "
                + "waiting \(seconds(settings.waitForWorkers)) for others",
            ["workers": .integer(Int64(members.count))])
        for id in holders {
            send(
                .plan(Plan(generation: generation, committed: committed, work: .hold)), to: id)
        }
        if members.contains(where: { workers[$0]?.isLeaving == true }) {
            proceed(now)
        } else {
            considerForming(now)
        }
    }

    /// The wait for workers is over: saves what is held, then ends with a hint.
    mutating func belowMinimum(_ count: Int, _ now: ContinuousClock.Instant) {
        if stop == nil {
            stop = Stop(
                outcome: Outcome(
                    exitCode: ExitCode.tooFewWorkers.rawValue,
                    message:
                        "only \(count) of at least \(settings.minimumWorkers) workers are here "
                        + "after \(seconds(settings.waitForWorkers)); go on with: \(settings.resumeCommand)"
                ),
                wantsCheckpoint: true, since: now)
        }
        proceed(now)
    }

    private mutating func announceGeneration(_ now: ContinuousClock.Instant) {
        var details: [String: JSONValue] = [
            "generation": .integer(Int64(generation)), "step": .integer(Int64(committed)),
            "workers": .array(
                members.map { .integer(Int64(workers[$0]?.number ?? 0)) }),
        ]
        var text =
            "generation \(generation): \(members.count == 1 ? "1 worker" : "\(members.count) workers") "
            + "from step \(committed) on"
        if let faultAt {
            let took = Double((now - faultAt) / .milliseconds(1))
            details["recovery_ms"] = .measured(took)
            text += ", re-formed \(Int(took)) ms after the fault was noticed"
            self.faultAt = nil
        }
        event(.generation, text, details)
    }

    func seconds(_ duration: Duration) -> String {
        "\(Int((duration / .seconds(1)).rounded())) s"
    }
}
