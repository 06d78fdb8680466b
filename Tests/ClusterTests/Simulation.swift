@testable import Checkpoints
import Runtime
import Transport

@testable import Cluster

/// A small generator with a seed, so that every history can be replayed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return mix(state)
    }
}

func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
}

/// A training run in miniature: the state is one number, a shard's gradient a hash of state, step and shard.
enum ToyModel {
    static func contribution(step: UInt64, shard: Int, state: UInt64, round: UInt8) -> UInt64 {
        mix(state ^ mix(step &* 131 &+ UInt64(shard) &* 7919 &+ UInt64(round)))
    }
    static func needsSecondRound(_ step: UInt64) -> Bool { step % 3 == 1 }
    static func exponents(_ step: UInt64) -> [UInt8] { [UInt8(step & 255), 7] }
    static func next(_ state: UInt64, sum: UInt64) -> UInt64 { mix(state &+ mix(sum)) }

    /// States 0...count of an undisturbed run.
    static func reference(steps: UInt64, shards: Int) -> [UInt64] {
        var states: [UInt64] = [42]
        for step in 0..<steps {
            let state = states[Int(step)]
            let round: UInt8 = needsSecondRound(step) ? 1 : 0
            let sum = (0..<shards).reduce(UInt64(0)) {
                $0 &+ contribution(step: step, shard: $1, state: state, round: round)
            }
            states.append(next(state, sum: sum))
        }
        return states
    }
}

/// The faults that a history is made of, as chances in ten thousand per event.
struct FaultRates {
    var kill = 6, freeze = 6, join = 6, cut = 4, leave = 2, coordinator = 4
    /// A worker that says why it fails.
    var failure = 3
    /// Of a save, as a whole or of one writer; and of a writer that takes its time.
    var failedSave = 400, failedShard = 200, hangingShard = 400
    /// Of a load: that the checkpoint is damaged, or that this worker alone cannot read any.
    var damage = 500, blindness = 500
    var losesJournalTail = false
    static let none = FaultRates(
        kill: 0, freeze: 0, join: 0, cut: 0, leave: 0, coordinator: 0, failure: 0, failedSave: 0,
        failedShard: 0, hangingShard: 0, damage: 0, blindness: 0)
}

/// Worker and coordinator state machines joined by a network, rings and disks that fail as a seed says.
struct Simulation {
    struct Node {
        var state: WorkerState
        var model: (step: UInt64, value: UInt64)?
        var sums: (step: UInt64, round: UInt8, shards: Set<Int>, total: UInt64)?
        var reduced: (step: UInt64, total: UInt64)?
        var link: LinkID?
        var toWorker: [CoordinatorMessage] = []
        var toCoordinator: [WorkerMessage] = []
        var linkIsClosing = false
        var job: WorkerJob?
        var hasEntered = false
        var abandonedBelow: UInt32 = 0
        var frozenUntil: Duration = .zero
        var reconnectAt: Duration = .zero
        var nextBeat: Duration = .zero
        var exitCode: Int32?
        /// Whether it can read no checkpoint, as through a stale mount.
        var isBlind = false
        /// What it will say of a shard that is written slowly, and when.
        var slowShards: [(message: WorkerMessage, at: Duration)] = []
        var isAlive: Bool { exitCode == nil }
    }

    struct Entry {
        var shards: Set<Int>
        var total: UInt64
    }

    struct RoundKey: Hashable {
        var generation: UInt32
        var step: UInt64
        var round: UInt8
    }

    let settings: CoordinatorSettings
    let reference: [UInt64]
    let rates: FaultRates
    var random: SeededGenerator
    var faultsLeft: Int
    var nodes: [Node] = []
    var coordinator: CoordinatorState?
    var journal: [JournalRecord] = []
    var term: UInt32 = 0
    var restartAt: Duration = .zero
    var time: Duration = .zero
    var nextTick: Duration = .zero
    let origin = ContinuousClock.now
    var nextLink = 0
    var rings: [UInt32: [ExchangeMember]] = [:]
    var rounds: [RoundKey: [WorkerID: Entry]] = [:]
    var disk: [(name: CheckpointName, value: UInt64, isWhole: Bool)] = []
    /// How many checkpoints stay.
    let keep: Int
    /// What went wrong with checkpoints.
    var blindLoads = 0, damagedLoads = 0, slowSaves = 0
    /// Failed saves, by step.
    var failedSaves: [UInt64: Int] = [:]
    var sealing: [(name: CheckpointName, failure: CheckpointFailure?)] = []
    var metricsStep: UInt64 = 0
    var outcome: Outcome?
    var problems: [String] = []
    var faultsDone = 0
    var recomputedShards = 0
    /// When somebody asks the run to stop; from then on nothing more fails.
    var stopAt: Duration?
    /// The term whose coordinator was asked.
    var stopTerm: UInt32?
    /// The step that somebody held who was up when the coordinator was asked.
    var heldAtStop: UInt64 = 0

