import CSystem
import Foundation

/// A whole file, mapped read-only into memory.
///
/// A file can be cut, and its disk can fail, while it is mapped. The kernel then answers an access with SIGBUS, at any
/// instruction of any thread, where nothing can be thrown. The process ends with one line that names the file, and with code 1
/// or the one that was asked for.
///
/// `@unchecked Sendable`: nobody writes through the mapping.
public final class MappedFile: @unchecked Sendable {
    /// The file's path, for messages.
    public let path: FilePath
    private let file: FileHandleOwner
    private let bytes: UnsafeRawBufferPointer
    private let guardian: MappingGuardian?

    /// Maps a file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - damageCode: What the process exits with where a part of the file turns out to be gone.
    /// - Throws: `SystemError` when the file cannot be opened or mapped.
    public init(path: FilePath, damageCode: ExitCode = .failure) throws(SystemError) {
        self.path = path
        file = try FileHandleOwner.open(path, O_RDONLY | O_CLOEXEC)
        let status = try file.status()
        guard status.kind != .folder else {
            throw SystemError(call: "open", subject: path, code: EISDIR)
        }
        guard status.kind == .regular else { throw .notRegular(path) }
        let count = status.byteCount
        guard count > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            guardian = nil
            return
        }
        let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, file.descriptor, 0)
        guard let address, address != MAP_FAILED else {
            throw SystemError(call: "mmap", subject: path)
        }
        bytes = UnsafeRawBufferPointer(start: address, count: count)
        guardian = MappingGuardian(bytes, path: path, exitCode: damageCode.rawValue)
    }

    deinit {
        guardian?.end()
        if let start = bytes.baseAddress {
            munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
        }
    }

    /// Size in bytes.
    public var count: Int { bytes.count }

    /// What the file's size is now, where it has become less: bytes that the mapping still shows may be zeros.
    ///
    /// `nil` where the file is as long as it was.
    public var cutCount: Int? {
        var status = stat()
        guard fstat(file.descriptor, &status) == 0, Int(status.st_size) < bytes.count else {
            return nil
        }
        return Int(status.st_size)
    }

    /// Lends the bytes for the time of a closure.
    public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(bytes)
    }
}

/// What the process says, by a handler that may neither lock nor allocate, where a page of a mapping cannot be read.
private final class MappingGuardian {
    /// Whether the handler stands, and the lock around the table that it looks into.
    private static let table: Locked<Bool> = Locked(purkinje_catch_bus_errors() == 0)

    private let message: UnsafeMutableBufferPointer<CChar>
    private let index: Int32

    /// `nil` where no handler could be set up, or more files are mapped than the table has places for: such a mapping ends
    /// the process by the signal itself.
    init?(_ bytes: UnsafeRawBufferPointer, path: FilePath, exitCode: Int32) {
        let text =
            "error: \(path): the file was cut, or its disk failed, while it was in use: a part of its "
            + "\(bytes.count) bytes is gone; put it back whole and start again\n"
        message = .allocate(capacity: text.utf8.count)
        _ = message.initialize(from: text.utf8.lazy.map { CChar(bitPattern: $0) })
        let message = message
        index = Self.table.withLock { isReady in
            guard isReady else { return -1 }
            return purkinje_note_mapping(
                bytes.baseAddress, bytes.count, message.baseAddress, message.count, exitCode)
        }
        guard index >= 0 else {
            message.deallocate()
            return nil
        }
    }

    /// Called before the mapping goes.
    func end() {
        Self.table.withLock { _ in purkinje_forget_mapping(index) }
        message.deallocate()
    }
}
