import Foundation
import Runtime

extension MemoryFileSystem {
    /// What can go wrong with a disk.
    public enum Fault: Sendable, Equatable {
        /// From the operation on nothing is done any more.
        case powerCut
        /// From the operation on nothing has room.
        case fullDisk
        /// The operation fails, and all others do what they should.
        case failure
        /// The operation and all that follow fail.
        case lastingFailure
        /// The operation waits until it is released.
        case hang
    }

    /// What of that which was not synchronised survives a power cut.
    public enum Survivors: Sendable {
        /// Nothing of it.
        case nothing
        /// All names, and no bytes.
        case names
        /// All bytes of files, and no names.
        case bytes
        /// All of it, as when only the process was killed.
        case everything
        /// Any part, that a seed stands for: of names any, of a file's bytes those of its first changes, the last one torn, or
        /// zeros in their place.
        case some(seed: UInt64)
    }

    /// Lets an operation, counted from 0, go wrong.
    public func inject(_ fault: Fault, at operation: Int) {
        state.update { $0.faults.append((fault, operation)) }
    }

    /// Lets the next operation go wrong of which a test says that it is the one, by what it is called and what it is about.
    public func inject(
        _ fault: Fault, atNext isWanted: @escaping @Sendable (String) -> Bool
    ) {
        state.update { $0.awaited.append((fault, isWanted)) }
    }

    /// Lets all synchronisations of a kind do nothing, and say that they have.
    public func skipSynchronisations(where isSkipped: @escaping @Sendable (String) -> Bool) {
        state.update { $0.lies.append(isSkipped) }
    }

    /// Lets the disk have room for so many bytes in all its files; `nil` for any number.
    public func limit(to byteCount: Int?) { state.update { $0.capacity = byteCount } }

    /// Takes all faults away; what hangs goes on.
    public func mend() {
        state.update { state in
            (state.faults, state.awaited) = ([], [])
            state.capacity = nil
        }
    }

    /// The operations so far, each with what it was about.
    public var operations: [String] { state.withLock { $0.operations } }

    /// Waits until something hangs.
    ///
    /// - Returns: Whether it does within the time.
    public func waitUntilSomethingHangs(timeout: Duration) -> Bool {
        state.wait(
            timeout: timeout,
            until: { state in
                state.faults.contains { $0 == .hang && $1 < state.operations.count }
            }, then: { _ in true }) ?? false
    }

    /// The file system that the machine finds when it starts again.
    public func afterPowerCut(_ survivors: Survivors) -> MemoryFileSystem {
        let former = state.withLock { $0 }
        var left = State()
        left.nodes = former.nodes
        var random = SeededRandom(seed: 1)
        if case .some(let seed) = survivors { random = SeededRandom(seed: seed) }
        for change in former.unsynchronised {
            switch survivors {
            case .nothing, .bytes: break
            case .names, .everything: left.makeLast(change)
            case .some: if Bool.random(using: &random) { left.makeLast(change) }
            }
        }
        for index in left.nodes.indices {
            let changes = left.nodes[index].unsynchronised
            switch survivors {
            case .nothing, .names: break
            case .bytes, .everything:
                left.nodes[index].lasting = Node.applied(changes, to: left.nodes[index].lasting)
            case .some:
                left.nodes[index].lasting = Self.torn(
                    changes, of: left.nodes[index].lasting, &random)
            }
            left.nodes[index].unsynchronised = []
            left.nodes[index].bytes = left.nodes[index].lasting
            if left.nodes[index].names != nil {
                left.nodes[index].names = left.nodes[index].lastingNames
            }
        }
        return MemoryFileSystem(left)
    }

    private static func torn(
        _ changes: [ContentChange], of bytes: [UInt8], _ random: inout SeededRandom
    ) -> [UInt8] {
        guard !changes.isEmpty else { return bytes }
        let count = Int.random(in: 0...changes.count, using: &random)
        var torn = Node.applied(Array(changes.prefix(count)), to: bytes)
        guard count < changes.count, case .write(let new, let offset) = changes[count] else {
            return torn
        }
        let kept = Int.random(in: 0...new.count, using: &random)
        torn = Node.applied([.write(Array(new.prefix(kept)), at: offset)], to: torn)
        // A file may have got its size before its bytes.
        if Bool.random(using: &random) {
            torn = Node.applied(
                [.write([UInt8](repeating: 0, count: new.count - kept), at: offset + kept)],
                to: torn)
        }
        return torn
    }

    /// Does an operation, or lets it go wrong; the body gets the fault that it has to have where it does a part of its work before, and 0 for nothing done and no
    /// fault.
    func perform<Result>(
        _ call: String, _ path: FilePath,
        _ body: (inout State, _ fault: Int32?) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        let number = state.update { state in
            let operation = "\(call) \(path)"
            state.operations.append(operation)
            let number = state.operations.count - 1
            if let index = state.awaited.firstIndex(where: { $0.isWanted(operation) }) {
                state.faults.append((state.awaited.remove(at: index).fault, number))
            }
            return number
        }
        _ = state.wait(
            until: { state in !state.faults.contains { $0 == .hang && $1 == number } },
            then: { _ in })
        return try state.withLock { state throws(SystemError) in
            var code: Int32?
            for (fault, operation) in state.faults {
                switch fault {
                case .powerCut where number >= operation: state.isDead = true
                case .fullDisk where number >= operation:
                    if ["open", "mkdir", "write"].contains(call) { code = ENOSPC }
                case .failure where number == operation: code = EIO
                case .lastingFailure where number >= operation: code = EIO
                default: break
                }
            }
            if call == "fsync", state.lies.contains(where: { $0("\(path)") }) { code = 0 }
            guard !state.isDead else { throw Self.error(call, path, EIO) }
            // These do a part of their work, or need room only at times.
            let isPartial = call == "write" || (call == "fsync" && code == EIO) || code == 0
            if let code, !isPartial, code != ENOSPC { throw Self.error(call, path, code) }
            return try body(&state, code)
        }
    }
}
