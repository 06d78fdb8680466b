import Foundation
import Runtime

/// Reads what another process appends to a file of lines.
public struct LineFollower {
    private let path: String
    private var offset: Int
    private var pending: [UInt8] = []

    /// Follows a file that need not exist yet.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - fromEnd: Whether to pass over the lines that are there.
    public init(path: String, fromEnd: Bool) {
        self.path = path
        offset = fromEnd ? Self.size(of: path) : 0
    }

    /// The whole lines that came since the last call.
    ///
    /// A file that has become shorter was cut by a resume and goes on from its new end.
    public mutating func newLines() -> [String] {
        let size = Self.size(of: path)
        if size < offset {
            offset = size
            pending = []
        }
        guard size > offset, let handle = FileHandle(forReadingAtPath: path) else { return [] }
        defer { handle.closeFile() }
        handle.seek(toFileOffset: UInt64(offset))
        let data = handle.readData(ofLength: size - offset)
        offset += data.count
        pending += data
        var lines: [String] = []
        while let end = pending.firstIndex(of: 10) {
            lines.append(String(decoding: pending[..<end], as: UTF8.self))
            pending.removeSubrange(...end)
        }
        return lines
    }

    private static func size(of path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }
}
