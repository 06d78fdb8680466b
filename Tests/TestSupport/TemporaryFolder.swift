import Foundation
import Runtime

/// A folder of its own for a test, removed when the last reference to it is gone.
public final class TemporaryFolder: Sendable {
    /// Where it is.
    public let path = FilePath.temporary.absolute.appending("purkinje-test-\(UUID())")

    /// Makes the folder.
    public init() throws { try path.makeFolders() }

    deinit { try? path.removeAll() }

    /// The path of a file in it, which may lie in a folder of its own: `records/a.hea`.
    public func file(_ name: String) -> FilePath { path.appending(FilePath(name)) }

    /// All bytes of a file.
    public func read(_ name: String) throws -> [UInt8] { try file(name).contents() }

    /// Writes a file in place, and makes the folders above it.
    ///
    /// - Returns: Its path.
    @discardableResult
    public func write(_ bytes: some Sequence<UInt8>, to name: String) throws -> FilePath {
        let path = file(name)
        try path.parent.makeFolders()
        try Data(bytes).write(to: URL(filePath: path.text))
        return path
    }

    /// The same for text.
    @discardableResult
    public func write(_ text: String, to name: String) throws -> FilePath {
        try write(text.utf8, to: name)
    }
}
