import Foundation

/// The WFDB records of a folder.
public enum RecordFolder {
    /// The records below a folder as paths in it, without `.hea`, sorted by their bytes.
    public static func records(below folder: String) throws(SourceError) -> [String] {
        var walk = FolderWalk(folder, entersDatabases: true)
        try walk.run()
        return walk.records
    }
}

/// A walk through a folder in the order of names.
struct FolderWalk {
    let root: String
    /// Records below the folder, without `.hea`, sorted by the bytes of their paths.
    var records: [String] = []
    /// Folders of PTB-XL; what lies below them is not in `records`.
    var databases: [String] = []
    private var visited: Set<String> = []

    /// What lies below a folder of PTB-XL counts as records too.
    private let entersDatabases: Bool

    init(_ root: String, entersDatabases: Bool = false) {
        self.root = root
        self.entersDatabases = entersDatabases
    }

    mutating func run() throws(SourceError) {
        try enter("")
        records.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private mutating func enter(_ relative: String) throws(SourceError) {
        let folder = relative.isEmpty ? root : (root as NSString).appendingPathComponent(relative)
        // A link to a folder above would lead round in circles.
        guard visited.insert(URL(fileURLWithPath: folder).resolvingSymlinksInPath().path).inserted
        else { return }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw SourceError(
                file: folder, field: "folder", problem: "it is not there or cannot be read")
        }
        if names.contains(PTBXLDatabase.tableName) {
            databases.append(folder)
            guard entersDatabases else { return }
        }
        for name in names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            let path = relative.isEmpty ? name : (relative as NSString).appendingPathComponent(name)
            if name.hasSuffix(".hea") {
                records.append(String(path.dropLast(4)))
                continue
            }
            var isFolder: ObjCBool = false
            let full = (root as NSString).appendingPathComponent(path)
            // Signal files are many; only names without an ending, or real folders, are looked into.
            if Self.mayBeFolder(name),
                FileManager.default.fileExists(atPath: full, isDirectory: &isFolder),
                isFolder.boolValue
            {
                try enter(path)
            }
        }
    }

    private static func mayBeFolder(_ name: String) -> Bool {
        !name.hasPrefix(".") && ![".dat", ".mat", ".atr"].contains { name.hasSuffix($0) }
    }
}
