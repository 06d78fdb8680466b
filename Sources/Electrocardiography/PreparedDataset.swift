import Foundation
import Runtime

/// Why a prepared data set was refused.
public struct PreparedDatasetError: LastingError, Equatable, CustomStringConvertible {
    /// The file.
    public let file: FilePath
    /// The part of it: header, index, table, or a window with its record.
    public let field: String
    /// What is wrong, and the remedy.
    public let problem: String

    /// One line: file, field, problem.
    public var description: String { "\(file): \(field): \(problem)" }
}

/// A prepared data set: windows of 10 s, twelve leads, one rate, memory-mapped and read-only.
///
/// Opening checks header, index and record table; the samples of a window are checked when they are read.
public final class PreparedDataset: Sendable {
    /// The file.
    public let path: FilePath
    private let file: MappedFile
    private let header: PreparedFormat.Header
    /// How clinical features were computed (`WindowFeatures.version`); `nil` in a set without them, and where it was
    /// prepared before sets said so.
    public let clinicalFeatureVersion: String?
    /// Whether windows that follow one another in a record were resampled together, so that they join without a seam; sets
    /// without such windows, and those that were prepared before sets said so, say no.
    public let joinsWindows: Bool
    private let table: RecordTable
    /// For each record the first record of the same patient.
    private let firstOfPatient: [Int]

    /// Opens a data set.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - damageCode: What the process exits with where a part of the file turns out to be gone while it is used.
    /// - Throws: `PreparedDatasetError` where it cannot be opened, or is no whole prepared data set.
    public init(path: FilePath, damageCode: ExitCode = .failure) throws(PreparedDatasetError) {
        self.path = path
        do throws(SystemError) {
            file = try MappedFile(path: path, damageCode: damageCode)
        } catch {
            throw PreparedDatasetError(
                file: path, field: "file",
                problem:
                    "\(error.reason); check the path (--data); `purkinje data prepare` writes such a file"
            )
        }
        let statements: PreparedFormat.Statements
        (header, statements, table) = try file.withBytes { bytes throws(PreparedDatasetError) in
            try Self.check(bytes, path: path)
        }
        clinicalFeatureVersion =
            statements.featureVersion.isEmpty ? nil : statements.featureVersion
        joinsWindows = statements.joinsWindows
        var first: [String: Int] = [:]
        firstOfPatient = table.records.enumerated().map { number, record in
            guard let patient = record.patient else { return number }
            if let known = first[patient] { return known }
            first[patient] = number
            return number
        }
    }

    /// Windows in the set.
    public var windowCount: Int { header.windowCount }
    /// Records in the set.
    public var recordCount: Int { header.recordCount }
    /// Samples a second.
    public var sampleRateHz: Double { header.sampleRateHz }
    /// Samples of one lead of one window: 2500 at 250 Hz.
    public var samplesPerWindow: Int { header.samplesPerWindow }
    /// Clinical features of a window; 0 in a set that was prepared without them.
    public var clinicalFeatureCount: Int { header.featureCount }
    /// SHA-256 of the content, which holds neither paths nor times.
    public var digest: Digest { Digest(bytes: header.digest) }
    /// The kinds of the sources, in the order in which they were given.
    public var sources: [String] { table.sources }

    /// The superclass of a diagnostic SCP-ECG code, as the set's `scp_statements.csv` has it.
    public func superclass(ofCode code: String) -> Superclass? {
        var range = table.statements[...]
        while let middle = range.indices.isEmpty ? nil : (range.startIndex + range.endIndex) / 2 {
            let found = range[middle]
            if found.code == code { return Superclass(name: found.superclass) }
            range = found.code < code ? range[(middle + 1)...] : range[..<middle]
        }
        return nil
    }

    /// The kind of a source with PTB-XL's label table.
    public static let ptbxlSource = "ptb-xl"

    /// What is known of a window.
    ///
    /// - Precondition: The index is below `windowCount`.
    public func window(_ index: Int) -> WindowDescription {
        let entry = entry(index)
        return WindowDescription(
            record: table.records[Int(entry.record)], piece: Int(entry.piece))
    }

    /// Number of the patient whom a window is of, within this set; records that name no patient count as one each.
    ///
    /// - Precondition: The index is below `windowCount`.
    public func patient(ofWindow index: Int) -> Int {
        firstOfPatient[Int(entry(index).record)]
    }

    /// Whether the window behind a window in this set is the next 10 s of the same record, and so of the same fold.
    ///
    /// - Precondition: The index is below `windowCount`.
    public func isFollowed(window index: Int) -> Bool {
        index + 1 < windowCount && entry(index + 1).follows(entry(index))
    }

