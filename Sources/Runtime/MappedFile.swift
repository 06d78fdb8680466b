import Foundation

/// A whole file, mapped read-only into memory.
///
/// `@unchecked Sendable`: nobody writes through the mapping.
public final class MappedFile: @unchecked Sendable {
    /// The file's path, for messages.
    public let path: FilePath
    private let bytes: UnsafeRawBufferPointer

    /// Maps a file.
    ///
    /// - Throws: `SystemError` when the file cannot be opened or mapped.
    public init(path: FilePath) throws(SystemError) {
        self.path = path
        let file = try FileHandleOwner.open(path, O_RDONLY | O_CLOEXEC)
        let status = try file.status()
        guard status.kind != .folder else {
            throw SystemError(call: "open", subject: path, code: EISDIR)
        }
        let count = status.byteCount
        guard count > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, file.descriptor, 0)
        guard let address, address != MAP_FAILED else {
            throw SystemError(call: "mmap", subject: path)
        }
        bytes = UnsafeRawBufferPointer(start: address, count: count)
    }

    deinit {
        if let start = bytes.baseAddress {
            munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
        }
    }

    /// Size in bytes.
    public var count: Int { bytes.count }

    /// Lends the bytes for the time of a closure.
    public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(bytes)
    }
}
