import Foundation

extension File {
    /// Writes all bytes from a place on.
    public func write(_ bytes: [UInt8], at offset: Int) throws(SystemError) {
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(SystemError) in try write(bytes, at: offset) }
        }
        try result.get()
    }

    /// Bytes from a place in the file on; fewer where it ends before.
    public func read(at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        try [UInt8](count: count) { bytes throws(SystemError) in
            try read(into: bytes, at: offset)
        }
    }

    /// The whole content of a regular file, whether its size is known or not, as in `/proc`.
    public func contents() throws(SystemError) -> [UInt8] {
        switch try status().kind {
        case .regular: break
        case .folder: throw SystemError(call: "open", subject: path, code: EISDIR)
        case .pipe, .other: throw .notRegular(path)
        }
        var bytes: [UInt8] = []
        while true {
            let more = try read(at: bytes.count, count: max(1 << 16, bytes.count))
            guard !more.isEmpty else { return bytes }
            bytes += more
        }
    }
}

extension [UInt8] {
    /// What a call has put into room for so many bytes, and said that it has.
    init(
        count: Int, filling: (UnsafeMutableRawBufferPointer) throws(SystemError) -> Int
    ) throws(SystemError) {
        var failure: SystemError?
        self.init(unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(SystemError) {
                filled = try filling(UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }
}

extension FileSystem {
    // MARK: Questions

    /// Whether something is there that can be looked at.
    public func exists(_ path: FilePath) -> Bool { (try? status(of: path)) != nil }

    /// What sort of file is there, where a disk that does not answer must not pass for an empty one.
    ///
    /// - Returns: `nil` where nothing is there.
    /// - Throws: `SystemError` where it cannot be told.
    public func kind(of path: FilePath) throws(SystemError) -> FileStatus.Kind? {
        do throws(SystemError) {
            return try status(of: path).kind
        } catch {
            guard error.code == ENOENT || error.code == ENOTDIR else { throw error }
            return nil
        }
    }

    /// Whether a folder is there.
    public func isFolder(_ path: FilePath) -> Bool { (try? status(of: path))?.kind == .folder }

    /// The whole content of a regular file.
    public func contents(of path: FilePath) throws(SystemError) -> [UInt8] {
        try open(path, .reading).contents()
    }

    /// Where a name leads: itself, or the end of a chain of links, whether something is there or not.
    ///
    /// Links among the folders stay in the path.
    ///
    /// - Throws: `SystemError`, with `ELOOP` for links that lead to each other.
    public func followingLinks(_ path: FilePath) throws(SystemError) -> FilePath {
        var end = path
        // As many as the kernel follows.
        for _ in 0..<40 {
            guard let target = try linkTarget(of: end) else { return end }
            end = target.isAbsolute ? target : end.sibling(target)
        }
        throw SystemError(call: "readlink", subject: path, code: ELOOP)
    }

    // MARK: Folders

    /// Makes a folder that survives a power cut; one that is there is as good.
    public func makeFolder(_ path: FilePath) throws(SystemError) {
        do throws(SystemError) {
            try makeNewFolder(path)
        } catch {
            guard error.code == EEXIST else { throw error }
            guard try kind(of: path) == .folder else {
                throw SystemError(call: "mkdir", subject: path, code: ENOTDIR)
            }
            return
        }
        do throws(SystemError) {
            try synchroniseFolder(path.parent)
        } catch {
            // A folder that may be changed but not read, or whose file system synchronises none: nothing more can be done.
            guard error.code == EACCES || error.code == EINVAL else { throw error }
        }
    }

    /// Makes a folder and those above it, as far as they are absent.
    public func makeFolders(_ path: FilePath) throws(SystemError) {
        do throws(SystemError) {
            try makeFolder(path)
        } catch {
            guard error.code == ENOENT, !path.isEmpty, path.parent != path else { throw error }
            try makeFolders(path.parent)
            try makeFolder(path)
        }
    }

    /// Takes a file, or a folder with all that is in it, away; links are not followed.
    public func removeAll(_ path: FilePath) throws(SystemError) {
        let isLink = (try? linkTarget(of: path)) ?? nil != nil
        guard !isLink, isFolder(path) else { return try remove(path) }
        for name in try names(in: path) { try removeAll(path.appending(name)) }
        try removeFolder(path)
    }

    // MARK: Whole files

    /// Puts a file in place of whatever was there; a reader sees all of it or nothing.
    public func write(_ bytes: some Sequence<UInt8>, to path: FilePath) throws(SystemError) {
        let bytes = Array(bytes)
        try replace(path) { file throws(SystemError) in
            try file.write(bytes, at: 0)
            try file.synchronise()
        }
    }

    /// Puts a file in place of whatever was there; a reader sees all of it or nothing.
    public func write(_ text: String, to path: FilePath) throws(SystemError) {
        try write(text.utf8, to: path)
    }

    /// Puts a file in place that a closure writes and synchronises under a temporary name: a reader sees all of it or nothing.
    ///
    /// A link is followed, so that it stays one. A device, a FIFO or a socket has no content that could be replaced: it gets
    /// the bytes as they come.
    ///
    /// - Throws: `SystemError` with the path. A former file is then untouched, unless it was the synchronisation of its
    ///   folder that failed: the new file is in place then, and may not survive a power cut.
    public func replace(
        _ path: FilePath, writing: (any File) throws(SystemError) -> Void
    ) throws(SystemError) {
        // Asked of the name itself: a link to an open pipe leads where no path does.
        if let status = try? status(of: path), status.kind.isStream {
            return try writing(open(path, .present))
        }
        let target = try followingLinks(path)
        var temporary: FilePath?
        do throws(SystemError) {
            let file = try openTemporary(beside: target)
            temporary = file.path
            try writing(file)
            try rename(file.path, to: target)
        } catch {
            if let temporary { try? remove(temporary) }
            // The user knows the file by its own name alone.
            let isOurs = error.subject == temporary?.text || error.subject == target.text
            throw SystemError(
                call: error.call, subject: isOurs ? path.text : error.subject, code: error.code)
        }
        try synchroniseFolder(target.parent)
    }

    /// A new file in the folder of another.
    private func openTemporary(beside path: FilePath) throws(SystemError) -> any File {
        for number in 0...UInt32.max {
            // A name of its own: the file's with more behind it may be longer than names can be.
            let name = FilePath(".tmp-\(getpid())-\(number)")
            do throws(SystemError) {
                return try open(path.sibling(name), .new)
            } catch {
                // Of another thread, another machine, or left by a process that was killed.
                guard error.code != EEXIST else { continue }
                throw SystemError(call: error.call, subject: path, code: error.code)
            }
        }
        throw SystemError(call: "open", subject: path, code: EEXIST)
    }
}