    /// Reads a window in mV, shape `[12, samplesPerWindow]`, lead by lead, after checking its checksum.
    ///
    /// - Precondition: The index is below `windowCount`; the span has the shape's size.
    public func readMillivolts(
        window index: Int, into signal: inout MutableSpan<Float>
    ) throws(PreparedDatasetError) {
        let count = PreparedFormat.leadCount * samplesPerWindow
        precondition(
            signal.count == count, "a window has \(count) values, the span \(signal.count)")
        // A cut leaves zeros up to the end of a page, and not all that is read there has a checksum of its own.
        if let count = file.cutCount {
            throw PreparedDatasetError(
                file: path, field: "size",
                problem:
                    "it was cut from \(file.count) to \(count) bytes while it was in use; put it back whole"
            )
        }
        let entry = entry(index)
        let start = PreparedFormat.signalOffset + index * header.windowBytes
        let isWhole = file.withBytes { bytes in
            let samples = UnsafeRawBufferPointer(
                rebasing: bytes[start..<start + header.windowBytes])
            guard CRC32.checksum(of: samples) == entry.checksum else { return false }
            let scale = entry.millivoltsPerUnit
            signal.withUnsafeMutableBufferPointer { signal in
                for i in 0..<count {
                    let value = samples.loadUnaligned(fromByteOffset: 2 * i, as: Int16.self)
                    signal[i] = Float(Int16(littleEndian: value)) * scale
                }
            }
            return true
        }
        guard isWhole else {
            throw PreparedDatasetError(
                file: path,
                field: "window \(index), record \(table.records[Int(entry.record)].name)",
                problem: "the samples are damaged (CRC-32); prepare the data set again")
        }
    }

    /// Reads the clinical features of a window, NaN where one was not measured.
    ///
    /// They were computed from the record at its own rate when the set was prepared; their checksum was checked when
    /// the set was opened.
    ///
    /// - Precondition: The index is below `windowCount`; the span has `clinicalFeatureCount` elements.
    public func clinicalFeatures(of index: Int, into features: inout MutableSpan<Float>) {
        let count = clinicalFeatureCount
        precondition(
            (0..<windowCount).contains(index) && features.count == count,
            "\(features.count) features of window \(index): the set has \(windowCount) windows with \(count)"
        )
        file.withBytes { bytes in
            let start = header.featureOffset + index * count * 4
            for i in 0..<count {
                let bits = bytes.loadUnaligned(fromByteOffset: start + 4 * i, as: UInt32.self)
                features[i] = Float(bitPattern: UInt32(littleEndian: bits))
            }
        }
    }

    /// Windows of this set whose samples are those of a window of another set, whatever the records are called.
    ///
    /// - Parameters:
    ///   - other: The other set.
    ///   - counts: Which of its records count.
    /// - Returns: Numbers of windows.
    public func windows(
        sharedWith other: PreparedDataset, where counts: (RecordDescription) -> Bool
    ) -> Set<Int> {
        guard samplesPerWindow == other.samplesPerWindow else { return [] }
        var candidates: [UInt32: [Int]] = [:]
        for index in 0..<other.windowCount where counts(other.window(index).record) {
            candidates[other.entry(index).checksum, default: []].append(index)
        }
        return Set(
            (0..<windowCount).filter { index in
                let entry = entry(index)
                return (candidates[entry.checksum] ?? []).contains {
                    // Equal checksums are no proof where sets are large.
                    other.entry($0).millivoltsPerUnit == entry.millivoltsPerUnit
                        && hasSamples(index, of: $0, in: other)
                }
            })
    }

    private func hasSamples(_ index: Int, of number: Int, in other: PreparedDataset) -> Bool {
        let (size, start) = (header.windowBytes, PreparedFormat.signalOffset)
        return file.withBytes { own in
            other.file.withBytes { theirs in
                guard let a = own.baseAddress, let b = theirs.baseAddress else { return false }
                return memcmp(a + start + index * size, b + start + number * size, size) == 0
            }
        }
    }

    /// Checks every window and the digest of the whole content.
    public func verify() throws(PreparedDatasetError) {
        var signal = [Float](repeating: 0, count: PreparedFormat.leadCount * samplesPerWindow)
        for index in 0..<windowCount {
            var span = signal.mutableSpan
            try readMillivolts(window: index, into: &span)
        }
        let found = file.withBytes { bytes in
            var hash = SHA256()
            hash.update(UnsafeRawBufferPointer(rebasing: bytes[PreparedFormat.signalOffset...]))
            hash.update(
                UnsafeRawBufferPointer(rebasing: bytes[..<PreparedFormat.digestedHeaderBytes]))
            return hash.finish()
        }
        guard found == digest else {
            throw PreparedDatasetError(
                file: path, field: "digest",
                problem:
                    "it is \(found), the header says \(digest); copy the file again, or prepare the data set again"
            )
        }
    }

    private func entry(_ index: Int) -> PreparedFormat.Entry {
        precondition(
            (0..<windowCount).contains(index), "window \(index) of a set with \(windowCount)")
        return file.withBytes { bytes in
            Self.entry(bytes, at: header.indexOffset + index * PreparedFormat.entryBytes)
        }
    }

    private static func entry(
        _ bytes: UnsafeRawBufferPointer, at offset: Int
    ) -> PreparedFormat.Entry {
        func word(_ i: Int) -> UInt32 {
            UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + i, as: UInt32.self))
        }
        return PreparedFormat.Entry(
            checksum: word(0), millivoltsPerUnit: Float(bitPattern: word(4)), record: word(8),
            piece: word(12))
    }
}

