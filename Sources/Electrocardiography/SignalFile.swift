import Foundation
import Runtime

/// Reads of whole files and of ranges, with every size checked before anything is allocated.
enum SignalFile {
    /// Size of a regular file in bytes.
    static func size(_ path: FilePath, field: String) throws(WFDBError) -> Int {
        let status: FileStatus
        do throws(SystemError) {
            status = try path.status()
        } catch {
            throw WFDBError(error, field: field)
        }
        guard status.kind == .regular else {
            throw WFDBError(
                .unreadable, file: path, field: field, "it is not a regular file",
                remedy: "name a file")
        }
        return status.byteCount
    }

    /// A whole file of limited size.
    static func read(_ path: FilePath, upTo limit: Int, field: String) throws(WFDBError) -> [UInt8]
    {
        let count = try size(path, field: field)
        guard count <= limit else {
            throw WFDBError(
                .unreadable, file: path, field: field, "\(count) bytes are more than \(limit)",
                remedy: "look whether it is the file that was meant")
        }
        return try read(path, range: 0..<count, field: field)
    }

    /// A range of a file that `size` has shown to be there.
    static func read(
        _ path: FilePath, range: Range<Int>, field: String
    ) throws(WFDBError) -> [UInt8] {
        do throws(SystemError) {
            let file = try FileHandleOwner.open(path, O_RDONLY | O_CLOEXEC)
            let bytes = try file.read(at: range.lowerBound, count: range.count)
            guard bytes.count == range.count else {
                throw SystemError(call: "pread", subject: path, code: EIO)
            }
            return bytes
        } catch {
            throw WFDBError(error, field: field)
        }
    }
}