    init(
        seed: UInt64, settings: CoordinatorSettings, rates: FaultRates = FaultRates(),
        faults: Int = 6
    ) {
        self.settings = settings
        self.rates = rates
        random = SeededGenerator(seed: seed)
        keep = Int(seed % 3) + 1
        faultsLeft = faults
        reference = ToyModel.reference(
            steps: settings.finalStep, shards: settings.logicalShards)
        startCoordinator()
        for _ in 0..<settings.workers { addNode() }
    }

    var now: ContinuousClock.Instant { origin + time }

    mutating func chance(_ perTenThousand: Int) -> Bool {
        Int.random(in: 0..<10_000, using: &random) < perTenThousand
    }

    mutating func require(_ condition: Bool, _ message: String) {
        if !condition { problems.append("at \(time): \(message)") }
    }

    // MARK: The run

    /// Plays until the run ends; a run that does not end is a problem of its own.
    mutating func run(maximumEvents: Int = 150_000) {
        for _ in 0..<maximumEvents {
            if outcome != nil || !problems.isEmpty { return }
            if faultsLeft > 0 { maybeFault() }
            step()
        }
        require(
            false,
            "no end: phase \(String(describing: coordinator?.phase)) committed \(coordinator?.committed ?? 0)"
        )
    }

    private mutating func step() {
        let choice = Int.random(in: 0..<10, using: &random)
        // The dead take no turns, or those who are left would get fewer and fewer.
        guard choice > 2,
            let index = nodes.indices.filter({ nodes[$0].isAlive }).randomElement(using: &random)
        else {
            advance()
            return
        }
        if choice < 5 {
            deliverToCoordinator(index)
        } else if nodes[index].frozenUntil > time {
            return
        } else if choice < 7 {
            deliverToWorker(index)
        } else {
            work(index)
        }
    }

    private mutating func advance() {
        time += .milliseconds(Int.random(in: 1...20, using: &random))
        if coordinator == nil, time >= restartAt { startCoordinator() }
        if let stopAt, time >= stopAt { askToStop() }
        for index in nodes.indices where nodes[index].isAlive && nodes[index].frozenUntil <= time {
            if nodes[index].link == nil, coordinator != nil, time >= nodes[index].reconnectAt {
                connect(index)
            } else if nodes[index].link != nil, time >= nodes[index].nextBeat {
                nodes[index].nextBeat = time + settings.heartbeatInterval
                nodes[index].toCoordinator.append(
                    .heartbeat(
                        Heartbeat(
                            generation: 0, step: nodes[index].model?.step ?? 0, activity: "",
                            residentBytes: 0)))
            }
        }
        for index in nodes.indices where nodes[index].isAlive { sayOfSlowShards(index) }
        // What `launch` does: dead workers are started again.
        if nodes.count(where: \.isAlive) < settings.workers, chance(300) { addNode() }
        if time >= nextTick {
            nextTick = time + settings.heartbeatInterval
            feed(.tick)
        }
        if !sealing.isEmpty, chance(3_000) {
            let (name, failure) = sealing.removeFirst()
            feed(.checkpointSealed(name, failure))
        }
    }

    /// What `launch` does: asks the coordinator, or the one that it starts for that.
    private mutating func askToStop() {
        faultsLeft = 0
        guard let coordinator, stopTerm == nil else { return }
        stopTerm = coordinator.term
        let committed = coordinator.committedSteps
        let isHeld = nodes.contains {
            $0.isAlive && $0.frozenUntil <= time && $0.model?.step == committed
        }
        heldAtStop = isHeld ? committed : 0
        feed(.stopRequested())
    }

    // MARK: Faults

