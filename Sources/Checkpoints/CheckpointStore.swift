import Foundation
import Runtime
import Tensors

/// The folder of a run's checkpoints.
///
/// A checkpoint is a folder of its own. It is written under a name that ends in `.partial` and
/// renamed when all of it is on the disk, so that a checkpoint exists exactly when a folder without
/// that ending has a manifest. A process that dies in any line of this file leaves either what was
/// there before, or a whole checkpoint more.
///
/// Whoever reads a checkpoint holds a shared lock on its manifest, and `prune` passes over what is
/// locked.
public struct CheckpointStore: Sendable {
    /// A checkpoint that is being written.
    public struct Partial: Sendable, Equatable {
        /// The name that it will have.
        public let name: CheckpointName
        /// Its folder until then.
        public let path: FilePath
    }

    /// The folder.
    public let path: FilePath
    /// Where the folder is.
    public let files: any FileSystem
    private var trash: FilePath { path + "/.trash" }
    private static let partialEnding = ".partial"

    /// The checkpoints in a folder, which is made with the first of them.
    public init(path: FilePath, in files: any FileSystem = SystemFiles()) {
        self.path = path
        self.files = files
    }

    /// The folder of a whole checkpoint.
    public func folder(of name: CheckpointName) -> FilePath {
        path.appending("\(name)")
    }

    private func manifestPath(of name: CheckpointName) -> FilePath {
        folder(of: name).appending(FilePath(Manifest.fileName))
    }

    /// The folder of a checkpoint that is being written.
    public func partial(_ name: CheckpointName) -> Partial {
        Partial(name: name, path: folder(of: name) + Self.partialEnding)
    }

    // MARK: Writing

    /// Begins a checkpoint with an empty folder for its shards.
    ///
    /// - Parameter name: The checkpoint's; a damaged one of that name is removed.
    /// - Returns: Where its shards go.
    /// - Throws: `CheckpointError.exists` where a sound one has that name, and `system`.
    public func begin(_ name: CheckpointName) throws(CheckpointError) -> Partial {
        let partial = partial(name)
        if files.exists(folder(of: name)) {
            guard (try? verify(name)) == nil else { throw .exists(path: folder(of: name)) }
            try asCheckpointError { () throws(SystemError) in try discard(name) }
        }
        try asCheckpointError { () throws(SystemError) in
            for folder in [path.parent, path, trash] { try files.makeFolder(folder) }
            try files.removeAll(partial.path)
            try files.makeNewFolder(partial.path)
        }
        return partial
    }

    /// Makes a checkpoint of the shards in a partial folder.
    ///
    /// - Parameters:
    ///   - partial: The folder, in which all files of the manifest are.
    ///   - manifest: What is in it.
    /// - Throws: `CheckpointError`, where a file is absent or of another size than its receipt
    ///   says; the folder stays partial.
    public func commit(_ partial: Partial, _ manifest: Manifest) throws(CheckpointError) {
        for file in manifest.files {
            let tensors = manifest.tensors.filter { $0.file == file.name }
            _ = try CheckpointShardReader(file, tensors: tensors, folder: partial.path, in: files)
        }
        try asCheckpointError { () throws(SystemError) in
            try files.write(
                manifest.text, to: partial.path.appending(FilePath(Manifest.fileName)))
            let folder = folder(of: partial.name)
            try files.rename(partial.path, to: folder)
            do throws(SystemError) {
                try files.synchroniseFolder(path)
            } catch {
                // Whoever is told of a failure tries again, and has to find the name free.
                try? files.rename(folder, to: partial.path)
                throw error
            }
        }
    }

    /// Gives a checkpoint up, and the room that it took.
    public func abandon(_ partial: Partial) throws(CheckpointError) {
        try asCheckpointError { () throws(SystemError) in try files.removeAll(partial.path) }
    }

    // MARK: Reading

    /// The checkpoints that exist, newest first; whether they are sound is not looked at.
    public func list() throws(CheckpointError) -> [CheckpointName] {
        var whole: [CheckpointName] = []
        for name in try names(ending: "").sorted(by: >) {
            // One that the disk does not answer for must not seem to be absent.
            let manifest = try asCheckpointError { () throws(SystemError) in
                try files.kind(of: manifestPath(of: name))
            }
            if manifest != nil { whole.append(name) }
        }
        return whole
    }

    /// Reads the manifest of a checkpoint.
    public func manifest(of name: CheckpointName) throws(CheckpointError) -> Manifest {
        try open(name).manifest
    }

