/// Writes to the machine's own files of which a reader sees all or nothing, for whoever is not handed a file system: programs,
/// and rooms below `Transport`.
///
/// What it does is in `FileSystem.replace`.
public enum AtomicFile {
    /// Puts a file in place of whatever was there.
    ///
    /// - Parameters:
    ///   - bytes: The whole content.
    ///   - path: The file; its folder exists.
    /// - Throws: `SystemError` with the path, as `FileSystem.replace` does.
    public static func write(_ bytes: some Sequence<UInt8>, to path: FilePath) throws(SystemError) {
        try SystemFiles().write(bytes, to: path)
    }

    /// Puts a file in place of whatever was there.
    public static func write(_ text: String, to path: FilePath) throws(SystemError) {
        try SystemFiles().write(text, to: path)
    }

    /// Makes a rename or a new file in the path's folder survive a power cut.
    public static func synchroniseFolder(of path: FilePath) throws(SystemError) {
        try SystemFiles().synchroniseFolder(path.parent)
    }
}