    private mutating func maybeFault() {
        let before = faultsLeft
        let index = Int.random(in: 0..<max(nodes.count, 1), using: &random)
        let isUp = nodes.indices.contains(index) && nodes[index].isAlive
        if isUp, chance(rates.kill) {
            kill(index)
            faultsLeft -= 1
        } else if isUp, chance(rates.freeze) {
            nodes[index].frozenUntil =
                time + .milliseconds(Int.random(in: 100...9_000, using: &random))
            faultsLeft -= 1
        } else if isUp, chance(rates.cut), nodes[index].link != nil {
            disconnect(index)
            faultsLeft -= 1
        } else if isUp, chance(rates.failure), let link = nodes[index].link,
            isOneOfSeveral(nodes[index].state.id)
        {
            feed(.message(link, .failed(message: "a broken machine")))
            kill(index)
            faultsLeft -= 1
        } else if isUp, chance(rates.leave), nodes.count(where: \.isAlive) > 1 {
            apply(nodes[index].state.leave(), to: index)
            faultsLeft -= 1
        } else if chance(rates.join), nodes.count(where: \.isAlive) < settings.logicalShards + 2 {
            addNode()
            faultsLeft -= 1
        } else if coordinator != nil, chance(rates.coordinator) {
            crashCoordinator()
            faultsLeft -= 1
        }
        faultsDone += before - faultsLeft
    }

    /// Whether the run has others who may go on: the failure of the last one is its end.
    private func isOneOfSeveral(_ id: WorkerID) -> Bool {
        coordinator?.workers.values.contains { $0.id != id && !$0.isLeaving } == true
    }

    private mutating func kill(_ index: Int) {
        disconnect(index)
        nodes[index].exitCode = 137
        nodes[index].job = nil
    }

    private mutating func disconnect(_ index: Int) {
        guard let link = nodes[index].link else { return }
        nodes[index].link = nil
        nodes[index].toWorker = []
        nodes[index].toCoordinator = []
        nodes[index].linkIsClosing = false
        nodes[index].reconnectAt =
            time + .milliseconds(Int.random(in: 1...800, using: &random))
        feed(.closed(link, reason: "connection reset"))
    }

    private mutating func crashCoordinator() {
        coordinator = nil
        sealing = []
        if rates.losesJournalTail, chance(5_000) {
            journal.removeLast(min(journal.count, Int.random(in: 1...2, using: &random)))
        }
        restartAt = time + .milliseconds(Int.random(in: 50...5_000, using: &random))
        for index in nodes.indices {
            nodes[index].link = nil
            nodes[index].toWorker = []
            nodes[index].toCoordinator = []
            nodes[index].linkIsClosing = false
            nodes[index].reconnectAt =
                time + .milliseconds(Int.random(in: 1...1_500, using: &random))
        }
    }

    // MARK: The coordinator

    private mutating func startCoordinator() {
        term += 1
        var recovered = RecoveredRun(replaying: journal, term: term)
        // All of the newest ones are read, down to one that is whole.
        let newest = disk.filter(\.isWhole).map(\.name).max()
        recovered.checkpoints = disk.map(\.name).filter { name in
            newest.map { name <= $0 } ?? false
        }.sorted()
        recovered.passedOver = Set(disk.map(\.name)).subtracting(recovered.checkpoints)
        recovered.metricsStep = metricsStep
        coordinator = CoordinatorState(settings: settings, recovered: recovered, now: now)
        nextTick = time
    }

    mutating func feed(_ event: CoordinatorEvent) {
        let now = now
        guard let effects = coordinator?.handle(event, at: now) else { return }
        for effect in effects {
            if faultsLeft > 0, rates.coordinator > 0, chance(3) {
                // Dies in the middle of what it was about to do.
                faultsLeft -= 1
                faultsDone += 1
                crashCoordinator()
                return
            }
            perform(effect)
        }
    }

    private mutating func perform(_ effect: CoordinatorEffect) {
        switch effect {
        case .send(let link, let message):
            if let index = nodes.firstIndex(where: { $0.link == link && !$0.linkIsClosing }) {
                nodes[index].toWorker.append(message)
            }
        case .close(let link):
            if let index = nodes.firstIndex(where: { $0.link == link }) {
                nodes[index].linkIsClosing = true
            }
        case .journal(let record): journal.append(record)
        case .openCheckpoint, .abandonCheckpoint, .event, .closingReport: break
        case .sealCheckpoint(let name, let receipts, let passedOver):
            seal(name, receipts, passedOver)
        case .metrics(let report, _):
            require(
                report.step == metricsStep + 1,
                "metrics jump from \(metricsStep) to \(report.step)")
            require(
                report.report == .string(String(reference[Int(report.step)])),
                "metrics of step \(report.step) are not the reference's")
            metricsStep = report.step
        case .rewind(let step): metricsStep = min(metricsStep, step)
        case .end(let outcome): self.outcome = outcome
        }
    }

