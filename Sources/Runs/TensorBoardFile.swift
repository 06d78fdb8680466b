import Foundation
import Runtime

/// CRC-32C (Castagnoli), as TensorBoard's records carry it.
enum CRC32C {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1 == 1 ? 0x82F6_3B78 : 0) }
    }

    static func checksum(of bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~0) { crc, byte in
            table[Int(truncatingIfNeeded: crc ^ UInt32(byte)) & 0xFF] ^ crc >> 8
        }
    }

    /// Rotated and shifted, so that a checksum of data that holds checksums keeps its worth.
    static func masked(_ crc: UInt32) -> UInt32 { (crc >> 15 | crc << 17) &+ 0xA282_EAD8 }
}

/// The few messages of Protocol Buffers that a file of scalars needs, field by field.
private struct ProtocolBuffer {
    private(set) var bytes: [UInt8] = []

    mutating func integer(_ field: UInt8, _ value: Int64) {
        bytes.append(field << 3)
        variableLength(UInt64(bitPattern: value))
    }

    mutating func double(_ field: UInt8, _ value: Double) {
        bytes.append(field << 3 | 1)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func float(_ field: UInt8, _ value: Float) {
        bytes.append(field << 3 | 5)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func content(_ field: UInt8, _ content: some Collection<UInt8>) {
        bytes.append(field << 3 | 2)
        variableLength(UInt64(content.count))
        bytes.append(contentsOf: content)
    }

    private mutating func variableLength(_ value: UInt64) {
        var rest = value
        while rest > 0x7F {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

/// An event file that TensorBoard reads: scalars by tag and step.
final class TensorBoardFile: Sendable {
    private let file: AppendedFile

    /// Begins a new file, which says that steps from `firstStep` on are written anew: TensorBoard
    /// then drops those of earlier files.
    init(
        folder: FilePath, in files: any FileSystem, firstStep: Int, time: Date = Date()
    ) throws(SystemError) {
        let name = "events.out.tfevents.\(Int(time.timeIntervalSince1970)).purkinje.\(getpid())"
        file = try Self.create(folder.appending(FilePath(name)), in: files)
        try append(time: time, step: 0) { $0.content(3, "brain.Event:2".utf8) }
        try append(time: time, step: firstStep) { event in
            var session = ProtocolBuffer()
            session.integer(1, 1)  // SessionLog.START
            event.content(7, session.bytes)
        }
    }

    /// A file of a name that no other has: TensorBoard reads files in the order of their names.
    private static func create(
        _ path: FilePath, in files: any FileSystem
    ) throws(SystemError) -> AppendedFile {
        for number in 0..<UInt32.max {
            let digits = String(number, radix: 16)
            let zeros = String(repeating: "0", count: 8 - digits.count)
            do throws(SystemError) {
                return try AppendedFile(files.open(path + ".\(zeros)\(digits)", .new), in: files)
            } catch {
                guard error.code == EEXIST else { throw error }
            }
        }
        throw SystemError(call: "open", subject: path, code: EEXIST)
    }

    /// Adds the scalars of one step.
    func append(
        step: Int, scalars: [(tag: String, value: Double)], time: Date = Date()
    ) throws(SystemError) {
        var summary = ProtocolBuffer()
        for scalar in scalars {
            var value = ProtocolBuffer()
            value.content(1, scalar.tag.utf8)
            value.float(2, Float(scalar.value))
            summary.content(1, value.bytes)
        }
        try append(time: time, step: step) { $0.content(5, summary.bytes) }
    }

    /// Why records wait in memory, while any do.
    var obstacle: SystemError? { file.obstacle }

    func synchronise() throws(SystemError) { try file.synchronise() }

    /// A record: length, its checksum, the event, its checksum.
    private func append(
        time: Date, step: Int, _ fill: (inout ProtocolBuffer) -> Void
    ) throws(SystemError) {
        var event = ProtocolBuffer()
        event.double(1, time.timeIntervalSince1970)
        event.integer(2, Int64(step))
        fill(&event)
        let length = Self.littleEndian(UInt64(event.bytes.count))
        try file.append(
            length + Self.checksum(of: length) + event.bytes + Self.checksum(of: event.bytes))
    }

    private static func checksum(of bytes: [UInt8]) -> [UInt8] {
        littleEndian(CRC32C.masked(CRC32C.checksum(of: bytes)))
    }

    private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
