import Foundation
import Runtime

/// A file that grows record by record; a record that does not fit whole leaves no part of itself.
final class AppendedFile: Sendable {
    private let file: FileHandleOwner
    private let size: Locked<Int>

    /// Opens or creates a file, to go on at its end.
    init(path: FilePath) throws(SystemError) {
        file = try FileHandleOwner.open(path, O_WRONLY | O_CREAT | O_CLOEXEC)
        let end = lseek(file.descriptor, 0, SEEK_END)
        guard end >= 0 else { throw SystemError(call: "lseek", subject: path) }
        size = Locked(Int(end))
    }

    func append(_ record: [UInt8]) throws(SystemError) {
        try size.withLock { size throws(SystemError) in
            let result = record.withUnsafeBytes { bytes in
                Result { () throws(SystemError) in try file.writeAll(bytes) }
            }
            guard case .failure(let error) = result else {
                size += record.count
                return
            }
            ftruncate(file.descriptor, off_t(size))
            lseek(file.descriptor, off_t(size), SEEK_SET)
            throw error
        }
    }

    func synchronise() throws(SystemError) { try file.synchronise() }
}
