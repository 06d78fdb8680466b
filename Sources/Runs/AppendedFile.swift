import Runtime

/// A file that grows record by record; a record that does not fit whole leaves no part of itself.
///
/// Where there is no room, records wait in memory and are written with the next one that fits: a disk that is full for
/// an hour leaves no gap.
public final class AppendedFile: Sendable {
    private struct State {
        /// How much of the file are whole records.
        var size: Int
        /// Whether the file's name survives a power cut.
        var hasLastingName = false
        /// Records that found no room.
        var waiting: [UInt8] = []
        /// Why they wait.
        var obstacle: SystemError?
    }

    /// How much may wait.
    static let waitingLimit = 1 << 20

    private let file: any File
    private let files: any FileSystem
    private let state: Locked<State>

    /// Takes over an open file of a file system, to go on at its end.
    ///
    /// - Throws: `SystemError` naming the file.
    public init(_ file: any File, in files: any FileSystem) throws(SystemError) {
        self.file = file
        self.files = files
        state = Locked(State(size: try file.status().byteCount))
    }

    /// Opens or creates a file, to go on at its end.
    convenience init(path: FilePath, in files: any FileSystem) throws(SystemError) {
        try self.init(files.open(path, .writing), in: files)
    }

    /// Why records wait in memory, while any do.
    public var obstacle: SystemError? { state.withLock { $0.obstacle } }

    /// Adds a record, or keeps it where there is no room.
    ///
    /// - Throws: What keeps it from being written other than room, and that, once too many records wait.
    public func append(_ record: [UInt8]) throws(SystemError) {
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

    /// Writes what waits, and makes all of it survive a power cut; what is written already also where there is no room.
    ///
    /// - Throws: `SystemError` naming the file, where not all of it does.
    public func synchronise() throws(SystemError) {
        let written = state.withLock { state in
            Result { () throws(SystemError) in try write(&state) }
        }
        try file.synchronise()
        if !state.withLock({ $0.hasLastingName }) {
            try files.synchroniseFolder(file.path.parent)
            state.withLock { $0.hasLastingName = true }
        }
        try written.get()
    }

    private func write(_ state: inout State) throws(SystemError) {
        guard !state.waiting.isEmpty else { return }
        do throws(SystemError) {
            try file.write(state.waiting, at: state.size)
            state.size += state.waiting.count
            state.waiting = []
            state.obstacle = nil
        } catch {
            state.obstacle = error
            // What cannot be cut off is written over by the next record.
            try? file.truncate(to: state.size)
            throw error
        }
    }
}
