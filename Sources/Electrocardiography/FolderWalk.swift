import Runtime

/// The WFDB records of a folder.
public enum RecordFolder {
    /// The records below a folder as paths in it, without `.hea`, sorted by their bytes.
    public static func records(below folder: FilePath) throws(SourceError) -> [FilePath] {
        var walk = FolderWalk(folder, entersDatabases: true)
        try walk.run()
        return walk.records
    }

    /// The files that a record consists of, as far as its headers can be read: header, signal files, and those of its
    /// segments.
    ///
    /// - Parameter record: The record's path, with or without `.hea`.
    /// - Returns: Paths, whether files are there or not.
    public static func files(of record: FilePath) -> [FilePath] {
        let path = WFDBHeader.headerPath(of: record)
        guard let header = try? WFDBHeader.read(path) else { return [path] }
        let own = [path] + header.signals.map { path.sibling($0.file) }
        let segments = header.segments.map(\.name).filter { $0 != "~" && $0 != header.name }
        return own
            + Set(segments).sorted().flatMap { segment in
                let path = WFDBHeader.headerPath(of: path.sibling(FilePath(segment)))
                let signals = (try? WFDBHeader.read(path))?.signals ?? []
                return [path] + signals.map { path.sibling($0.file) }
            }
    }
}

/// A walk through a folder in the order of names.
struct FolderWalk {
    let root: FilePath
    /// Records below the folder, without `.hea`, sorted by the bytes of their paths.
    var records: [FilePath] = []
    /// Folders of PTB-XL; what lies below them is not in `records`.
    var databases: [FilePath] = []
    /// Folders that were not entered, because their names begin with a dot.
    var hiddenFolders: [FilePath] = []
    /// The folders that were looked into, by what the file system calls them.
    private(set) var visited: Set<[UInt64]> = []

    /// What lies below a folder of PTB-XL counts as records too.
    private let entersDatabases: Bool

    init(_ root: FilePath, entersDatabases: Bool = false) {
        self.root = root
        self.entersDatabases = entersDatabases
    }

    mutating func run() throws(SourceError) {
        try enter("")
        records.sort()
    }

    private mutating func enter(_ relative: FilePath) throws(SourceError) {
        let folder = relative.isEmpty ? root : root.appending(relative)
        let entries: [(name: FilePath, isFolder: Bool)]
        do throws(SystemError) {
            // A link to a folder above would lead round in circles.
            guard visited.insert(try folder.status().identity).inserted else { return }
            entries = try folder.entries()
        } catch {
            throw SourceError(
                file: folder, field: "folder", problem: "it is not there or cannot be read")
        }
        if entries.contains(where: { $0.name == PTBXLDatabase.tableName }) {
            databases.append(folder)
            guard entersDatabases else { return }
        }
        for (name, isFolder) in entries where !name.hasPrefix(Self.companionPrefix) {
            let path = relative.appending(name)
            if name.hasSuffix(".hea"), name != ".hea" {
                records.append(path.dropLast(4))
            } else if isFolder, name.hasPrefix(".") {
                hiddenFolders.append(root.appending(path))
            } else if isFolder {
                try enter(path)
            }
        }
    }

    /// macOS writes a file's attributes beside it under this prefix (AppleDouble) where a disk or an archive cannot hold
    /// them: `._A1.hea` is no header, whatever its ending says.
    private static let companionPrefix: FilePath = "._"
}