    private mutating func seal(
        _ name: CheckpointName, _ receipts: [JSONValue], _ passedOver: Set<CheckpointName>
    ) {
        for receipt in receipts {
            require(
                receipt == .string(String(reference[Int(name.step)])),
                "a shard of checkpoint \(name) is of another state")
        }
        if mayFailToSave(name), chance(rates.failedSave) {
            noteFailedSave(name)
            sealing.append((name, CheckpointFailure("no space left")))
        } else {
            disk.removeAll { $0.name == name }
            disk.append((name, reference[Int(name.step)], true))
            // Damage shows to those who read all of it.
            let surplus = CheckpointStore.surplus(
                of: disk.map(\.name), keep: keep, sealed: name,
                isSound: { !passedOver.contains($0) })
            disk.removeAll { surplus.contains($0.name) }
            require(disk.contains { $0.name == name }, "\(name) is removed when it is sealed")
            sealing.append((name, nil))
        }
    }

    /// Three failures of a state for which the members are held end a run, as they should.
    func mayFailToSave(_ name: CheckpointName) -> Bool {
        faultsLeft > 0 && (coordinator?.phase != .saving || failedSaves[name.step, default: 0] < 2)
    }

    mutating func noteFailedSave(_ name: CheckpointName) {
        faultsLeft -= 1
        faultsDone += 1
        failedSaves[name.step, default: 0] += 1
    }

    // MARK: Connections

    mutating func addNode() {
        let id = WorkerID(random.next() | 1)
        var node = Node(state: WorkerState(id: id, step: 0))
        node.model = (0, reference[0])
        nodes.append(node)
    }

    private mutating func connect(_ index: Int) {
        nextLink += 1
        let link = LinkID(nextLink)
        nodes[index].link = link
        nodes[index].nextBeat = time
        nodes[index].toCoordinator = [.hello(hello(nodes[index].state))]
    }

    private func hello(_ state: WorkerState) -> Hello {
        Hello(
            id: state.id, number: state.number, softwareVersion: "", runID: "",
            configurationDigest: "", configuration: "", datasetDigest: "", matrixLibrary: "",
            kernel: "",
            hostName: "host", processID: 1, threads: 1, dataPort: 1, advertisedHost: "",
            term: state.term, generation: state.generation, held: state.held)
    }

    private mutating func deliverToCoordinator(_ index: Int) {
        guard let link = nodes[index].link, !nodes[index].toCoordinator.isEmpty else { return }
        let message = nodes[index].toCoordinator.removeFirst()
        if case .hello(let hello) = message {
            feed(.joined(link, hello, NetworkAddress(host: "127.0.0.1", port: 1)))
            return
        }
        let before = coordinator?.passedOver ?? []
        feed(.message(link, message))
        guard let coordinator else { return }
        for name in coordinator.passedOver.subtracting(before)
        where disk.contains(where: { $0.name == name && $0.isWhole }) {
            let members = nodes.filter { coordinator.members.contains($0.state.id) }
            require(
                members.allSatisfy(\.isBlind), "\(name) is passed over, and somebody can read it")
        }
    }

    private mutating func deliverToWorker(_ index: Int) {
        if nodes[index].toWorker.isEmpty {
            if nodes[index].linkIsClosing { disconnect(index) }
            return
        }
        let message = nodes[index].toWorker.removeFirst()
        if case .evicted(_, true) = message { nodes[index].model = nil }
        let effects = nodes[index].state.receive(message)
        apply(effects, to: index)
    }

    private mutating func apply(_ effects: [WorkerEffect], to index: Int) {
        for effect in effects {
            switch effect {
            case .send(let message):
                if nodes[index].link != nil { nodes[index].toCoordinator.append(message) }
            case .abandon(let generation):
                nodes[index].abandonedBelow = max(
                    nodes[index].abandonedBelow == .max ? 0 : nodes[index].abandonedBelow,
                    generation)
            case .form(let generation, let ring): rings[generation] = ring
            case .reconnect: disconnect(index)
            case .exit(let code, _):
                disconnect(index)
                nodes[index].exitCode = code
                nodes[index].job = nil
            }
        }
    }
}
