import Foundation
import Runtime

/// Reads of whole files and of ranges, with every size checked before anything is allocated.
enum SignalFile {
    /// Size of a regular file in bytes.
    static func size(_ path: String, field: String) throws(WFDBError) -> Int {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw WFDBError(SystemError(call: "stat", subject: path), field: field)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw WFDBError(.unreadable, file: path, field: field, "it is not a regular file")
        }
        return Int(status.st_size)
    }

    /// A whole file of limited size.
    static func read(_ path: String, upTo limit: Int, field: String) throws(WFDBError) -> [UInt8] {
        let count = try size(path, field: field)
        guard count <= limit else {
            throw WFDBError(
                .unreadable, file: path, field: field, "\(count) bytes are more than \(limit)")
        }
        return try read(path, range: 0..<count, field: field)
    }

    /// A range of a file that `size` has shown to be there.
    static func read(
        _ path: String, range: Range<Int>, field: String
    ) throws(WFDBError) -> [UInt8] {
        do throws(SystemError) {
            let file = try FileHandleOwner.open(path, O_RDONLY | O_CLOEXEC)
            var failure: SystemError?
            let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
                while filled < range.count {
                    let got = retryingInterrupts {
                        pread(
                            file.descriptor, buffer.baseAddress.map { $0 + filled },
                            range.count - filled, off_t(range.lowerBound + filled))
                    }
                    if got < 0 { failure = SystemError(call: "pread", subject: path) }
                    guard got > 0 else { return }
                    filled += got
                }
            }
            if let failure { throw failure }
            guard bytes.count == range.count else {
                throw SystemError(call: "pread", subject: path, code: EIO)
            }
            return bytes
        } catch {
            throw WFDBError(error, field: field)
        }
    }
}
