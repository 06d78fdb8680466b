import Runtime
import Tensors

/// Writes tensors while training goes on: they are copied when told to, and written by a thread of
/// its own.
///
/// At most one save is in flight. The copies live in staging buffers that are made with the first
/// save and used again by all that have the same tensors.
public final class BackgroundCheckpointWriter: Sendable {
    private struct State {
        var staging: [NamedTensor] = []
        var work: (@Sendable ([NamedTensor]) -> Void)?
        var isBusy = false
        var isStopping = false
    }

    private let state: Monitor<State>
    private let thread: NamedThread

    /// Starts the writer's thread.
    public init() throws(SystemError) {
        let state = Monitor(State())
        self.state = state
        thread = try NamedThread("checkpoint") {
            while let (work, staging) = state.wait(
                until: { $0.work != nil || $0.isStopping },
                then: { state -> (@Sendable ([NamedTensor]) -> Void, [NamedTensor])? in
                    defer { state.work = nil }
                    return state.work.map { ($0, state.staging) }
                }) ?? nil
            {
                work(staging)
                state.update { $0.isBusy = false }
            }
        }
    }

    /// Waits for the save in flight, and ends the thread.
    deinit {
        state.update { $0.isStopping = true }
        thread.join()
    }

    /// Whether a save is in flight.
    public var isBusy: Bool { state.withLock { $0.isBusy } }

    /// Waits until no save is in flight.
    ///
    /// - Parameter timeout: How long at most; `nil` for as long as it takes.
    /// - Returns: Whether that is so.
    @discardableResult
    public func waitUntilIdle(timeout: Duration? = nil) -> Bool {
        state.wait(timeout: timeout, until: { !$0.isBusy }, then: { _ in true }) ?? false
    }

    /// Makes the staging buffers before the first save, whose pause is then no longer than that of
    /// the others.
    ///
    /// - Parameter tensors: What is going to be saved; their numbers do not matter.
    /// - Precondition: No save is in flight.
    public func prepare(for tensors: [NamedTensor]) {
        precondition(!isBusy, "staging buffers are in use")
        guard !Self.fits(state.withLock({ $0.staging }), tensors) else { return }
        state.withLock { $0.staging = [] }
        let staging = Self.buffers(for: tensors)
        state.withLock { $0.staging = staging }
    }

    /// Copies tensors and hands the copies to a closure on the writer's thread.
    ///
    /// The tensors may change as soon as this returns.
    ///
    /// - Parameters:
    ///   - tensors: What is saved.
    ///   - work: What the thread does with the copies, which are its own until it returns.
    /// - Returns: Whether the save was begun: not while another is in flight.
    public func stage(
        _ tensors: [NamedTensor], then work: @escaping @Sendable ([NamedTensor]) -> Void
    ) -> Bool {
        let isFree = state.withLock { state in
            defer { state.isBusy = true }
            return !state.isBusy
        }
        guard isFree else { return false }
        // The lock is free while bytes are copied: the thread touches the staging buffers only when
        // it has work.
        var staging = state.withLock { $0.staging }
        if !Self.fits(staging, tensors) {
            state.withLock { $0.staging = [] }
            staging = []
            staging = Self.buffers(for: tensors)
        }
        for (copy, original) in zip(staging, tensors) {
            copy.tensor.bytes.copyMemory(from: UnsafeRawBufferPointer(original.tensor.bytes))
        }
        state.update { state in
            state.staging = staging
            state.work = work
        }
        return true
    }

    private static func buffers(for tensors: [NamedTensor]) -> [NamedTensor] {
        tensors.map { named in
            NamedTensor(named.name, Tensor(named.tensor.elementType, shape: named.tensor.shape))
        }
    }

    private static func fits(_ staging: [NamedTensor], _ tensors: [NamedTensor]) -> Bool {
        staging.count == tensors.count
            && zip(staging, tensors).allSatisfy { copy, original in
                copy.name == original.name
                    && copy.tensor.elementType == original.tensor.elementType
                    && copy.tensor.shape == original.tensor.shape
            }
    }