    /// Checks every byte of a checkpoint.
    ///
    /// - Parameter name: The checkpoint.
    /// - Returns: The manifest, whose state digest is then that of the bytes.
    /// - Throws: `CheckpointError.damaged`, naming the file.
    @discardableResult
    public func verify(_ name: CheckpointName) throws(CheckpointError) -> Manifest {
        let (manifest, lock) = try open(name)
        try read(manifest, of: name) { _ in nil }
        withExtendedLifetime(lock) {}
        return manifest
    }

    /// The newest checkpoint of which every byte is sound.
    ///
    /// - Parameters:
    ///   - step: Only checkpoints of this state; any where `nil`.
    ///   - report: Told of every damaged one that is passed over.
    /// - Returns: `nil` where there is none.
    /// - Throws: `CheckpointError.system` where the folder cannot be read.
    public func newestWhole(
        step: UInt64? = nil, report: (CheckpointName, CheckpointError) -> Void
    ) throws(CheckpointError) -> (name: CheckpointName, manifest: Manifest)? {
        for name in try list() where step == nil || name.step == step {
            do throws(CheckpointError) {
                return (name, try verify(name))
            } catch {
                report(name, error)
            }
        }
        return nil
    }

    /// Reads a checkpoint into a state, checking every byte on the way.
    ///
    /// - Parameters:
    ///   - name: The checkpoint.
    ///   - state: The same tensors as it was saved from, in any order.
    /// - Returns: The manifest.
    /// - Throws: `CheckpointError`: `differs` before anything is written, `damaged` when the state
    ///   may hold anything.
    @discardableResult
    public func load(
        _ name: CheckpointName, into state: [NamedTensor]
    ) throws(CheckpointError) -> Manifest {
        try load(name, into: state) { _ in true }
    }

    /// The same for the tensors of some names.
    private func load(
        _ name: CheckpointName, into state: [NamedTensor], where isWanted: (String) -> Bool
    ) throws(CheckpointError) -> Manifest {
        let (manifest, lock) = try open(name)
        let wanted = manifest.tensors.map(\.digest).filter { isWanted($0.name) }
        do throws(TensorMismatch) {
            try TensorMismatch.check(
                wanted.map {
                    .init(name: $0.name, elementType: $0.elementType, shape: $0.shape)
                }, against: state.sorted { precedes($0.name, $1.name) })
        } catch {
            throw error.inCheckpoint(folder(of: name).text)
        }
        let targets = Dictionary(uniqueKeysWithValues: state.map { ($0.name, $0.tensor) })
        try read(manifest, of: name) { targets[$0]?.bytes }
        withExtendedLifetime(lock) {}
        return manifest
    }

    /// Reads the newest checkpoint that is sound into a state.
    ///
    /// - Parameters:
    ///   - state: The same tensors as it was saved from.
    ///   - report: Told of every damaged one that is passed over.
    /// - Returns: What was read; `nil` where there is no sound one, and the state is then as it was
    ///   only if there was none at all.
    /// - Throws: `CheckpointError.differs` where a checkpoint is of another model, and `system`.
    public func loadNewestWhole(
        into state: [NamedTensor], report: (CheckpointName, CheckpointError) -> Void
    ) throws(CheckpointError) -> (name: CheckpointName, manifest: Manifest)? {
        for name in try list() {
            do throws(CheckpointError) {
                return (name, try load(name, into: state))
            } catch {
                if case .differs = error { throw error }
                report(name, error)
            }
        }
        return nil
    }

    /// Reads the parameters of the newest checkpoint that is sound into a network, to compute with it; every byte of the
    /// checkpoint is checked on the way, and read once.
    ///
    /// - Parameters:
    ///   - step: Only checkpoints of this state; any where `nil`.
    ///   - parameters: The network's, all that the checkpoint has, under their names in a state.
    ///   - report: Told of every damaged one that is passed over.
    /// - Returns: What was read.
    /// - Throws: `CheckpointError`: `absent` where there is no sound one, `differs` where it is of another network,
    ///   `notFinite` where a parameter has a NaN or an infinity.
    public func loadNewestParameters(
        step: UInt64? = nil, into parameters: [NamedTensor],
        report: (CheckpointName, CheckpointError) -> Void
    ) throws(CheckpointError) -> (name: CheckpointName, manifest: Manifest) {
        let found = try newest(step: step, report: report) { name throws(CheckpointError) in
            let manifest = try load(name, into: parameters) {
                $0.hasPrefix(OfficialWeights.parameterPrefix)
            }
            try requireFinite(parameters, of: name)
            return manifest
        }
        return (found.name, found.content)
    }

