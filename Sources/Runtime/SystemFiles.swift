import Foundation

/// The machine's own files.
public struct SystemFiles: FileSystem {
    /// The machine's own files.
    public init() {}

    /// Opens a file; new ones get mode 0644.
    public func open(_ path: FilePath, _ opening: FileOpening) throws(SystemError) -> any File {
        try SystemFile(path, opening)
    }

    /// What the system says of what a path leads to.
    public func status(of path: FilePath) throws(SystemError) -> FileStatus { try path.status() }

    /// What a link leads to; `nil` where the name is no link.
    public func linkTarget(of path: FilePath) throws(SystemError) -> FilePath? {
        path.isLink ? try path.linkTarget() : nil
    }

    /// The names in a folder.
    public func names(in folder: FilePath) throws(SystemError) -> [FilePath] {
        try folder.names()
    }

    /// Makes a folder of mode 0755.
    public func makeNewFolder(_ path: FilePath) throws(SystemError) { try path.makeNewFolder() }

    /// Gives a file or folder another name.
    public func rename(_ path: FilePath, to new: FilePath) throws(SystemError) {
        try path.rename(to: new)
    }

    /// Takes a file's name away.
    public func remove(_ path: FilePath) throws(SystemError) { try path.remove() }

    /// Takes an empty folder away.
    public func removeFolder(_ path: FilePath) throws(SystemError) { try path.removeFolder() }

    /// Makes the names in a folder survive a power cut.
    public func synchroniseFolder(_ path: FilePath) throws(SystemError) {
        try FileHandleOwner.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC).synchronise()
    }
}

/// An open file of the machine.
final class SystemFile: File {
    let handle: FileHandleOwner

    var path: FilePath { handle.path }

    init(_ path: FilePath, _ opening: FileOpening) throws(SystemError) {
        let flags =
            switch opening {
            case .reading: O_RDONLY
            case .present: O_WRONLY
            case .writing: O_WRONLY | O_CREAT
            case .emptied: O_WRONLY | O_CREAT | O_TRUNC
            case .new: O_WRONLY | O_CREAT | O_EXCL
            }
        handle = try FileHandleOwner.open(path, flags | O_CLOEXEC)
    }

    func status() throws(SystemError) -> FileStatus { try handle.status() }

    func read(
        into bytes: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(SystemError) -> Int {
        try handle.read(into: bytes, at: offset)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) {
        var rest = bytes
        while !rest.isEmpty {
            let place = off_t(offset + bytes.count - rest.count)
            let written = retryingInterrupts {
                pwrite(handle.descriptor, rest.baseAddress, rest.count, place)
            }
            if written < 0, errno == ESPIPE { return try handle.writeAll(rest) }
            guard written > 0 else { throw SystemError(call: "write", subject: path) }
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
    }

    func truncate(to byteCount: Int) throws(SystemError) {
        guard retryingInterrupts({ Int(ftruncate(handle.descriptor, off_t(byteCount))) }) != 0
        else { return }
        throw SystemError(call: "truncate", subject: path)
    }

    func synchronise() throws(SystemError) { try handle.synchronise() }

    func lock(_ lock: FileLock) throws(SystemError) -> Bool {
        let operation = (lock == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB
        guard retryingInterrupts({ Int(flock(handle.descriptor, operation)) }) != 0 else {
            return true
        }
        guard errno != EWOULDBLOCK else { return false }
        throw SystemError(call: "flock", subject: path)
    }
}
