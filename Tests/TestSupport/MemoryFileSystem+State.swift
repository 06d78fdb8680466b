import Foundation
import Runtime

/// A change of a file's bytes.
enum ContentChange: Sendable {
    case write([UInt8], at: Int)
    case cut(Int)
}

/// A change of names in one folder or, where something is moved, in two at once.
struct NameChange: Sendable {
    let node: Int
    let removedFrom: (folder: Int, name: FilePath)?
    let addedTo: (folder: Int, name: FilePath)?

    func concerns(_ folder: Int) -> Bool {
        removedFrom?.folder == folder || addedTo?.folder == folder
    }
}

/// A file or a folder, as everybody sees it and as a power cut would leave it.
struct Node: Sendable {
    var bytes: [UInt8] = []
    var lasting: [UInt8] = []
    /// What makes `bytes` of `lasting`.
    var unsynchronised: [ContentChange] = []
    /// What is in a folder; `nil` for a file.
    var names: [FilePath: Int]?
    var lastingNames: [FilePath: Int] = [:]

    init(names: [FilePath: Int]? = nil) { self.names = names }

    mutating func change(_ change: ContentChange) {
        bytes = Self.applied([change], to: bytes)
        unsynchronised.append(change)
    }

    static func applied(_ changes: [ContentChange], to bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for change in changes {
            switch change {
            case .cut(let count):
                bytes = Array(bytes.prefix(count))
                bytes += [UInt8](repeating: 0, count: count - bytes.count)
            case .write(let new, let offset):
                let end = offset + new.count
                bytes += [UInt8](repeating: 0, count: max(0, end - bytes.count))
                bytes.replaceSubrange(offset..<end, with: new)
            }
        }
        return bytes
    }
}

extension MemoryFileSystem {
    struct State: Sendable {
        /// The root is the first.
        var nodes = [Node(names: [:])]
        /// Changes of names that a power cut may undo, oldest first.
        var unsynchronised: [NameChange] = []
        var locks: [Int: [ObjectIdentifier: FileLock]] = [:]
        var operations: [String] = []
        var faults: [(fault: Fault, operation: Int)] = []
        var awaited: [(fault: Fault, isWanted: @Sendable (String) -> Bool)] = []
        var lies: [@Sendable (String) -> Bool] = []
        var capacity: Int?
        var isDead = false

        static func names(of path: FilePath) -> [FilePath] {
            path.bytes.split(separator: UInt8(ascii: "/")).map { FilePath(bytes: $0) }
        }

        /// The node that a path leads to; `nil` where nothing has the name, in a folder that is there.
        func find(_ path: FilePath, _ call: String) throws(SystemError) -> Int? {
            var node = 0
            let names = Self.names(of: path)
            for (index, name) in names.enumerated() {
                guard let folder = nodes[node].names else { throw error(call, path, ENOTDIR) }
                guard let next = folder[name] else {
                    guard index == names.count - 1 else { throw error(call, path, ENOENT) }
                    return nil
                }
                node = next
            }
            return node
        }

        func folder(of path: FilePath, _ call: String) throws(SystemError) -> Int {
            guard let folder = try find(path.parent, call) else { throw error(call, path, ENOENT) }
            guard nodes[folder].names != nil else { throw error(call, path, ENOTDIR) }
            return folder
        }

        mutating func add(
            _ node: Node, _ path: FilePath, _ call: String, _ fault: Int32?
        ) throws(SystemError) -> Int {
            let folder = try folder(of: path, call)
            if let fault { throw error(call, path, fault) }
            nodes.append(node)
            let added = nodes.count - 1
            change(
                NameChange(node: added, removedFrom: nil, addedTo: (folder, path.lastComponent)))
            return added
        }

        mutating func lastingFolder(_ name: FilePath, in folder: Int) -> Int {
            if let there = nodes[folder].names?[name] { return there }
            nodes.append(Node(names: [:]))
            let added = nodes.count - 1
            nodes[folder].names?[name] = added
            nodes[folder].lastingNames[name] = added
            return added
        }

        mutating func change(_ change: NameChange) {
            if let (folder, name) = change.removedFrom { nodes[folder].names?[name] = nil }
            if let (folder, name) = change.addedTo { nodes[folder].names?[name] = change.node }
            unsynchronised.append(change)
        }

        mutating func synchroniseNames(in folder: Int) {
            for change in unsynchronised where change.concerns(folder) { makeLast(change) }
            unsynchronised.removeAll { $0.concerns(folder) }
        }

        mutating func makeLast(_ change: NameChange) {
            if let (folder, name) = change.removedFrom,
                nodes[folder].lastingNames[name] == change.node
            {
                nodes[folder].lastingNames[name] = nil
            }
            if let (folder, name) = change.addedTo {
                nodes[folder].lastingNames[name] = change.node
            }
        }

        func status(of node: Int) -> FileStatus {
            FileStatus(
                kind: nodes[node].names == nil ? .regular : .folder,
                byteCount: nodes[node].bytes.count, modifiedNanoseconds: 0,
                identity: [0, UInt64(node)])
        }

        /// How many bytes can still be written; `nil` for any number.
        var roomLeft: Int? {
            capacity.map { capacity in
                var (open, used) = ([0], 0)
                while let node = open.popLast() {
                    used += nodes[node].bytes.count
                    open += nodes[node].names.map { Array($0.values) } ?? []
                }
                return capacity - used
            }
        }

        private func error(_ call: String, _ path: FilePath, _ code: Int32) -> SystemError {
            MemoryFileSystem.error(call, path, code)
        }
    }
}
