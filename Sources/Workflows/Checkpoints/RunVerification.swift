import Checkpoints
import CommandLineInterface
import Configurations
import Diagnosis
import Electrocardiography
import Kernels
import LinearAlgebra
import Runs
import Runtime
import Training

/// Computes steps of a run again, in one process, and compares the digests with those of its checkpoints.
///
/// The bits do not depend on who computes, so a state that is another one was not made by these steps from the state before.
public struct RunVerification {
    /// Which steps are computed again.
    public struct Choice: Sendable {
        /// The step to begin at; `nil` for the first state that there is.
        public var from: Int?
        /// The step to end at; `nil` for the newest checkpoint's.
        public var to: Int?
        /// How many of the segments between checkpoints, drawn from `seed`; `nil` for all.
        public var segments: Int?
        /// What they are drawn from.
        public var seed: UInt64

        /// Steps between two checkpoints' and segments of them.
        public init(from: Int?, to: Int?, segments: Int?, seed: UInt64) {
            (self.from, self.to, self.segments, self.seed) = (from, to, segments, seed)
        }
    }

    private typealias Stored = (name: CheckpointName, manifest: Manifest)

    private let record: RunRecord
    private let store: CheckpointStore
    private let dataset: PreparedDataset
    private let threads: Int
    private let log: Log

    /// A run whose checkpoints are to be looked at.
    ///
    /// - Parameters:
    ///   - directory: The run's folder; nothing is written there.
    ///   - data: The prepared data set; `nil` for where it was.
    ///   - threads: Compute threads.
    ///   - log: Told which checkpoints are passed over, and what else a reader of the result should know.
    /// - Throws: `RunError` where there is no run or the data set is another one, `PreparedDatasetError`, `CommandError` where
    ///   the memory does not do.
    public init(
        of directory: RunDirectory, data: FilePath?, threads: Int, log: Log = Log()
    ) throws {
        record = try directory.read()
        guard let path = data ?? record.dataPath else {
            throw TrainingError.dataPathUnknown(run: directory.path)
        }
        dataset = try PreparedDataset(path: path)
        if let expected = record.dataDigest, expected != dataset.digest {
            throw RunError.differs(
                path: directory.path,
                differences: [
                    "data set: sha256:\(dataset.digest) here, sha256:\(expected) in the run"
                ])
        }
        try MemoryEstimate.requireRoom(for: record.configuration, threads: threads)
        store = directory.checkpoints
        (self.threads, self.log) = (threads, log)
    }

    /// Computes the chosen steps.
    ///
    /// - Parameters:
    ///   - choice: Which.
    ///   - shouldStop: Asked before every step.
    ///   - progress: Told of every step that was computed, with the last one that is to be.
    ///   - report: Gets each segment as soon as it is compared.
    /// - Returns: What is proven.
    /// - Throws: `CheckpointError` where no checkpoint can be used, `WorkflowError` where the choice names a step without one,
    ///   or another kernel made them; whatever keeps a step from being computed.
    public func run(
        _ choice: Choice, shouldStop: () -> Bool, progress: (_ step: Int, _ last: Int) -> Void,
        report: (ComputedSegment) -> Void
    ) throws -> VerifiedRun {
        try takeKernel()
        let states = try soundStates()
        let segments = try Self.segments(
            between: steps(of: states), choice, checkpoints: store.path)
        try requireKernel(
            of: segments.flatMap { (states[$0.start] ?? []) + (states[$0.end] ?? []) })
        let replica = try TrainingReplica(
            configuration: record.configuration, dataset: dataset, threads: threads)
        var result = VerifiedRun(
            path: store.path.parent, kernel: MatrixProduct.kernelName, data: dataset.digest,
            available: steps(of: states).count - 1, computed: [], isInterrupted: false)
        // Weights from elsewhere are in the checkpoint of step 0 alone.
        var isHeld = record.configuration.initialWeights == nil
        for (start, end) in segments {
            if replica.step != start || !isHeld { try load(states[start] ?? [], into: replica) }
            while replica.step < end {
                guard !shouldStop() else {
                    result.isInterrupted = true
                    return result
                }
                try replica.runStep()
                progress(Int(replica.step), Int(segments.last?.end ?? end))
            }
            let segment = compare(replica, with: states[end] ?? [], start: start)
            isHeld = segment.isSame
            result.computed.append(segment)
            report(segment)
        }
        return result
    }