    /// Copies some tensors out of the newest checkpoint that is sound, which is read once.
    ///
    /// - Parameters:
    ///   - step: Only checkpoints of this state; any where `nil`.
    ///   - isWanted: Chooses tensors by name.
    ///   - report: Told of every damaged one that is passed over.
    /// - Returns: The manifest, and the tensors sorted by name.
    /// - Throws: `CheckpointError`: `absent` where there is no sound one, `notFinite` as `tensors(of:where:)`.
    public func newestTensors(
        step: UInt64? = nil, where isWanted: (String) -> Bool,
        report: (CheckpointName, CheckpointError) -> Void
    ) throws(CheckpointError) -> (name: CheckpointName, manifest: Manifest, tensors: [NamedTensor])
    {
        let found = try newest(step: step, report: report) { name throws(CheckpointError) in
            try tensors(of: name, where: isWanted)
        }
        return (found.name, found.content.manifest, found.content.tensors)
    }

    /// What can be read of the newest checkpoint of which it can be read.
    private func newest<Content>(
        step: UInt64?, report: (CheckpointName, CheckpointError) -> Void,
        _ read: (CheckpointName) throws(CheckpointError) -> Content
    ) throws(CheckpointError) -> (name: CheckpointName, content: Content) {
        for name in try list() where step == nil || name.step == step {
            do throws(CheckpointError) {
                return (name, try read(name))
            } catch {
                switch error {
                case .differs, .notFinite: throw error
                case .system, .damaged, .absent, .noStep, .exists, .busy: report(name, error)
                }
            }
        }
        throw absence(of: step)
    }

    /// What is said where no checkpoint, or none of a step, is whole.
    public func absence(of step: UInt64?) -> CheckpointError {
        guard let step else { return .absent(path: path) }
        let there = ((try? list()) ?? []).map(\.step).filter { $0 != step }
        return .noStep(path: path, step: step, there: Array(Set(there)).sorted())
    }

    private func requireFinite(
        _ tensors: [NamedTensor], of name: CheckpointName
    ) throws(CheckpointError) {
        for named in tensors {
            guard let problem = named.tensor.notFinite else { continue }
            throw .notFinite(
                checkpoint: folder(of: name).text, tensor: named.name, problem: problem)
        }
    }