    /// Saves one shard of several: what a worker does.
    ///
    /// - Parameters:
    ///   - tensors: The shard's.
    ///   - index: Counted from 0.
    ///   - count: Number of shards.
    ///   - folder: The unfinished checkpoint's.
    ///   - files: Where it is.
    ///   - completion: Told on the writer's thread how it went.
    /// - Returns: Whether the save was begun: not while another is in flight.
    public func save(
        _ tensors: [NamedTensor], index: Int, of count: Int, into folder: FilePath,
        in files: any FileSystem,
        completion: @escaping @Sendable (Result<CheckpointShardReceipt, CheckpointError>) -> Void
    ) -> Bool {
        stage(tensors) { copies in
            completion(
                Result { () throws(CheckpointError) in
                    try CheckpointShard.write(
                        copies, index: index, of: count, into: folder, in: files)
                })
        }
    }

    /// Saves a whole state in one shard, and removes old checkpoints and what former terms left:
    /// what a single process does.
    ///
    /// - Parameters:
    ///   - state: All tensors.
    ///   - store: Where to.
    ///   - name: The checkpoint's.
    ///   - context: Of which run and moment the state is.
    ///   - keep: How many of the newest checkpoints stay.
    ///   - passedOver: Checkpoints that were found damaged, which do not count among these.
    ///   - completion: Told on the writer's thread how it went; after a failure earlier checkpoints
    ///     are as they were.
    /// - Returns: Whether the save was begun: not while another is in flight.
    public func save(
        _ state: [NamedTensor], to store: CheckpointStore, as name: CheckpointName,
        context: CheckpointContext, keep: Int, passedOver: Set<CheckpointName> = [],
        completion: @escaping @Sendable (Result<SavedCheckpoint, CheckpointError>) -> Void
    ) -> Bool {
        stage(state) { copies in
            completion(
                Result { () throws(CheckpointError) in
                    try store.save(copies, as: name, context: context)
                    return SavedCheckpoint(
                        name: name,
                        unremoved: store.tidy(keep: keep, sealed: name, passedOver: passedOver))
                })
        }
    }
}

/// What became of a save: the checkpoint is whole, whether old ones could be removed or not.
public struct SavedCheckpoint: Sendable {
    /// The checkpoint.
    public let name: CheckpointName
    /// Why old checkpoints are still there.
    public let unremoved: CheckpointError?
}

extension CheckpointStore {
    /// Removes old checkpoints, and unfinished ones of former terms, once a new one is whole.
    ///
    /// - Parameters:
    ///   - count: How many of the newest stay.
    ///   - sealed: The new one; unfinished ones of its own term stay.
    ///   - passedOver: Checkpoints that were found damaged, which do not count.
    /// - Returns: What kept some of them, which are removed the next time; the new one is no less whole.
    public func tidy(
        keep count: Int, sealed: CheckpointName, passedOver: Set<CheckpointName> = []
    ) -> CheckpointError? {
        do throws(CheckpointError) {
            try prune(keep: count, sealed: sealed, passedOver: passedOver)
            try removePartials(before: sealed.term)
            return nil
        } catch {
            return error
        }
    }

    /// Saves a whole state in one shard, and returns when it is safe on the disk.
    ///
    /// - Parameters:
    ///   - state: All tensors.
    ///   - name: The checkpoint's.
    ///   - context: Of which run and moment the state is.
    /// - Returns: The manifest.
    /// - Throws: `CheckpointError`; earlier checkpoints are then as they were.
    @discardableResult
    public func save(
        _ state: [NamedTensor], as name: CheckpointName, context: CheckpointContext
    ) throws(CheckpointError) -> Manifest {
        let partial = try begin(name)
        do throws(CheckpointError) {
            let receipt = try CheckpointShard.write(
                state, index: 0, of: 1, into: partial.path, in: files)
            let manifest = try Manifest(context: context, name: name, receipts: [receipt])
            try commit(partial, manifest)
            return manifest
        } catch {
            try? abandon(partial)
            throw error
        }
    }
}
