import Foundation
import Runtime

/// The journal of an unfinished preparation: its plan, then one line for every record that is done.
///
/// A line is a CRC-32 in hexadecimal and JSON. What a kill left half written fails its checksum and is cut off; an
/// advisory lock keeps a second process from the same output.
struct PreparationJournal: ~Copyable {
    private let file: FileHandleOwner

    private struct Plan: Codable, Equatable {
        var plan: String
    }

    /// Opens the journal of a plan, and the records that a former attempt at the same plan has done.
    ///
    /// - Parameters:
    ///   - path: The journal's file.
    ///   - plan: A digest of everything that the outcome depends on; another plan's journal is emptied.
    ///   - finished: The records done, in order.
    /// - Returns: The journal, open at its end.
    /// - Throws: `SystemError`; `EWOULDBLOCK` when another process writes to the same output.
    static func open(
        path: FilePath, plan: Digest, finished: inout [PreparedRecord]
    ) throws(SystemError) -> PreparationJournal {
        let opened = try FileHandleOwner.open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC)
        let journal = PreparationJournal(file: opened)
        guard flock(journal.file.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw SystemError(call: "flock", subject: path)
        }
        let bytes = try MappedFile(path: path).withBytes { Array($0) }
        let header = Plan(plan: "\(plan)")
        var valid = 0
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .dropLast()
        {
            let isValid =
                valid == 0
                ? value(Plan.self, line) == header
                : value(PreparedRecord.self, line).map { finished.append($0) } != nil
            guard isValid else { break }
            valid += line.count + 1
        }
        guard ftruncate(journal.file.descriptor, off_t(valid)) == 0 else {
            throw SystemError(call: "ftruncate", subject: path)
        }
        if valid == 0 { try journal.write(header) }
        return journal
    }

    private init(file: consuming FileHandleOwner) { self.file = file }

    /// Forgets the records behind the first ones.
    func keep(_ records: [PreparedRecord], plan: Digest) throws(SystemError) {
        guard ftruncate(file.descriptor, 0) == 0 else {
            throw SystemError(call: "ftruncate", subject: file.path)
        }
        try write(Plan(plan: "\(plan)"))
        for record in records { try append(record) }
    }

    /// Adds a record that is done.
    func append(_ record: PreparedRecord) throws(SystemError) { try write(record) }

    private func write(_ value: some Encodable) throws(SystemError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let json = try? encoder.encode(value) else {
            preconditionFailure("a journal line cannot be encoded")
        }
        let checksum = json.withUnsafeBytes { CRC32.checksum(of: $0) }
        var line = Array(String(checksum, radix: 16).utf8) + [UInt8(ascii: " ")]
        line += json
        line.append(UInt8(ascii: "\n"))
        var failure: SystemError?
        line.withUnsafeBytes { bytes in
            do throws(SystemError) { try file.writeAll(bytes) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    private static func value<Value: Decodable>(
        _ type: Value.Type, _ line: ArraySlice<UInt8>
    ) -> Value? {
        guard let blank = line.firstIndex(of: UInt8(ascii: " ")) else { return nil }
        let json = Data(line[(blank + 1)...])
        let checksum = json.withUnsafeBytes { CRC32.checksum(of: $0) }
        guard UInt32(String(decoding: line[..<blank], as: UTF8.self), radix: 16) == checksum else {
            return nil
        }
        return try? JSONDecoder().decode(type, from: json)
    }
}