    /// Copies some tensors out of a checkpoint, to be computed with, checking every byte of it on the way.
    ///
    /// - Parameters:
    ///   - name: The checkpoint.
    ///   - isWanted: Chooses tensors by name.
    /// - Returns: The manifest, and the tensors sorted by name.
    /// - Throws: `CheckpointError`, `notFinite` for the first of them that has a NaN or an infinity.
    public func tensors(
        of name: CheckpointName, where isWanted: (String) -> Bool
    ) throws(CheckpointError) -> (manifest: Manifest, tensors: [NamedTensor]) {
        let (manifest, lock) = try open(name)
        let tensors = manifest.tensors.map(\.digest).filter { isWanted($0.name) }.map { stored in
            NamedTensor(stored.name, Tensor(stored.elementType, shape: stored.shape))
        }
        let targets = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.tensor) })
        try read(manifest, of: name) { targets[$0]?.bytes }
        withExtendedLifetime(lock) {}
        try requireFinite(tensors, of: name)
        return (manifest, tensors)
    }

    private func read(
        _ manifest: Manifest, of name: CheckpointName,
        into destination: (String) -> UnsafeMutableRawBufferPointer?
    ) throws(CheckpointError) {
        for file in manifest.files {
            let tensors = manifest.tensors.filter { $0.file == file.name }
            let reader = try CheckpointShardReader(
                file, tensors: tensors, folder: folder(of: name), in: files)
            try reader.read(into: destination)
        }
    }

    /// A manifest, and the lock that keeps the checkpoint from being removed while it is held.
    private func open(
        _ name: CheckpointName
    ) throws(CheckpointError) -> (manifest: Manifest, lock: SharedLock) {
        let file = manifestPath(of: name)
        let lock: SharedLock
        let text: [UInt8]
        do throws(SystemError) {
            lock = try SharedLock(path: file, in: files)
            text = try files.contents(of: file)
        } catch  where error.code == ENOENT {
            throw .absent(path: folder(of: name))
        } catch {
            throw .system(error)
        }
        let manifest = try Manifest(parsing: text, file: file.text)
        guard manifest.context.step == name.step, manifest.generation == name.generation,
            manifest.term == name.term
        else {
            throw .damaged(file: file.text, problem: "it is the manifest of another checkpoint")
        }
        return (manifest, lock)
    }

    // MARK: Removing

    /// Removes old checkpoints, and what other removals left.
    ///
    /// Those that are plainly damaged (a manifest that is absent or cannot be read, a file that is
    /// absent or of another size) or were passed over are not counted, and removed only when enough
    /// sound ones are newer.
    ///
    /// - Parameters:
    ///   - count: How many of the newest stay, at least 1.
    ///   - sealed: The one that was just put in place. It stays and is the first that counts, also where
    ///     others are of later steps, to which the run has yet to come again.
    ///   - passedOver: Those that were found damaged when somebody read them.
    /// - Returns: What was removed.
    /// - Throws: `CheckpointError.system`.
    @discardableResult
    public func prune(
        keep count: Int, sealed: CheckpointName? = nil, passedOver: Set<CheckpointName> = []
    ) throws(CheckpointError) -> [CheckpointName] {
        let surplus = Self.surplus(
            of: try names(ending: ""), keep: count, sealed: sealed,
            isSound: { !passedOver.contains($0) && looksWhole($0) })
        var removed: [CheckpointName] = []
        for name in surplus {
            let manifest = manifestPath(of: name)
            guard !SharedLock.isHeld(path: manifest, in: files) else { continue }
            try asCheckpointError { () throws(SystemError) in try discard(name) }
            removed.append(name)
        }
        emptyTrash()
        return removed
    }

    /// The checkpoints that are no longer needed, newest first, as `prune` describes it.
    static func surplus(
        of names: [CheckpointName], keep count: Int, sealed: CheckpointName?,
        isSound: (CheckpointName) -> Bool
    ) -> [CheckpointName] {
        precondition(count >= 1, "at least one checkpoint has to stay, not \(count)")
        var kept = 0
        var surplus: [CheckpointName] = []
        for name in names.sorted(by: >) {
            if let sealed, name > sealed { continue }
            if kept >= count {
                surplus.append(name)
            } else if name == sealed || isSound(name) {
                kept += 1
            }
        }
        return surplus
    }

    /// Removes the unfinished checkpoints of former coordinators.
    ///
    /// - Parameter term: The term whose own are kept.
    /// - Returns: What was removed.
    /// - Throws: `CheckpointError.system`.
    @discardableResult
    public func removePartials(before term: UInt64) throws(CheckpointError) -> [CheckpointName] {
        let stale = try names(ending: Self.partialEnding).filter { $0.term < term }.sorted()
        for name in stale { try abandon(partial(name)) }
        emptyTrash()
        return stale
    }

    private func looksWhole(_ name: CheckpointName) -> Bool {
        guard let manifest = try? manifest(of: name) else { return false }
        return manifest.files.allSatisfy { file in
            let path = folder(of: name).appending(FilePath(file.name))
            return (try? files.status(of: path))?.byteCount == file.byteCount
        }
    }

    /// The names of folders with an ending, of which an absent store has none.
    private func names(ending: String) throws(CheckpointError) -> [CheckpointName] {
        let content: [FilePath]
        do throws(SystemError) {
            content = try files.names(in: path)
        } catch {
            guard error.code != ENOENT else { return [] }
            throw .system(error)
        }
        return content.map(\.text).compactMap { name in
            name.hasSuffix(ending) ? CheckpointName(name.dropLast(ending.count)) : nil
        }
    }

    /// Takes a checkpoint out of sight at once, and away after that.
    private func discard(_ name: CheckpointName) throws(SystemError) {
        try files.makeFolder(trash)
        for number in 0..<UInt32.max {
            do throws(SystemError) {
                return try files.rename(
                    folder(of: name), to: trash.appending("\(name)-\(number)"))
            } catch  where error.code == ENOENT {
                return
            } catch {
                // One of that name was discarded before, and could not be removed yet.
                guard error.code == EEXIST || error.code == ENOTEMPTY else { throw error }
            }
        }
    }

    /// Removes what was discarded.
    ///
    /// What cannot be removed now, because somebody has it open over the network, is removed the
    /// next time.
    private func emptyTrash() {
        for name in (try? files.names(in: trash)) ?? [] {
            try? files.removeAll(trash.appending(name))
        }
    }
}

/// A shared lock on a file, held for as long as it lives.
final class SharedLock: Sendable {
    private let file: any File

    init(path: FilePath, in files: any FileSystem) throws(SystemError) {
        file = try files.open(path, .reading)
        // A file system without locks is read without one: then only `prune` of another process
        // could disturb.
        _ = try? file.lock(.shared)
    }

    static func isHeld(path: FilePath, in files: any FileSystem) -> Bool {
        (try? files.open(path, .reading).lock(.exclusive)) == false
    }
}
