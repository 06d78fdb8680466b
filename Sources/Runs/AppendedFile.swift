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

/// Lines of JSON in a file.
enum JSONLines {
    /// The values of the last lines of a file, oldest first; lines that are torn or are no JSON are
    /// left out.
    ///
    /// Reads instead of mapping, for the file may be cut meanwhile.
    ///
    /// - Parameters:
    ///   - path: The file; an absent one has no lines.
    ///   - bytes: How far to look back from the end.
    /// - Returns: At most as many values as lie in these bytes.
    static func tail(of path: FilePath, bytes: Int = 1 << 18) -> [JSONValue] {
        guard let file = try? FileHandleOwner.open(path, O_RDONLY | O_CLOEXEC),
            let size = try? file.status().byteCount
        else { return [] }
        let start = max(0, size - bytes)
        guard let text = try? file.read(at: start, count: size - start) else { return [] }
        let lines = TextLines.split(text).dropFirst(start > 0 ? 1 : 0)
        return lines.compactMap { try? JSONValue(parsing: $0) }
    }

    /// Cuts a file before the first line that is torn, is no JSON, or that the closure does not
    /// want.
    static func cut(_ path: FilePath, keeping isWanted: (JSONValue) -> Bool) throws(SystemError) {
        let file: MappedFile
        do throws(SystemError) {
            file = try MappedFile(path: path)
        } catch {
            guard error.code == ENOENT else { throw error }
            return
        }
        let end = file.withBytes { bytes in
            var end = 0
            while end < bytes.count, let newline = bytes[end...].firstIndex(of: 0x0A),
                let value = try? JSONValue(parsing: bytes[end..<newline]), isWanted(value)
            {
                end = newline + 1
            }
            return end
        }
        guard end < file.count else { return }
        try path.truncate(to: end)
    }
}
