import Runtime
import Transport

/// What time tells: heartbeats, timeouts, waits, and complaints about the ring.
extension CoordinatorState {
    mutating func tick(_ now: ContinuousClock.Instant) {
        if now - lastHeartbeat >= settings.heartbeatInterval {
            lastHeartbeat = now
            for worker in workersByNumber { effects.append(.send(worker.link, .heartbeat)) }
        }
        for worker in workersByNumber
        where now - worker.lastHeard >= settings.failureTimeout {
            let silence = Int(((now - worker.lastHeard) / .milliseconds(1)).rounded())
            send(
                .evicted(reason: "silent for \(silence) ms", discardState: false), to: worker.id)
            lose(worker.id, reason: "silent for \(silence) ms", mayReturn: true, now)
            guard phase != .ended else { return }
        }
        switch phase {
        case .gathering:
            remindOfMissing(now)
            considerForming(now)
        case .paused:
            considerForming(now)
            if phase == .paused, stop == nil, now - phaseSince >= settings.waitForWorkers {
                belowMinimum(members.count, now)
            }
        case .regrouping:
            if waitsForHolder { tryForm(now) }
            warnOfStall(now)
        case .stepping, .closing:
            if let suspectedAt, now - suspectedAt >= settings.patience.suspicion {
                remakeRing(now)
            } else {
                warnOfStall(now)
            }
        case .saving: warnOfStall(now)
        case .ended: break
        }
    }

    private mutating func remindOfMissing(_ now: ContinuousClock.Instant) {
        guard now - lastNotice >= Limits.notice else { return }
        lastNotice = now
        let here = workersByNumber.map(\.name).joined(separator: ", ")
        let wanted = max(settings.workers, settings.minimumWorkers)
        let expected = someReturned ? awaited.count + workers.count : wanted
        event(
            .notice,
            "waiting for \(max(expected - workers.count, 0)) of \(expected) workers; "
                + (here.isEmpty ? "nobody is here" : "here: \(here)"))
    }

    /// A member could not use an edge of the ring.
    ///
    /// A dead neighbour shows within milliseconds as a closed control connection, a frozen one by its silence.
    /// Only where both ends live on for a while is it the link, and then the ring is made in another order.
    mutating func suspect(
        by id: WorkerID, generation suspected: UInt32, peer: UInt32?, reason: String,
        _ now: ContinuousClock.Instant
    ) {
        guard suspected == generation, phase == .stepping || phase == .closing else { return }
        if suspectedAt == nil { suspectedAt = now }
        workers[id]?.complaints += 1
        if let accused = workers.values.first(where: { $0.number == peer })?.id {
            workers[accused]?.complaints += 1
        }
        event(
            .notice, "\(workers[id]?.name ?? "a worker") reports: \(reason)",
            ["generation": .integer(Int64(generation))])
    }

    private mutating func remakeRing(_ now: ContinuousClock.Instant) {
        ringFailures += 1
        faultAt = faultAt ?? suspectedAt
        if ringFailures > 3, members.count > 1,
            let worst = members.max(by: {
                (workers[$0]?.complaints ?? 0) < (workers[$1]?.complaints ?? 0)
            })
        {
            ringFailures = 0
            evict(
                worst, reason: "its links failed again and again", discardState: false, now)
            return
        }
        // Every second member moves to the front, so that other pairs become neighbours.
        let even = members.indices.filter { $0 % 2 == 0 }.map { members[$0] }
        let odd = members.indices.filter { $0 % 2 == 1 }.map { members[$0] }
        regroup(odd + even, now)
    }

    /// Says once of a wait that it takes long, and who is waited for.
    private mutating func warnOfStall(_ now: ContinuousClock.Instant) {
        guard !warnedOfStall, let (what, missing) = waitInHand else { return }
        let times = recent.map(\.seconds).sorted()
        let median = times.isEmpty ? 0 : times[times.count / 2]
        let least = phase == .stepping ? Limits.longStep : Limits.longWait
        let patience = max(median * 10, least / .seconds(1))
        guard (now - phaseSince) / .seconds(1) > patience else { return }
        warnedOfStall = true
        event(
            .warning, "\(what) takes longer than \(Int(patience)) s; \(missing)",
            ["step": .integer(Int64(committed))])
    }

    /// What the members are busy with, and whose part of it is missing.
    private var waitInHand: (what: String, missing: String)? {
        func names(where isMissing: (Worker) -> Bool) -> String {
            members.compactMap { workers[$0] }.filter(isMissing).map {
                "\($0.name) (\($0.heartbeat?.activity ?? "silent"))"
            }.joined(separator: ", ")
        }
        switch phase {
        case .stepping: return ("step \(committed + 1)", "not ready: " + names { $0.ready == nil })
        case .regrouping where waitsForHolder:
            return ("the return of those who hold step \(committed)", "nobody else holds it")
        case .regrouping:
            let silent = names { $0.reported != generation }
            let empty = names { !holdsCommittedState($0.id) }
            return (
                "the forming of generation \(generation)",
                silent.isEmpty
                    ? "the state of step \(committed) is not taken over by: \(empty)"
                    : "no answer from: \(silent)"
            )
        case .closing:
            return (
                "what comes after the last step", "not done: " + names { $0.closingReport == nil }
            )
        case .saving: return save.map { ("checkpoint \($0.name)", missingShards(of: $0)) }
        case .gathering, .paused, .ended: return nil
        }
    }

    /// Who still owes a part of a checkpoint, in words.
    func missingShards(of save: Save) -> String {
        guard !save.isSealing else { return "all parts are there and are being put in place" }
        let owing = save.writers.indices.filter { !save.answers.contains($0) }
        let names = owing.map { workers[save.writers[$0]]?.name ?? "a worker that is gone" }
        return "parts are missing from: \(names.joined(separator: ", "))"
    }

    /// The run as it is, for somebody who looks.
    public func status(at now: ContinuousClock.Instant) -> JSONValue {
        let phases: [Phase: String] = [
            .gathering: "waiting for workers", .regrouping: "forming", .paused: "paused",
            .stepping: "training", .saving: "saving", .closing: "closing", .ended: "ended",
        ]
        let rows = workersByNumber.map { worker -> JSONValue in
            [
                "worker": .integer(Int64(worker.number)), "name": .string(worker.name),
                "address": .string(worker.endpoint.description),
                "member": .boolean(members.contains(worker.id)),
                "activity": .string(worker.heartbeat?.activity ?? "joining"),
                "resident_bytes": .integer(
                    Int64(clamping: worker.heartbeat?.residentBytes ?? 0)),
                "silent_ms": .integer(Int64((now - worker.lastHeard) / .milliseconds(1))),
            ]
        }
        return [
            "phase": .string(phases[phase] ?? ""), "step": .integer(Int64(committed)),
            "final_step": .integer(Int64(settings.finalStep)),
            "generation": .integer(Int64(generation)), "term": .integer(Int64(term)),
            "workers": .array(rows),
            "last_checkpoint": checkpoints.last.map { .string($0.description) } ?? .null,
        ]
    }
}
