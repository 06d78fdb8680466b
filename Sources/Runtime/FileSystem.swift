/// Files and folders, handed to whoever keeps something in them.
///
/// Rooms from `Transport` upwards open no file by themselves, so that a test can give them a disk that is full, that fails,
/// that hangs, or that has lost at a power cut what was not synchronised. These are the operations that are needed of a
/// disk; what is built from them is in the extensions, once for all file systems.
///
/// What a file system promises: what is done shows at once to all who look; a file's bytes and size survive a power cut
/// once the file is synchronised; names that were made, changed or removed in a folder survive it once that folder is.
public protocol FileSystem: Sendable {
    /// Opens a file.
    ///
    /// - Throws: `SystemError`, with `ENOENT` or `EEXIST` where the opening wants something, or nothing, to be there.
    func open(_ path: FilePath, _ opening: FileOpening) throws(SystemError) -> any File

    /// What there is to say of what a path leads to; links are followed.
    ///
    /// - Throws: `SystemError`, with `ENOENT` where nothing is there.
    func status(of path: FilePath) throws(SystemError) -> FileStatus

    /// What a link leads to, as it is written in it; `nil` where the name is no link.
    func linkTarget(of path: FilePath) throws(SystemError) -> FilePath?

    /// The names in a folder, but for `.` and `..`, in the order of their bytes.
    func names(in folder: FilePath) throws(SystemError) -> [FilePath]

    /// Makes a folder.
    ///
    /// - Throws: `SystemError`, with `EEXIST` where something is there, and `ENOENT` where the folder above is not.
    func makeNewFolder(_ path: FilePath) throws(SystemError)

    /// Gives a file or folder another name, in place of a file, or an empty folder, that had it.
    func rename(_ path: FilePath, to new: FilePath) throws(SystemError)

    /// Takes a file's name away; one that is absent is as good.
    func remove(_ path: FilePath) throws(SystemError)

    /// Takes an empty folder away; one that is absent is as good.
    func removeFolder(_ path: FilePath) throws(SystemError)

    /// Makes the names in a folder survive a power cut.
    func synchroniseFolder(_ path: FilePath) throws(SystemError)
}

/// What a file is opened for.
public enum FileOpening: Sendable {
    /// To be read.
    case reading
    /// To be written to as it is; something has to be there.
    case present
    /// To be written to as it is; made where nothing is there.
    case writing
    /// To be written to from nothing; made, or emptied.
    case emptied
    /// To be written to; nothing may be there.
    case new
}

/// Whose company a lock on a file allows.
public enum FileLock: Sendable {
    /// Other shared locks.
    case shared
    /// Nobody's.
    case exclusive
}

/// An open file, which is closed, and loses its lock, with the last reference to it.
public protocol File: AnyObject, Sendable {
    /// The path that it was opened by, for messages.
    var path: FilePath { get }

    /// What there is to say of it.
    func status() throws(SystemError) -> FileStatus

    /// Reads bytes from a place on, all that are wanted unless the file ends before.
    ///
    /// - Returns: How many were read.
    func read(
        into bytes: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(SystemError) -> Int

    /// Writes all bytes from a place on; a pipe or a device, which has no places, gets them as they come.
    ///
    /// - Throws: `SystemError`; some of the bytes may then be there.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError)

    /// Cuts the file off behind some bytes.
    func truncate(to byteCount: Int) throws(SystemError)

    /// Makes the bytes survive a power cut; in pipes and devices nothing is kept that could.
    func synchronise() throws(SystemError)

    /// Takes a lock for as long as the file is open, without waiting.
    ///
    /// - Returns: `false` where somebody else's lock does not allow it.
    /// - Throws: `SystemError` where the file system has no locks.
    func lock(_ lock: FileLock) throws(SystemError) -> Bool
}

/// What is known of a file without reading it.
public struct FileStatus: Sendable, Equatable {
    /// What sort of file it is.
    public enum Kind: Sendable {
        /// A file with a content, a folder, a pipe or socket, or something else such as a device.
        case regular, folder, pipe, other

        /// Whether what is written there goes on, and is not kept.
        public var isStream: Bool { self == .pipe || self == .other }
    }

    /// What sort of file it is; of a link, what it leads to.
    public let kind: Kind
    /// The size in bytes.
    public let byteCount: Int
    /// When it was last written, in nanoseconds since 1970.
    public let modifiedNanoseconds: Int64
    /// The device and the number on it: the same for all names of one file.
    public let identity: [UInt64]

    /// A status by its parts.
    public init(kind: Kind, byteCount: Int, modifiedNanoseconds: Int64, identity: [UInt64]) {
        self.kind = kind
        self.byteCount = byteCount
        self.modifiedNanoseconds = modifiedNanoseconds
        self.identity = identity
    }
}
