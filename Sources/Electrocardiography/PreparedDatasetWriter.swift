import Foundation
import Runtime

/// Writes a prepared data set, window by window, into a file that gets its final name when it is whole.
struct PreparedDatasetWriter: ~Copyable {
    private let file: FileHandleOwner
    private let samplesPerWindow: Int
    private let sampleRateHz: Double
    private let featureCount: Int
    private let featureVersion: String
    private var entries: [PreparedFormat.Entry] = []
    /// Clinical features, window after window.
    private var features = ByteWriter()

    /// Bytes of one window.
    private var windowBytes: Int { PreparedFormat.leadCount * samplesPerWindow * 2 }
    /// Windows written so far.
    var windowCount: Int { entries.count }

    /// The index line of a window and its clinical features.
    typealias Window = (entry: PreparedFormat.Entry, features: [Float])

    /// Opens the unfinished file, keeps the windows that are named and whole, and cuts off the rest.
    ///
    /// `wanted` is the index of the windows that a former attempt wrote, empty to begin anew. The writer goes on
    /// behind the last of its leading windows whose samples agree with it.
    init(
        path: FilePath, sampleRateHz: Double, samplesPerWindow: Int, featureCount: Int,
        featureVersion: String, resuming wanted: [Window]
    ) throws(SystemError) {
        file = try FileHandleOwner.open(path, O_RDWR | O_CREAT | O_CLOEXEC)
        (self.sampleRateHz, self.samplesPerWindow) = (sampleRateHz, samplesPerWindow)
        self.featureCount = featureCount
        self.featureVersion = featureVersion
        var window = [UInt8](repeating: 0, count: PreparedFormat.leadCount * samplesPerWindow * 2)
        let descriptor = file.descriptor
        for wanted in wanted {
            let offset = PreparedFormat.signalOffset + entries.count * window.count
            let got = window.withUnsafeMutableBytes { buffer in
                retryingInterrupts {
                    pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
                }
            }
            let checksum = window.withUnsafeBytes { CRC32.checksum(of: $0) }
            guard got == window.count, checksum == wanted.entry.checksum else { break }
            add(wanted)
        }
    }

    /// Forgets what lies behind the first windows; called once, before the first `append`.
    mutating func keep(_ count: Int) throws(SystemError) {
        entries.removeLast(max(0, entries.count - count))
        features.bytes.removeLast(features.bytes.count - entries.count * featureCount * 4)
        let end = off_t(PreparedFormat.signalOffset + entries.count * windowBytes)
        guard ftruncate(file.descriptor, end) == 0 else {
            throw SystemError(call: "ftruncate", subject: file.path)
        }
        guard lseek(file.descriptor, end, SEEK_SET) == end else {
            throw SystemError(call: "lseek", subject: file.path)
        }
    }

    /// Adds a window.
    mutating func append(
        _ samples: UnsafeRawBufferPointer, _ window: Window
    ) throws(SystemError) {
        precondition(samples.count == windowBytes, "a window of \(samples.count) bytes")
        try file.writeAll(samples)
        add(window)
    }

    private mutating func add(_ window: Window) {
        precondition(
            window.features.count == featureCount,
            "\(window.features.count) features in a set with \(featureCount)")
        entries.append(window.entry)
        for value in window.features { features.write(value.bitPattern) }
    }

    /// Makes the windows so far survive a power cut.
    func synchronise() throws(SystemError) { try file.synchronise() }

    /// Adds index and table, writes the header, and renames the file.
    ///
    /// - Parameters:
    ///   - table: The records; entries name them by their numbers in it.
    ///   - path: The final name.
    /// - Returns: The content's digest.
    /// - Throws: `SystemError` when the file cannot be written or renamed.
    consuming func finish(_ table: RecordTable, as path: FilePath) throws(SystemError) -> Digest {
        var index = ByteWriter()
        for entry in entries { entry.encode(into: &index) }
        let encodedTable = table.encoded
        var header = PreparedFormat.Header(
            windowCount: entries.count, recordCount: table.records.count,
            samplesPerWindow: samplesPerWindow, sampleRateHz: sampleRateHz,
            featureCount: featureCount, tableBytes: encodedTable.count)
        try Self.write(index.bytes, to: file)
        try Self.write(features.bytes, to: file)
        try Self.write(encodedTable, to: file)
        var hash = SHA256()
        try MappedFile(path: file.path).withBytes { bytes in
            hash.update(UnsafeRawBufferPointer(rebasing: bytes[PreparedFormat.signalOffset...]))
        }
        hash.update(header.encoded.prefix(PreparedFormat.digestedHeaderBytes))
        let digest = hash.finish()
        header.digest = digest.bytes
        header.indexChecksum = index.bytes.withUnsafeBytes { CRC32.checksum(of: $0) }
        header.featureChecksum = features.bytes.withUnsafeBytes { CRC32.checksum(of: $0) }
        header.tableChecksum = encodedTable.withUnsafeBytes { CRC32.checksum(of: $0) }
        guard lseek(file.descriptor, 0, SEEK_SET) == 0 else {
            throw SystemError(call: "lseek", subject: file.path)
        }
        try Self.write(header.encoded, to: file)
        let statements = PreparedFormat.Statements(
            featureVersion: featureCount > 0 ? featureVersion : "",
            joinsWindows: zip(entries, entries.dropFirst()).contains { $1.follows($0) })
        try Self.write(statements.encoded, to: file)
        try file.synchronise()
        try file.path.rename(to: path)
        try AtomicFile.synchroniseFolder(of: path)
        return digest
    }

    private static func write(
        _ bytes: [UInt8], to file: borrowing FileHandleOwner
    ) throws(SystemError) {
        var failure: SystemError?
        bytes.withUnsafeBytes { buffer in
            do throws(SystemError) { try file.writeAll(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
