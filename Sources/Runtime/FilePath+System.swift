import Foundation

extension FileStatus {
    init(_ status: stat) {
        let kind: Kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .folder
            case S_IFIFO, S_IFSOCK: .pipe
            default: .other
            }
        self.init(
            kind: kind, byteCount: Int(status.st_size),
            modifiedNanoseconds: Int64(status.st_mtim.tv_sec) * 1_000_000_000
                + Int64(status.st_mtim.tv_nsec),
            identity: [UInt64(status.st_dev), UInt64(status.st_ino)])
    }
}

extension FilePath {
    /// The path in a text of C.
    public init(cString start: UnsafePointer<CChar>) {
        self.init(bytes: UnsafeRawBufferPointer(start: start, count: strlen(start)))
    }

    /// Lends the path to a system call.
    ///
    /// - Returns: What the call returned; -1 with `EINVAL` for a path with a zero in it, which C would cut there.
    public func withSystemPath<Result: FixedWidthInteger>(
        _ call: (UnsafePointer<CChar>) -> Result
    ) -> Result {
        guard !bytes.contains(0) else {
            errno = EINVAL
            return 0 &- 1
        }
        return (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { path in
            path.baseAddress.map(call) ?? 0 &- 1
        }
    }

    private func perform(
        _ name: String, allowing allowed: Int32? = nil,
        _ call: (UnsafePointer<CChar>) -> Int32
    ) throws(SystemError) {
        guard withSystemPath({ path in retryingInterrupts { Int(call(path)) } }) != 0,
            errno != allowed
        else { return }
        throw SystemError(call: name, subject: self)
    }

    // MARK: Questions

    /// What the system says of the file; links are followed.
    ///
    /// - Throws: `SystemError`, with `ENOENT` where nothing is there.
    public func status() throws(SystemError) -> FileStatus {
        var status = stat()
        try perform("stat") { stat($0, &status) }
        return FileStatus(status)
    }

    /// Whether something is there that can be looked at.
    public var exists: Bool { (try? status()) != nil }

    /// Whether a folder is there.
    public var isFolder: Bool { (try? status())?.kind == .folder }

    /// Whether the name itself is a link.
    var isLink: Bool {
        var status = stat()
        return withSystemPath { lstat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    /// Whether this process may do something with it.
    ///
    /// - Parameter mode: Of `R_OK`, `W_OK` and `X_OK`.
    /// - Returns: Whether all of them are granted.
    public func permits(_ mode: Int32) -> Bool { withSystemPath { access($0, mode) } == 0 }

    /// The names in a folder, but for `.` and `..`, in the order of their bytes.
    public func names() throws(SystemError) -> [FilePath] { try entries().map(\.name) }

    /// What is in a folder, but for `.` and `..`, in the order of the names' bytes, and whether it is a folder itself or a
    /// link to one.
    public func entries() throws(SystemError) -> [(name: FilePath, isFolder: Bool)] {
        let folder = try FileHandleOwner.open(self, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        // The stream closes its descriptor, the owner its own.
        guard let stream = fdopendir(fcntl(folder.descriptor, F_DUPFD_CLOEXEC, 0)) else {
            throw SystemError(call: "opendir", subject: self)
        }
        defer { closedir(stream) }
        var entries: [(name: FilePath, isFolder: Bool)] = []
        var failure: Int32 = 0
        while true {
            // The end and a failure differ in `errno` alone.
            errno = 0
            guard let entry = readdir(stream) else {
                failure = errno
                break
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { name in
                FilePath(bytes: name.prefix { $0 != 0 })
            }
            guard name != ".", name != ".." else { continue }
            // Most file systems say what sort of file it is; a link, or silence, needs a look.
            let kind = Int32(entry.pointee.d_type)
            let isClear = kind != Int32(DT_UNKNOWN) && kind != Int32(DT_LNK)
            let isFolder = isClear ? kind == Int32(DT_DIR) : appending(name).isFolder
            entries.append((name, isFolder))
        }
        guard failure == 0 else {
            throw SystemError(call: "readdir", subject: self, code: failure)
        }
        return entries.sorted { $0.name < $1.name }
    }

    /// What a link leads to, as it is written in it.
    public func linkTarget() throws(SystemError) -> FilePath {
        var length = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, filled in
            buffer.withMemoryRebound(to: CChar.self) { buffer in
                guard let start = buffer.baseAddress else { return }
                length = withSystemPath { readlink($0, start, buffer.count) }
            }
            filled = max(0, length)
        }
        guard length >= 0 else { throw SystemError(call: "readlink", subject: self) }
        return FilePath(bytes: bytes)
    }

    /// Where the name leads: itself, or the end of a chain of links, whether something is there or not.
    ///
    /// Links among the folders stay in the path.
    ///
    /// - Throws: `SystemError`, with `ELOOP` for links that lead to each other.
    public func followingLinks() throws(SystemError) -> FilePath {
        try SystemFiles().followingLinks(self)
    }

    /// The one path of something that exists, from the root and without links.
    public func real() throws(SystemError) -> FilePath {
        var found: FilePath?
        try perform("realpath") { path in
            guard let real = realpath(path, nil) else { return -1 }
            defer { Foundation.free(real) }
            found = FilePath(cString: real)
            return 0
        }
        return found ?? self
    }

    // MARK: Changes

    /// Makes a folder that survives a power cut; one that is there is as good.
    public func makeFolder() throws(SystemError) { try SystemFiles().makeFolder(self) }

    /// Makes a folder that must not be there yet.
    public func makeNewFolder(mode: mode_t = 0o755) throws(SystemError) {
        try perform("mkdir") { mkdir($0, mode) }
    }

    /// Makes a folder and those above it, as far as they are absent.
    public func makeFolders() throws(SystemError) { try SystemFiles().makeFolders(self) }

    /// Gives the file another name, in place of what had it.
    public func rename(to path: FilePath) throws(SystemError) {
        guard withSystemPath({ old in path.withSystemPath { Foundation.rename(old, $0) } }) == 0
        else { throw SystemError(call: "rename", subject: path) }
    }

    /// Takes a file's name away; one that is absent is as good.
    public func remove() throws(SystemError) {
        try perform("unlink", allowing: ENOENT) { unlink($0) }
    }

    /// Takes an empty folder away; one that is absent is as good.
    public func removeFolder() throws(SystemError) {
        try perform("rmdir", allowing: ENOENT) { rmdir($0) }
    }

    /// Takes a file, or a folder with all that is in it, away; links are not followed.
    public func removeAll() throws(SystemError) { try SystemFiles().removeAll(self) }

    // MARK: Places

    /// The folder that relative paths begin in.
    public static var current: FilePath {
        guard let path = getcwd(nil, 0) else { return "." }
        defer { free(path) }
        return FilePath(cString: path)
    }

    /// The folder for files that nobody keeps: `TMPDIR`, or `/tmp`.
    public static var temporary: FilePath {
        guard let path = getenv("TMPDIR"), path.pointee != 0 else { return "/tmp" }
        return FilePath(cString: path)
    }

    /// The path from the root, without `.`, doubled slashes, and `..` where no link stands before it.
    public var absolute: FilePath {
        let slash = UInt8(ascii: "/")
        let full = isAbsolute ? self : Self.current.appending(self)
        return full.bytes.split(separator: slash).map { FilePath(bytes: $0) }
            .reduce("/") { path, name in
                switch name {
                case ".": path
                case ".." where !path.isLink && path.lastComponent != "..": path.parent
                default: path.appending(name)
                }
            }
    }
}

extension FileHandleOwner {
    /// All that comes through a pipe until its writers are gone.
    fileprivate func readPipe(patience: Duration) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let milliseconds = Int32(patience.components.seconds * 1000)
            let isReady = retryingInterrupts { Int(poll(&entry, 1, milliseconds)) }
            guard isReady > 0 else {
                throw isReady < 0
                    ? SystemError(call: "poll", subject: path)
                    : .silent(path)
            }
            let count = buffer.withUnsafeMutableBytes { buffer in
                retryingInterrupts { Foundation.read(descriptor, buffer.baseAddress, buffer.count) }
            }
            guard count >= 0 || errno == EAGAIN else {
                throw SystemError(call: "read", subject: path)
            }
            guard count != 0 else { return bytes }
            bytes += buffer.prefix(max(0, count))
        }
    }
}

extension FilePath {
    /// The whole content of a regular file, or all that comes through a pipe, as of `<(command)` in a shell.
    ///
    /// - Throws: `SystemError`, with `ETIMEDOUT` for a pipe through which nothing comes for ten seconds.
    public func contents() throws(SystemError) -> [UInt8] {
        let file = try SystemFile(self, .reading)
        guard try file.status().kind == .pipe else { return try file.contents() }
        return try file.handle.readPipe(patience: .seconds(10))
    }
}
