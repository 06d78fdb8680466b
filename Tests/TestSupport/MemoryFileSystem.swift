import Foundation
import Runtime

/// Files in memory, which forget at a power cut what was not synchronised, and fail where they are told to.
///
/// Every operation has a number, so that a test can let each of them fail in turn. A file system of this kind is the
/// strictest that programs have to expect: the bytes of a file last when the file was synchronised, its name when the folder was,
/// and one says nothing of the other. There are no links in it.
public final class MemoryFileSystem: FileSystem {
    let state: Monitor<State>

    /// An empty file system with folders in it that last.
    public init(folders: [FilePath] = []) {
        state = Monitor(State())
        for folder in folders {
            state.withLock { state in
                var node = 0
                for name in State.names(of: folder) { node = state.lastingFolder(name, in: node) }
            }
        }
    }

    init(_ state: State) { self.state = Monitor(state) }

    /// Opens a file.
    public func open(_ path: FilePath, _ opening: FileOpening) throws(SystemError) -> any File {
        let node = try perform("open", path) { state, fault throws(SystemError) in
            let found = try state.find(path, "open")
            if let found {
                guard opening != .new else { throw Self.error("open", path, EEXIST) }
                guard state.nodes[found].names == nil || opening == .reading else {
                    throw Self.error("open", path, EISDIR)
                }
                if opening == .emptied { state.nodes[found].change(.cut(0)) }
                return found
            }
            guard opening != .reading, opening != .present else {
                throw Self.error("open", path, ENOENT)
            }
            return try state.add(Node(), path, "open", fault)
        }
        return MemoryFile(self, node: node, path: path)
    }

    /// What there is to say of a path.
    public func status(of path: FilePath) throws(SystemError) -> FileStatus {
        try perform("stat", path) { state, _ throws(SystemError) in
            guard let node = try state.find(path, "stat") else {
                throw Self.error("stat", path, ENOENT)
            }
            return state.status(of: node)
        }
    }

    /// There are no links.
    public func linkTarget(of path: FilePath) throws(SystemError) -> FilePath? {
        try perform("readlink", path) { _, _ in nil }
    }

    /// The names in a folder.
    public func names(in folder: FilePath) throws(SystemError) -> [FilePath] {
        try perform("open", folder) { state, _ throws(SystemError) in
            guard let node = try state.find(folder, "open") else {
                throw Self.error("open", folder, ENOENT)
            }
            guard let names = state.nodes[node].names else {
                throw Self.error("open", folder, ENOTDIR)
            }
            return names.keys.sorted()
        }
    }

    /// Makes a folder.
    public func makeNewFolder(_ path: FilePath) throws(SystemError) {
        try perform("mkdir", path) { state, fault throws(SystemError) in
            guard try state.find(path, "mkdir") == nil else {
                throw Self.error("mkdir", path, EEXIST)
            }
            _ = try state.add(Node(names: [:]), path, "mkdir", fault)
        }
    }

    /// Gives a file or folder another name.
    public func rename(_ path: FilePath, to new: FilePath) throws(SystemError) {
        try perform("rename", new) { state, _ throws(SystemError) in
            guard let node = try state.find(path, "rename") else {
                throw Self.error("rename", new, ENOENT)
            }
            if let former = try state.find(new, "rename"), former != node {
                switch (state.nodes[former].names, state.nodes[node].names) {
                case (nil, nil): break
                case (nil, _): throw Self.error("rename", new, ENOTDIR)
                case (_, nil): throw Self.error("rename", new, EISDIR)
                case (let names?, _):
                    guard names.isEmpty else { throw Self.error("rename", new, ENOTEMPTY) }
                }
            }
            let from = try state.folder(of: path, "rename")
            let to = try state.folder(of: new, "rename")
            state.change(
                NameChange(
                    node: node, removedFrom: (from, path.lastComponent),
                    addedTo: (to, new.lastComponent)))
        }
    }

    /// Takes a file's name away.
    public func remove(_ path: FilePath) throws(SystemError) {
        try perform("unlink", path) { state, _ throws(SystemError) in
            guard let node = try state.find(path, "unlink") else { return }
            guard state.nodes[node].names == nil else { throw Self.error("unlink", path, EISDIR) }
            let folder = try state.folder(of: path, "unlink")
            state.change(
                NameChange(node: node, removedFrom: (folder, path.lastComponent), addedTo: nil))
        }
    }

