import Foundation

/// Writes of which a reader sees all or nothing: temporary file, fsync, rename, fsync of the folder.
///
/// A link is followed, so that it stays one. A device, a FIFO or a socket has no content that could be replaced: it gets the
/// bytes as they come.
public enum AtomicFile {
    /// Puts a file in place of whatever was there.
    ///
    /// - Parameters:
    ///   - bytes: The whole content.
    ///   - path: The file; its folder exists.
    /// - Throws: `SystemError` with the path; a former file is then untouched.
    public static func write(_ bytes: some Sequence<UInt8>, to path: FilePath) throws(SystemError) {
        let content = Array(bytes)
        let result = content.withUnsafeBytes { content in
            Result { () throws(SystemError) in try write(content, to: path) }
        }
        try result.get()
    }

    /// Puts a file in place of whatever was there.
    public static func write(_ text: String, to path: FilePath) throws(SystemError) {
        try write(text.utf8, to: path)
    }

    /// Puts a file in place of whatever was there.
    public static func write(_ content: UnsafeRawBufferPointer, to path: FilePath)
        throws(SystemError)
    {
        try replace(path) { file throws(SystemError) in
            try file.writeAll(content)
            try file.synchronise()
        }
    }

    /// Puts a file in place that a closure writes from front to back and synchronises under a temporary name.
    ///
    /// - Throws: `SystemError` with the path; a former file is then untouched.
    public static func replace(
        _ path: FilePath, writing: (_ file: consuming FileHandleOwner) throws(SystemError) -> Void
    ) throws(SystemError) {
        // Asked of the name itself: a link to an open pipe leads where no path does.
        if let status = try? path.status(), status.kind.isStream {
            return try writing(FileHandleOwner.open(path, O_WRONLY | O_CLOEXEC))
        }
        let target = try path.followingLinks()
        // A name of its own: the file's with more behind it may be longer than names can be.
        let temporary = target.sibling(
            FilePath(".tmp-\(getpid())-\(UInt32.random(in: 0 ... .max))"))
        do throws(SystemError) {
            try writing(
                FileHandleOwner.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC))
            try temporary.rename(to: target)
        } catch {
            try? temporary.remove()
            // The user knows the file by its own name alone.
            let isOurs = error.subject == temporary.text || error.subject == target.text
            throw SystemError(
                call: error.call, subject: isOurs ? path.text : error.subject, code: error.code)
        }
        try synchroniseFolder(of: target)
    }

    /// Makes a rename or a new file in the path's folder survive a power cut.
    public static func synchroniseFolder(of path: FilePath) throws(SystemError) {
        try synchroniseDirectory(path.parent)
    }

    /// Makes the entries of a directory survive a power cut.
    public static func synchroniseDirectory(_ path: FilePath) throws(SystemError) {
        let directory = try FileHandleOwner.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        try directory.synchronise()
    }
}

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

    deinit { close(descriptor) }
}
