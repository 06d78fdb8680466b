import Checkpoints
import Foundation
import Runs
import Runtime
import Transport

/// The coordinator's memory: a file `journal-tN` a term, to which records are appended before they are acted on.
///
/// A record is four bytes of length, four of CRC-32 of what follows, one of kind, and fields as in a control
/// message, all little-endian. The first record that is damaged, or was torn by a crash, ends the file: its successor
/// moves what is left into `journal-tN.damaged` and says so. An append is written at once,
/// so it survives the process; it survives a power cut from the next `synchronise` on. Where the disk has no room, records
/// wait in memory: then they are lost with the process, as after a power cut, and workers show what was committed. A
/// coordinator of an older term that wakes up cannot write into its successor's file.
public final class Journal: Sendable {
    /// The coordinator's term.
    public let term: UInt32
    /// What was done about damaged records of former terms, a sentence each.
    public let mendings: [String]
    private let directory: RunDirectory
    private let file: AppendedFile
    private let room = RoomWatch()

    /// Takes the next term: nobody else can have it, on whatever machine.
    ///
    /// - Parameter directory: The run, whose folder exists.
    /// - Returns: The journal of the new term, and the records of all terms before.
    /// - Throws: `RunError.system` naming the file, and what makes room where there is none.
    public static func open(_ directory: RunDirectory) throws(RunError) -> (
        journal: Journal, former: [JournalRecord]
    ) {
        do throws(SystemError) {
            return try openNext(directory)
        } catch {
            throw .system(error)
        }
    }

    private static func openNext(_ directory: RunDirectory) throws(SystemError) -> (
        journal: Journal, former: [JournalRecord]
    ) {
        var term = try highestTerm(in: directory) + 1
        while true {
            do throws(SystemError) {
                let marker = try directory.files.open(
                    directory.termPath(term: UInt64(term)), .new)
                try marker.synchronise()
                break
            } catch {
                guard error.code == EEXIST else { throw error }
                term += 1
            }
        }
        // Read after the term is taken: from now on a former coordinator that looks stops.
        var former: [JournalRecord] = []
        var mendings: [String] = []
        if term > 1 {
            for earlier in 1..<term {
                let path = directory.journalPath(term: UInt64(earlier))
                let (records, mending) = try records(at: path, in: directory.files)
                former += records
                if let mending { mendings.append(mending) }
            }
        }
        return (try Journal(directory, term: term, mendings: mendings), former)
    }

    private init(
        _ directory: RunDirectory, term: UInt32, mendings: [String]
    ) throws(SystemError) {
        self.directory = directory
        self.mendings = mendings
        self.term = term
        let path = directory.journalPath(term: UInt64(term))
        file = try AppendedFile(directory.files.open(path, .new), in: directory.files)
        try directory.files.synchroniseFolder(path.parent)
    }

    /// The highest term that was ever taken in a run; 0 for none.
    static func highestTerm(in directory: RunDirectory) throws(SystemError) -> UInt32 {
        // A power cut may leave a term's journal and not its marker.
        let beginnings = ["term-", "journal-t"]
        return try directory.files.names(in: directory.path).map(\.text).compactMap { name in
            beginnings.first(where: name.hasPrefix).flatMap { UInt32(name.dropFirst($0.count)) }
        }.max() ?? 0
    }

    /// Whether a coordinator of a later term has taken over.
    public var isSuperseded: Bool {
        directory.files.exists(directory.termPath(term: UInt64(term) + 1))
    }

    /// Appends a record in one write, or keeps it until there is room.
    ///
    /// - Throws: `RunError.system`, for want of room only once too many records wait.
    public func append(_ record: JournalRecord) throws(RunError) {
        do throws(SystemError) {
            try file.append(record.encoded)
        } catch {
            throw .system(error)
        }
    }

    /// Whether records have begun to wait for room on the disk, or wait no longer, since the last call.
    public func roomNews() -> RoomNews? { room.news(file.obstacle.map { .system($0) }) }

    /// Writes what waits for room, and makes what was appended survive a power cut.
    ///
    /// - Throws: `SystemError` naming the file.
    public func synchronise() throws(SystemError) { try file.synchronise() }

