import CommandLineInterface
import Runtime

/// A page that was written.
public struct WrittenPage: CommandResult {
    private let path: FilePath
    private let byteCount: Int

    /// Writes a page in place of a former one.
    ///
    /// - Parameters:
    ///   - html: The page.
    ///   - path: Its file.
    /// - Throws: `SystemError` where it cannot be written.
    init(_ html: String, to path: FilePath) throws(SystemError) {
        try AtomicFile.write(html, to: path)
        (self.path, byteCount) = (path, html.utf8.count)
    }

    /// File and bytes.
    public var json: JSONValue {
        ["file": .string(path.text), "bytes": .integer(Int64(byteCount))]
    }

    /// The same in a sentence.
    public var text: String { "\(path): \(byteCount / 1024) KiB, opens in any browser" }
}