    /// Takes an empty folder away.
    public func removeFolder(_ path: FilePath) throws(SystemError) {
        try perform("rmdir", path) { state, _ throws(SystemError) in
            guard let node = try state.find(path, "rmdir") else { return }
            guard let names = state.nodes[node].names else {
                throw Self.error("rmdir", path, ENOTDIR)
            }
            guard names.isEmpty else { throw Self.error("rmdir", path, ENOTEMPTY) }
            let folder = try state.folder(of: path, "rmdir")
            state.change(
                NameChange(node: node, removedFrom: (folder, path.lastComponent), addedTo: nil))
        }
    }

    /// Makes the names in a folder survive a power cut.
    public func synchroniseFolder(_ path: FilePath) throws(SystemError) {
        try perform("fsync", path) { state, fault throws(SystemError) in
            guard fault != 0 else { return }
            if let fault { throw Self.error("fsync", path, fault) }
            guard let node = try state.find(path, "open") else {
                throw Self.error("open", path, ENOENT)
            }
            guard state.nodes[node].names != nil else { throw Self.error("open", path, ENOTDIR) }
            state.synchroniseNames(in: node)
        }
    }

    static func error(_ call: String, _ path: FilePath, _ code: Int32) -> SystemError {
        SystemError(call: call, subject: path, code: code)
    }
}

/// An open file of a file system in memory.
private final class MemoryFile: File {
    let path: FilePath
    private let files: MemoryFileSystem
    private let node: Int

    init(_ files: MemoryFileSystem, node: Int, path: FilePath) {
        self.files = files
        self.node = node
        self.path = path
    }

    deinit {
        let (node, holder) = (node, ObjectIdentifier(self))
        files.state.withLock { _ = $0.locks[node]?.removeValue(forKey: holder) }
    }

    func status() throws(SystemError) -> FileStatus {
        try files.perform("fstat", path) { state, _ in state.status(of: node) }
    }

    func read(
        into bytes: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(SystemError) -> Int {
        try files.perform("pread", path) { state, _ in
            let content = state.nodes[node].bytes.dropFirst(offset).prefix(bytes.count)
            bytes.copyBytes(from: content)
            return content.count
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) {
        let bytes = Array(bytes)
        try files.perform("write", path) { state, fault throws(SystemError) in
            let growth = max(0, offset + bytes.count - state.nodes[node].bytes.count)
            let room = state.roomLeft.map { max(0, $0) } ?? .max
            // A disk that fills or fails in the middle keeps what came before.
            let fitting =
                fault != nil
                ? bytes.count / 2 : growth <= room ? bytes.count : bytes.count - (growth - room)
            if fitting > 0 {
                state.nodes[node].change(.write(Array(bytes.prefix(fitting)), at: offset))
            }
            if let fault { throw MemoryFileSystem.error("write", path, fault) }
            guard fitting == bytes.count else {
                throw MemoryFileSystem.error("write", path, ENOSPC)
            }
        }
    }

    func truncate(to byteCount: Int) throws(SystemError) {
        try files.perform("truncate", path) { state, _ in
            state.nodes[node].change(.cut(byteCount))
        }
    }

    func synchronise() throws(SystemError) {
        try files.perform("fsync", path) { state, fault throws(SystemError) in
            guard fault != 0 else { return }
            defer { state.nodes[node].unsynchronised = [] }
            // As on Linux: what could not be written is taken for written from then on.
            if let fault { throw MemoryFileSystem.error("fsync", path, fault) }
            state.nodes[node].lasting = Node.applied(
                state.nodes[node].unsynchronised, to: state.nodes[node].lasting)
        }
    }

    func lock(_ lock: FileLock) throws(SystemError) -> Bool {
        let holder = ObjectIdentifier(self)
        return try files.perform("flock", path) { state, _ in
            let others = state.locks[node, default: [:]].filter { $0.key != holder }.values
            guard lock == .shared ? !others.contains(.exclusive) : others.isEmpty else {
                return false
            }
            state.locks[node, default: [:]][holder] = lock
            return true
        }
    }
}