    // MARK: Which steps

    /// The checkpoints of which every byte is sound, by step.
    private func soundStates() throws -> [UInt64: [Stored]] {
        let digest = record.configuration.digest(dataset: dataset.digest)
        var states: [UInt64: [Stored]] = [:]
        for name in try store.list() {
            do throws(CheckpointError) {
                let manifest = try store.verify(name)
                guard manifest.context.suits(configurationDigest: digest) else {
                    throw .differs(
                        checkpoint: store.folder(of: name).text,
                        problem: "it was saved with another configuration or data set")
                }
                states[name.step, default: []].append((name, manifest))
            } catch {
                guard case .damaged = error else {
                    throw error
                }
                log.warning("checkpoint \(name) is passed over: \(error)")
            }
        }
        guard !states.isEmpty else { throw store.absence(of: nil) }
        return states
    }

    /// Starts the program again with the kernels that made all states, where others are in use; manifests alone are read for
    /// it, since every byte would be read twice otherwise.
    private func takeKernel() throws(CheckpointError) {
        let kernels = Set(
            try store.list().compactMap { try? store.manifest(of: $0).context.matrixKernel })
        guard kernels.count == 1, let kernel = kernels.first else { return }
        MatrixProduct.restart(withKernel: kernel)
    }

    private func requireKernel(of states: [Stored]) throws(CheckpointError) {
        let own = MatrixProduct.kernelName
        let others = Set(states.map(\.manifest.context.matrixKernel)).subtracting([own]).sorted()
        guard !others.isEmpty else { return }
        throw .differs(
            checkpoint: store.path.text,
            problem:
                "states were computed with the matrix kernel \(others.joined(separator: " and ")), "
                + "this process has \(own), whose last bits may be others; set OPENBLAS_CORETYPE, verify "
                + "on a machine of that kind, or name states of one kernel with --from and --to")
    }

    /// Steps of states that can be begun from or compared with; 0 is one where the seed decides the beginning.
    private func steps(of states: [UInt64: [Stored]]) -> [UInt64] {
        let first: Set<UInt64> = record.configuration.initialWeights == nil ? [0] : []
        return first.union(states.keys).sorted()
    }

    static func segments(
        between steps: [UInt64], _ choice: Choice, checkpoints: FilePath
    ) throws(WorkflowError) -> [(start: UInt64, end: UInt64)] {
        for step in [choice.from, choice.to].compactMap(\.self)
        where !steps.contains(UInt64(step)) {
            throw .noCheckpoint(of: step, in: checkpoints, steps: steps.map(Int.init))
        }
        let chosen = steps.filter {
            $0 >= UInt64(choice.from ?? 0) && $0 <= choice.to.map(UInt64.init) ?? .max
        }
        let all = Array(zip(chosen, chosen.dropFirst())).map { (start: $0, end: $1) }
        guard !all.isEmpty else {
            throw .nothingBetween(checkpoints: checkpoints, steps: steps.map(Int.init))
        }
        guard let count = choice.segments, count < all.count else { return all }
        var random = RandomStream(seed: choice.seed, purpose: .sampling)
        return all.indices.shuffled(using: &random).prefix(count).sorted().map { all[$0] }
    }

    // MARK: States

    private func load(_ stored: [Stored], into replica: TrainingReplica) throws {
        guard let (name, _) = stored.first else {
            preconditionFailure("the beginning is held only before the first step")
        }
        try store.load(name, into: replica.state)
        try replica.adoptState()
    }