    /// The whole records of a journal, up to the first that is damaged or was torn off by a crash; the rest is set aside.
    ///
    /// - Returns: The records, and what was done about the rest.
    static func records(
        at path: FilePath, in files: any FileSystem
    ) throws(SystemError) -> ([JournalRecord], mending: String?) {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try files.contents(of: path)
        } catch {
            // A coordinator that died between its term and its journal has left none.
            guard error.code == ENOENT else { throw error }
            return ([], nil)
        }
        let (records, end) = bytes.withUnsafeBytes { JournalRecord.decode($0) }
        guard end < bytes.count else { return (records, nil) }
        let what =
            "\(path): the record at byte \(end) is damaged, or was torn off by a kill: it and all behind it, "
            + "\(bytes.count - end) bytes, are passed over"
        do throws(SystemError) {
            try setAside(Array(bytes[end...]), of: path, in: files)
            try files.open(path, .present).truncate(to: end)
            return (records, "\(what) and were set aside in \(path)\(asideEnding)")
        } catch {
            // They stay where they are, and are met again.
            return (records, "\(what); they could not be set aside: \(error)")
        }
    }

    /// What is added to a journal's name for what was set aside from it.
    static let asideEnding = ".damaged"

    private static func setAside(
        _ bytes: [UInt8], of path: FilePath, in files: any FileSystem
    ) throws(SystemError) {
        let file = try files.open(path + asideEnding, .writing)
        try file.write(bytes, at: try file.status().byteCount)
        try file.synchronise()
        // The bytes are cut off their file next.
        try files.synchroniseFolder(path.parent)
    }
}

extension JournalRecord {
    private enum Kind: UInt8 {
        case start = 1
        case generation = 2
        case commit = 3
        case checkpoint = 4
        case rewind = 5
        case end = 6
    }

    /// The record as it lies in the file.
    var encoded: [UInt8] {
        var fields = FieldWriter()
        let kind: Kind
        switch self {
        case .start(let term, let digest):
            kind = .start
            fields.append(1, term)
            fields.append(2, digest)
        case .generation(let generation, let committed, let members, let numbers):
            kind = .generation
            fields.append(1, generation)
            fields.append(2, committed)
            for (member, number) in zip(members, numbers) {
                fields.append(3, member.value)
                fields.append(4, number)
            }
        case .commit(let step, let checksum):
            kind = .commit
            fields.append(1, step)
            if let checksum { fields.append(2, checksum) }
        case .checkpoint(let name):
            kind = .checkpoint
            fields.append(1, name)
        case .rewind(let step):
            kind = .rewind
            fields.append(1, step)
        case .end(let exitCode):
            kind = .end
            fields.append(1, UInt32(bitPattern: exitCode))
        }
        let body = [kind.rawValue] + fields.bytes
        let checksum = body.withUnsafeBytes { CRC32.checksum(of: $0) }
        return [UInt32(body.count), checksum].flatMap { word in
            withUnsafeBytes(of: word.littleEndian) { Array($0) }
        } + body
    }

    /// All records up to the first that is torn or damaged, and where that one begins.
    static func decode(_ bytes: UnsafeRawBufferPointer) -> (records: [JournalRecord], end: Int) {
        var records: [JournalRecord] = []
        var offset = 0
        while bytes.count - offset >= 8 {
            let word = { (at: Int) in
                UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
            }
            let count = Int(word(offset))
            guard count > 0, count <= bytes.count - offset - 8 else { break }
            let body = UnsafeRawBufferPointer(rebasing: bytes[offset + 8..<offset + 8 + count])
            guard CRC32.checksum(of: body) == word(offset + 4),
                let record = try? JournalRecord(body: Array(body))
            else { break }
            records.append(record)
            offset += 8 + count
        }
        return (records, offset)
    }

    private init(body: [UInt8]) throws {
        let fields = try FieldReader(Array(body.dropFirst()))
        switch body.first.flatMap(Kind.init) {
        case .start:
            self = .start(term: try fields.small(1), configurationDigest: try fields.text(2))
        case .generation:
            let number = { (bytes: [UInt8]) in
                bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            }
            self = .generation(
                try fields.small(1), committed: try fields.integer(2),
                members: fields.all(3).map { WorkerID(number($0)) },
                numbers: fields.all(4).map { UInt32(truncatingIfNeeded: number($0)) })
        case .commit:
            self = .commit(
                step: try fields.integer(1),
                checksum: try fields.optionalInteger(2).map { UInt32(truncatingIfNeeded: $0) })
        case .checkpoint: self = .checkpoint(try fields.checkpointName(1))
        case .rewind: self = .rewind(toStep: try fields.integer(1))
        case .end: self = .end(exitCode: Int32(bitPattern: try fields.small(1)))
        case nil: throw MessageError.unexpectedType(body.first ?? 0)
        }
    }
}
