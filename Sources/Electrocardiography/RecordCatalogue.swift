import Runtime

/// The records that a preparation will read, in the order of sources and names, and those it will not.
struct RecordCatalogue {
    struct Source {
        var path: FilePath
        /// `ptb-xl` or `wfdb`.
        var kind: String
        /// Records whose header is there.
        var foundCount = 0
        /// Rows of the label table whose files are not there.
        var missingCount = 0
        /// Headers that are segments of other records.
        var segmentCount = 0
    }

    struct Entry: Sendable {
        var source: Int
        var name: String
        /// The record's path without `.hea`.
        var path: FilePath
        /// The labels of a PTB-XL record.
        var row: PTBXLDatabase.Row?
        /// The PTB-XL record that this is under another name: it lends patient and fold.
        var original: PTBXLDatabase.Row?
    }

    private(set) var sources: [Source] = []
    private(set) var entries: [Entry] = []
    private(set) var skipped: [SkippedRecord] = []
    private(set) var notes: [String] = []
    private(set) var superclassNames: [String: String] = [:]
    private var databases: [PTBXLDatabase] = []
    private let sourceRateHz: Double?

    /// Lists the records of folders.
    ///
    /// - Parameters:
    ///   - folders: Folders of PTB-XL or of WFDB records; a folder that holds PTB-XL somewhere below is both.
    ///   - sourceRateHz: Which of PTB-XL's two rates to take; `nil` for the higher one that is there.
    /// - Throws: `SourceError` for a folder that is not there, has no records or has a broken label table.
    init(folders: [FilePath], sourceRateHz: Double?) throws(SourceError) {
        self.sourceRateHz = sourceRateHz
        var looked: [(source: FilePath, folders: Set<[UInt64]>)] = []
        for folder in folders {
            let before = entries.count
            var walk = FolderWalk(folder)
            try walk.run()
            // Folders of PTB-XL are not entered by that walk, and another source may lie in one.
            var inner: [FolderWalk] = []
            for database in walk.databases {
                var below = FolderWalk(database, entersDatabases: true)
                try below.run()
                inner.append(below)
            }
            let visited = inner.reduce(walk.visited) { $0.union($1.visited) }
            if let other = looked.first(where: { !$0.folders.isDisjoint(with: visited) }) {
                throw SourceError(
                    file: folder, field: SourceError.overlap,
                    problem:
                        "it has folders in common with the source \(other.source), and their records would be "
                        + "taken twice; give each folder once, in one --source")
            }
            looked.append((folder, visited))
            notes += walk.hiddenFolders.map {
                "\($0) is not looked into: its name begins with a dot"
            }
            for database in inner { try addDatabase(database) }
            if !walk.records.isEmpty { addRecords(walk, folder: folder) }
            guard entries.count > before else {
                throw SourceError(
                    file: folder, field: "records",
                    problem: "no WFDB header (.hea) and no PTB-XL record with a file was found")
            }
        }
        if sourceRateHz != nil, databases.isEmpty {
            throw SourceError(
                file: folders.first ?? "", field: "source rate",
                problem: "no source holds PTB-XL, which alone has two rates to choose from; leave "
                    + "--source-rate out")
        }
        resolveNamesakes()
    }

    private mutating func addDatabase(_ walk: FolderWalk) throws(SourceError) {
        let folder = walk.root
        let database = try PTBXLDatabase(folder: folder)
        var source = Source(path: folder, kind: PreparedDataset.ptbxlSource)
        for row in database.rows {
            guard let path = path(of: row, folder: folder) else {
                source.missingCount += 1
                continue
            }
            source.foundCount += 1
            entries.append(
                Entry(source: sources.count, name: String(row.id), path: path, row: row))
        }
        let listed = Set(database.rows.flatMap { [$0.lowRatePath, $0.highRatePath] })
        for name in walk.records where !listed.contains(name) {
            skipped.append(
                SkippedRecord(
                    source: sources.count, record: name.text, reason: .notInTable,
                    detail: "\(PTBXLDatabase.tableName) of its folder does not list it"))
        }
        if let names = database.superclassNames {
            superclassNames.merge(names) { first, _ in first }
        } else {
            notes.append(
                "\(folder) has no \(PTBXLDatabase.statementsName): its records get no superclasses")
        }
        sources.append(source)
        databases.append(database)
    }

    /// The file of the wanted rate; without a wish, of the higher rate that is there.
    private func path(of row: PTBXLDatabase.Row, folder: FilePath) -> FilePath? {
        let wanted: [FilePath]
        switch sourceRateHz {
        case 100: wanted = [row.lowRatePath]
        case 500: wanted = [row.highRatePath]
        default: wanted = [row.highRatePath, row.lowRatePath]
        }
        for name in wanted where !name.isEmpty {
            let path = folder.appending(name)
            if (path + ".hea").exists { return path }
        }
        return nil
    }

    private mutating func addRecords(_ walk: FolderWalk, folder: FilePath) {
        let number = sources.count
        var source = Source(path: folder, kind: "wfdb")
        let segments = Self.segments(walk.records, folder: folder)
        for name in walk.records {
            if segments.contains(name) {
                source.segmentCount += 1
                continue
            }
            source.foundCount += 1
            entries.append(
                Entry(source: number, name: name.text, path: folder.appending(name)))
        }
        sources.append(source)
    }

    /// Names of records that other records name as their segments.
    private static func segments(_ names: [FilePath], folder: FilePath) -> Set<FilePath> {
        var segments: Set<FilePath> = []
        for name in names {
            let path = folder.appending(name) + ".hea"
            // Most headers have one segment, and their first fields say so: parsing waits for the worker.
            guard let field = try? WFDBHeader.nameField(path), field.contains(UInt8(ascii: "/")),
                let header = try? WFDBHeader.read(path)
            else { continue }
            for segment in header.segments where segment.name != "~" && segment.name != header.name
            {
                segments.insert(name.sibling(FilePath(segment.name)))
            }
        }
        return segments
    }

    /// Leaves out Challenge records that are PTB-XL records under another name, where they would be in the set twice,
    /// where their fold is kept from training, and where nobody can tell.
    private mutating func resolveNamesakes() {
        let present = Set(entries.compactMap(\.row?.id))
        var kept: [Entry] = []
        for var entry in entries {
            guard entry.row == nil,
                let number = RecordDescription.ptbxlNumber(ofChallengeRecord: entry.name)
            else {
                kept.append(entry)
                continue
            }
            let row = databases.lazy.compactMap { $0[number] }.first
            let cause: String?
            if present.contains(number) {
                cause = "it is PTB-XL record \(number), which is in the set"
            } else if let row {
                cause = row.fold >= 9 ? "it is PTB-XL record \(number), of fold \(row.fold)" : nil
            } else {
                cause =
                    "it is PTB-XL record \(number), and no source has the table that names its fold"
            }
            if let cause {
                skipped.append(
                    SkippedRecord(
                        source: entry.source, record: entry.name, reason: .ptbxlRecord,
                        detail: cause))
            } else {
                entry.original = row
                kept.append(entry)
            }
        }
        entries = kept
    }

    /// The superclasses of a PTB-XL record's codes.
    func superclasses(of row: PTBXLDatabase.Row) -> Superclasses {
        for database in databases where database[row.id]?.codes == row.codes {
            return database.superclasses(of: row.codes)
        }
        return []
    }
}
