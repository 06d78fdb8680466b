import Foundation
import Runtime

/// Reads what another process appends to a file of lines.
public struct LineFollower {
    private let path: FilePath
    private var offset: Int
    private var pending: [UInt8] = []

    /// Follows a file that need not exist yet.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - fromEnd: Whether to pass over the lines that are there.
    public init(path: FilePath, fromEnd: Bool) {
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
        guard size > offset, let file = try? FileHandleOwner.open(path, O_RDONLY | O_CLOEXEC),
            let bytes = try? file.read(at: offset, count: size - offset)
        else { return [] }
        offset += bytes.count
        pending += bytes
        var lines: [String] = []
        while let end = pending.firstIndex(of: 10) {
            lines.append(String(decoding: pending[..<end], as: UTF8.self))
            pending.removeSubrange(...end)
        }
        return lines
    }

    private static func size(of path: FilePath) -> Int {
        (try? path.status())?.byteCount ?? 0
    }
}
