import Foundation

/// A file descriptor that is closed when it goes out of scope.
public struct FileHandleOwner: ~Copyable, Sendable {
    /// The descriptor.
    public let descriptor: Int32
    /// The path that it was opened by, for messages.
    public let path: FilePath

    /// Takes over an open descriptor.
    public init(descriptor: Int32, path: FilePath) {
        self.descriptor = descriptor
        self.path = path
    }

    /// Opens a file; new ones get mode 0644.
    ///
    /// Reading does not wait for somebody to open the other end of a pipe.
    public static func open(_ path: FilePath, _ flags: Int32) throws(SystemError) -> FileHandleOwner
    {
        let descriptor = Int32(
            truncatingIfNeeded: retryingInterrupts {
                let waiting = flags & O_ACCMODE == O_RDONLY ? O_NONBLOCK : 0
                return Int(path.withSystemPath { Foundation.open($0, flags | waiting, 0o644) })
            })
        guard descriptor >= 0 else { throw SystemError(call: "open", subject: path) }
        return FileHandleOwner(descriptor: descriptor, path: path)
    }

    /// Writes every byte at the file's current position.
    public func writeAll(_ content: UnsafeRawBufferPointer) throws(SystemError) {
        var rest = content
        while !rest.isEmpty {
            let written = retryingInterrupts {
                Foundation.write(descriptor, rest.baseAddress, rest.count)
            }
            guard written > 0 else { throw SystemError(call: "write", subject: path) }
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
    }

    /// Makes what was written survive a power cut; in devices and FIFOs nothing is kept that could.
    public func synchronise() throws(SystemError) {
        guard retryingInterrupts({ Int(fsync(descriptor)) }) != 0 else { return }
        let error = SystemError(call: "fsync", subject: path)
        guard error.code == EINVAL, try status().kind.isStream else { throw error }
    }

    /// What the system says of the open file.
    public func status() throws(SystemError) -> FileStatus {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw SystemError(call: "fstat", subject: path)
        }
        return FileStatus(status)
    }

    /// Reads bytes from a place on, all that are wanted unless the file ends before; how many they are.
    func read(
        into bytes: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(SystemError) -> Int {
        var filled = 0
        while filled < bytes.count {
            let got = retryingInterrupts {
                pread(
                    descriptor, bytes.baseAddress.map { $0 + filled }, bytes.count - filled,
                    off_t(offset + filled))
            }
            guard got >= 0 else { throw SystemError(call: "pread", subject: path) }
            guard got > 0 else { break }
            filled += got
        }
        return filled
    }

    /// Bytes from a place in the file on; fewer where it ends before.
    public func read(at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        try [UInt8](count: count) { bytes throws(SystemError) in
            try read(into: bytes, at: offset)
        }
    }

    deinit { close(descriptor) }
}
