import Foundation
import Runtime

/// The layout of a prepared data set (docs/data.md has it byte by byte); all numbers are little endian.
enum PreparedFormat {
    static let magic = Array("PKECGSET".utf8)
    static let version: UInt32 = 2
    static let headerBytes = 128
    static let digestedHeaderBytes = 80
    static let signalOffset = 4096
    static let entryBytes = 16
    static let leadCount = 12
    static let windowSeconds = 10.0

    /// The fixed part at the front of the file.
    struct Header: Equatable {
        var windowCount: Int
        var recordCount: Int
        var samplesPerWindow: Int
        var sampleRateHz: Double
        /// Clinical features of each window; 0 in a set without them.
        var featureCount: Int
        var tableBytes: Int
        var digest = [UInt8](repeating: 0, count: 32)
        var indexChecksum: UInt32 = 0
        var tableChecksum: UInt32 = 0
        var featureChecksum: UInt32 = 0

        var windowBytes: Int { PreparedFormat.leadCount * samplesPerWindow * 2 }
        var indexOffset: Int { PreparedFormat.signalOffset + windowCount * windowBytes }
        var featureOffset: Int { indexOffset + windowCount * PreparedFormat.entryBytes }
        var tableOffset: Int { featureOffset + windowCount * featureCount * 4 }
        var fileBytes: Int { tableOffset + tableBytes }

        var encoded: [UInt8] {
            var writer = ByteWriter()
            writer.bytes += PreparedFormat.magic
            writer.write(PreparedFormat.version)
            writer.write(UInt32(PreparedFormat.headerBytes))
            writer.write(UInt64(windowCount))
            writer.write(UInt64(recordCount))
            writer.write(UInt16(PreparedFormat.leadCount))
            writer.write(UInt16(featureCount))
            writer.write(UInt32(samplesPerWindow))
            writer.write(sampleRateHz.bitPattern)
            writer.write(UInt64(PreparedFormat.signalOffset))
            writer.write(UInt64(indexOffset))
            writer.write(UInt64(tableOffset))
            writer.write(UInt64(fileBytes))
            writer.bytes += digest
            writer.write(indexChecksum)
            writer.write(tableChecksum)
            writer.write(featureChecksum)
            writer.write(writer.bytes.withUnsafeBytes { CRC32.checksum(of: $0) })
            return writer.bytes
        }
    }

    /// How a set was made, as it stands behind the header: texts, each with the CRC-32 of its bytes, as far as there is
    /// something to say.
    struct Statements: Equatable {
        /// How clinical features were computed; empty in a set without them, and where it was prepared before sets said so.
        var featureVersion = ""
        /// Whether windows that follow one another in a record were resampled together, so that they join; said where there
        /// are any.
        var joinsWindows = false

        private static let joined = "windows-joined"

        var encoded: [UInt8] {
            var bytes: [UInt8] = []
            if joinsWindows || !featureVersion.isEmpty { bytes += Self.encoded(featureVersion) }
            if joinsWindows { bytes += Self.encoded(Self.joined) }
            precondition(
                PreparedFormat.headerBytes + bytes.count <= PreparedFormat.signalOffset,
                "statements of \(bytes.count) bytes")
            return bytes
        }

        private static func encoded(_ text: String) -> [UInt8] {
            var writer = ByteWriter()
            writer.write(text)
            writer.write(writer.bytes.withUnsafeBytes { CRC32.checksum(of: $0) })
            return writer.bytes
        }

        /// What a file states.
        ///
        /// - Returns: `nil` where what stands there is damaged.
        static func read(_ bytes: UnsafeRawBufferPointer) -> Statements? {
            var rest = UnsafeRawBufferPointer(
                rebasing: bytes[PreparedFormat.headerBytes..<PreparedFormat.signalOffset])
            var texts: [String] = []
            while !rest.allSatisfy({ $0 == 0 }) {
                var reader = ByteReader(rest)
                guard let text = reader.readText() else { return nil }
                let read = UnsafeRawBufferPointer(rebasing: rest[..<reader.position])
                guard let checksum: UInt32 = reader.read(), checksum == CRC32.checksum(of: read)
                else { return nil }
                texts.append(text)
                rest = UnsafeRawBufferPointer(rebasing: rest[reader.position...])
            }
            return Statements(
                featureVersion: texts.first ?? "",
                joinsWindows: texts.dropFirst().contains(joined))
        }
    }

    /// One window's line in the index.
    struct Entry: Equatable {
        /// CRC-32 of the window's samples.
        var checksum: UInt32
        /// Millivolts in one unit of the samples, a power of two.
        var millivoltsPerUnit: Float
        var record: UInt32
        var piece: UInt32

        func encode(into writer: inout ByteWriter) {
            writer.write(checksum)
            writer.write(millivoltsPerUnit.bitPattern)
            writer.write(record)
            writer.write(piece)
        }

        /// Whether this window is the 10 s after another one in the same record.
        func follows(_ other: Entry) -> Bool {
            record == other.record && Int(piece) == Int(other.piece) + 1
        }
    }
}

/// Puts numbers and strings into bytes.
struct ByteWriter {
    var bytes: [UInt8] = []

    mutating func write(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }

    /// A length of two bytes, then UTF-8, cut at 65,535 bytes.
    mutating func write(_ text: String) {
        let utf8 = Array(text.utf8.prefix(Int(UInt16.max)))
        write(UInt16(utf8.count))
        bytes += utf8
    }
}

/// Takes numbers and strings out of bytes; `nil` where they end too early.
struct ByteReader {
    let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func read<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) -> Value? {
        let size = MemoryLayout<Value>.size
        guard bytes.count - position >= size else { return nil }
        defer { position += size }
        return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Value.self))
    }

    mutating func readText() -> String? {
        guard let count: UInt16 = read(), bytes.count - position >= Int(count) else { return nil }
        defer { position += Int(count) }
        return String(decoding: bytes[position..<position + Int(count)], as: UTF8.self)
    }
}
