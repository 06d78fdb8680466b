import Foundation
import Runtime

/// A file that grows record by record; a record that does not fit whole leaves no part of itself.
///
/// Where there is no room, records wait in memory and are written with the next one that fits: a disk that is full for
/// an hour leaves no gap.
final class AppendedFile: Sendable {
    private struct State {
        var size: Int
        /// Records that found no room.
        var waiting: [UInt8] = []
        /// Why they wait.
        var obstacle: SystemError?
    }

    /// How much may wait.
    static let waitingLimit = 1 << 20

    private let file: FileHandleOwner
    private let state: Locked<State>

    /// Opens or creates a file, to go on at its end.
    init(path: FilePath) throws(SystemError) {
        file = try FileHandleOwner.open(path, O_WRONLY | O_CREAT | O_CLOEXEC)
        let end = lseek(file.descriptor, 0, SEEK_END)
        guard end >= 0 else { throw SystemError(call: "lseek", subject: path) }
        state = Locked(State(size: Int(end)))
    }

    /// Why records wait in memory, while any do.
    var obstacle: SystemError? { state.withLock { $0.obstacle } }

    /// Adds a record, or keeps it where there is no room.
    ///
    /// - Throws: What keeps it from being written other than room, and that, once too many records wait.
    func append(_ record: [UInt8]) throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            state.waiting += record
            do throws(SystemError) {
                try write(&state)
            } catch {
                let isKept = error.remedyForRoom != nil && state.waiting.count <= Self.waitingLimit
                guard isKept else {
                    state.waiting.removeLast(record.count)
                    if state.waiting.isEmpty { state.obstacle = nil }
                    throw error
                }
            }
        }
    }

    /// Writes what waits, and makes all of it survive a power cut.
    func synchronise() throws(SystemError) {
        try state.withLock { state throws(SystemError) in try write(&state) }
        try file.synchronise()
    }

    private func write(_ state: inout State) throws(SystemError) {
        guard !state.waiting.isEmpty else { return }
        let result = state.waiting.withUnsafeBytes { bytes in
            Result { () throws(SystemError) in try file.writeAll(bytes) }
        }
        switch result {
        case .success:
            state.size += state.waiting.count
            state.waiting = []
            state.obstacle = nil
        case .failure(let error):
            state.obstacle = error
            ftruncate(file.descriptor, off_t(state.size))
            lseek(file.descriptor, off_t(state.size), SEEK_SET)
            throw error
        }
    }
}