    private func compare(
        _ replica: TrainingReplica, with stored: [Stored], start: UInt64
    ) -> ComputedSegment {
        let tensors = replica.state.map { TensorDigest($0) }
        let computed = StateDigest.combine(tensors)
        let other = stored.first { $0.manifest.stateDigest != computed }
        let held = Dictionary(
            uniqueKeysWithValues: (other?.manifest.tensors ?? []).map {
                ($0.digest.name, $0.digest)
            })
        let differing = other == nil ? [] : tensors.filter { held[$0.name] != $0 }.map(\.name)
        return ComputedSegment(
            start: Int(start), end: Int(replica.step), computed: computed,
            other: other.map { ($0.name.description, $0.manifest.stateDigest) },
            differing: differing.sorted(), tensorCount: tensors.count,
            software: stored.first?.manifest.context.software ?? "")
    }
}

/// Steps between two checkpoints that were computed again.
public struct ComputedSegment: CommandResult, Sendable {
    let start: Int
    let end: Int
    /// The digest of the computed state.
    let computed: Digest
    /// A checkpoint that holds another state; `nil` where all of that step hold the computed one.
    let other: (name: String, digest: Digest)?
    /// Names of tensors that differ.
    let differing: [String]
    let tensorCount: Int
    /// The version that wrote the checkpoint.
    let software: String

    /// Whether the checkpoint holds what the steps give.
    public var isSame: Bool { other == nil }

    /// Steps, digests, and what differs.
    public var json: JSONValue {
        [
            "kind": "segment", "from": .integer(Int64(start)), "to": .integer(Int64(end)),
            "same": .boolean(isSame), "sha256": .string(computed.description),
            "checkpoint": other.map { .string($0.name) } ?? .null,
            "checkpoint_sha256": .string((other?.digest ?? computed).description),
            "differing_tensors": .array(differing.map { .string($0) }),
            "software": .string(software),
        ]
    }

    /// The same in a line.
    public var text: String {
        let steps = "steps \(start) to \(end): "
        guard let other else { return steps + "the same state, sha256:\(computed)" }
        return steps
            + "ANOTHER STATE: checkpoint \(other.name) holds sha256:\(other.digest), computing "
            + "gives sha256:\(computed); \(differing.count) of \(tensorCount) tensors differ"
            + (differing.first.map { ", the first is \($0)" } ?? "")
    }
}

/// What computing again has shown of a run.
public struct VerifiedRun: CommandResult, Sendable {
    let path: FilePath
    let kernel: String
    let data: Digest
    /// Segments between states that the run holds.
    let available: Int
    /// Those that were computed.
    public internal(set) var computed: [ComputedSegment]
    /// Whether a signal ended it before its time.
    public internal(set) var isInterrupted: Bool

    /// Whether all that was computed is what the checkpoints hold.
    public var isSame: Bool { computed.allSatisfy(\.isSame) }

    private var steps: Int { computed.reduce(0) { $0 + $1.end - $1.start } }

    /// What is proven, and by what.
    public var json: JSONValue {
        [
            "kind": "verification", "same": .boolean(isSame), "steps": .integer(Int64(steps)),
            "segments": .integer(Int64(computed.count)),
            "available_segments": .integer(Int64(available)),
            "interrupted": .boolean(isInterrupted), "kernel": .string(kernel),
            "software": .string(Software.version), "data_sha256": .string(data.description),
        ]
    }

    /// The same in a sentence.
    public var text: String {
        let by =
            "by the matrix kernel \(kernel) and purkinje \(Software.version), on data sha256:\(data)"
        let part = "\(computed.count) of \(available) segments, \(steps) steps"
        guard isSame else {
            return
                "\(path): NOT what its steps give: computed \(part), \(by); the state at the start of a "
                + "segment that differs, or the one at its end, was not made by this configuration"
        }
        guard !isInterrupted else {
            return
                "\(path): interrupted: computed \(part) again \(by): nothing differs so far, and the rest is "
                + "not proven"
        }
        return "\(path): computed \(part) again \(by): all states are what the checkpoints hold"
    }
}