extension PreparedDataset {
    /// Checks everything but the samples.
    private static func check(
        _ bytes: UnsafeRawBufferPointer, path: FilePath
    ) throws(PreparedDatasetError) -> (
        PreparedFormat.Header, PreparedFormat.Statements, RecordTable
    ) {
        func refuse(_ field: String, _ problem: String) -> PreparedDatasetError {
            PreparedDatasetError(file: path, field: field, problem: problem)
        }
        guard bytes.starts(with: PreparedFormat.magic) else {
            throw refuse("header", "this is not a prepared data set; `data prepare` writes one")
        }
        var reader = ByteReader(
            UnsafeRawBufferPointer(rebasing: bytes[PreparedFormat.magic.count...]))
        let version: UInt32? = reader.read()
        guard version == PreparedFormat.version else {
            throw refuse(
                "version",
                "it is \(version.map { "\($0)" } ?? "cut off"), and this program reads version "
                    + "\(PreparedFormat.version); prepare the data set again")
        }
        guard let header = header(bytes) else {
            throw refuse("header", "it is damaged; prepare the data set again")
        }
        guard let statements = PreparedFormat.Statements.read(bytes) else {
            throw refuse(
                "statements behind the header",
                "they are damaged (CRC-32); prepare the data set again")
        }
        guard header.fileBytes == bytes.count else {
            throw refuse(
                "size",
                "\(header.fileBytes) bytes are announced, the file has \(bytes.count); copy it again, whole, or "
                    + "prepare the data set again")
        }
        let index = UnsafeRawBufferPointer(
            rebasing: bytes[header.indexOffset..<header.featureOffset])
        let features = UnsafeRawBufferPointer(
            rebasing: bytes[header.featureOffset..<header.tableOffset])
        let tableBytes = UnsafeRawBufferPointer(rebasing: bytes[header.tableOffset...])
        guard CRC32.checksum(of: index) == header.indexChecksum else {
            throw refuse("index", "it is damaged (CRC-32); prepare the data set again")
        }
        guard CRC32.checksum(of: features) == header.featureChecksum else {
            throw refuse("features", "they are damaged (CRC-32); prepare the data set again")
        }
        guard CRC32.checksum(of: tableBytes) == header.tableChecksum,
            let table = RecordTable(tableBytes, recordCount: header.recordCount)
        else {
            throw refuse("record table", "it is damaged; prepare the data set again")
        }
        for window in 0..<header.windowCount {
            let entry = entry(index, at: window * PreparedFormat.entryBytes)
            guard Int(entry.record) < header.recordCount, entry.millivoltsPerUnit.isFinite else {
                throw refuse(
                    "index", "window \(window) belongs to no record; prepare the data set again")
            }
        }
        return (header, statements, table)
    }

    /// The header; `nil` when its checksum or its numbers do not agree with one another.
    private static func header(_ bytes: UnsafeRawBufferPointer) -> PreparedFormat.Header? {
        guard bytes.count >= PreparedFormat.signalOffset else { return nil }
        let checked = PreparedFormat.headerBytes - 4
        let checksum = UInt32(
            littleEndian: bytes.loadUnaligned(fromByteOffset: checked, as: UInt32.self))
        guard CRC32.checksum(of: UnsafeRawBufferPointer(rebasing: bytes[..<checked])) == checksum
        else { return nil }
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[16..<checked]))
        guard let windows: UInt64 = reader.read(), let records: UInt64 = reader.read(),
            let leads: UInt16 = reader.read(), let features: UInt16 = reader.read(),
            let samples: UInt32 = reader.read(),
            let rate: UInt64 = reader.read(), let _: UInt64 = reader.read(),
            let _: UInt64 = reader.read(), let table: UInt64 = reader.read(),
            let size: UInt64 = reader.read(), Int(leads) == PreparedFormat.leadCount,
            windows < 1 << 32, records < 1 << 32, samples < 1 << 20, size >= table, size < 1 << 56
        else { return nil }
        var header = PreparedFormat.Header(
            windowCount: Int(windows), recordCount: Int(records), samplesPerWindow: Int(samples),
            sampleRateHz: Double(bitPattern: rate), featureCount: Int(features),
            tableBytes: Int(size - table))
        header.digest = Array(bytes[80..<112])
        header.indexChecksum = UInt32(
            littleEndian: bytes.loadUnaligned(fromByteOffset: 112, as: UInt32.self))
        header.tableChecksum = UInt32(
            littleEndian: bytes.loadUnaligned(fromByteOffset: 116, as: UInt32.self))
        header.featureChecksum = UInt32(
            littleEndian: bytes.loadUnaligned(fromByteOffset: 120, as: UInt32.self))
        let isConsistent = header.encoded.elementsEqual(bytes[..<PreparedFormat.headerBytes])
        return isConsistent && header.sampleRateHz > 0 && samples > 0 ? header : nil
    }
}
