import Runtime

/// Fifteen bytes of a header that the network carries and checks without looking at them.
///
/// The room that sends a frame says in them what it belongs to.
public struct FrameLabel: Equatable, Sendable {
    /// Bytes 7 to 14 of the header, little-endian.
    public var first: UInt64
    /// Bytes 15 to 21 of the header, little-endian; the highest byte is not carried.
    public var second: UInt64

    /// A label; all zeros for frames that belong to nothing.
    public init(first: UInt64 = 0, second: UInt64 = 0) {
        self.first = first
        self.second = second
    }
}

/// The first 40 bytes of a frame, little-endian; docs/protocol.md has them byte by byte.
public struct FrameHeader: Equatable, Sendable {
    /// Bytes on the wire.
    public static let byteCount = 40
    /// The version that this build speaks and the only one that it accepts.
    public static let version: UInt8 = 1
    static let magic: (UInt8, UInt8, UInt8) = (0x50, 0x4B, 0x4A)  // "PKJ"

    /// Marks that change how a frame is read.
    public struct Flags: OptionSet, Sendable {
        /// The bits on the wire.
        public let rawValue: UInt8
        /// The flags with given bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// The payload went through a codec.
        public static let compressed = Flags(rawValue: 1)
        /// The last chunk of its kind.
        public static let last = Flags(rawValue: 2)
        /// The checksum covers the header alone.
        public static let headerChecksumOnly = Flags(rawValue: 4)
        static let known: Flags = [.compressed, .last, .headerChecksumOnly]
    }

    /// What the frame is about.
    public var type: FrameType
    /// Marks that change how it is read.
    public var flags: Flags = []
    /// How the payload was compressed.
    public var codec: Codec = .none
    /// What the frame belongs to, in the words of whoever sends it.
    public var label = FrameLabel()
    /// Bytes that follow the header.
    public var payloadBytes: Int = 0
    /// Bytes after decompression.
    public var rawBytes: Int = 0
    /// Position in the connection's stream of frames in this direction, from 0; 48 bits.
    public var sequence: UInt64 = 0

    /// The header of a frame without payload.
    public init(type: FrameType) { self.type = type }

    /// Bytes of the header that the checksum covers: all but itself.
    static let checkedByteCount = byteCount - 4

    /// Writes the 40 bytes.
    ///
    /// - Parameters:
    ///   - buffer: At least 40 bytes.
    ///   - payloadChecksum: CRC-32 of the payload alone; without meaning where the payload is not covered.
    public func encode(into buffer: UnsafeMutableRawPointer, payloadChecksum: UInt32) {
        func store<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
            buffer.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self)
        }
        store(Self.magic.0, at: 0)
        store(Self.magic.1, at: 1)
        store(Self.magic.2, at: 2)
        store(Self.version, at: 3)
        store(type.rawValue, at: 4)
        store(flags.rawValue, at: 5)
        store(codec.rawValue, at: 6)
        store(label.first, at: 7)
        store(UInt32(truncatingIfNeeded: label.second), at: 15)
        store(UInt16(truncatingIfNeeded: label.second >> 32), at: 19)
        store(UInt8(truncatingIfNeeded: label.second >> 48), at: 21)
        store(UInt32(truncatingIfNeeded: payloadBytes), at: 22)
        store(UInt32(truncatingIfNeeded: rawBytes), at: 26)
        store(UInt32(truncatingIfNeeded: sequence), at: 30)
        store(UInt16(truncatingIfNeeded: sequence >> 32), at: 34)
        let covered = UnsafeRawBufferPointer(start: buffer, count: Self.checkedByteCount)
        let headerChecksum = CRC32.checksum(of: covered)
        let checksum = frameChecksum(
            headerChecksum: headerChecksum, payloadChecksum: payloadChecksum)
        store(checksum, at: 36)
    }

    /// The CRC-32 of header and payload, from those of both.
    func frameChecksum(headerChecksum: UInt32, payloadChecksum: UInt32) -> UInt32 {
        if payloadBytes == 0 || flags.contains(.headerChecksumOnly) { return headerChecksum }
        return CRC32.combined(headerChecksum, payloadChecksum, secondByteCount: payloadBytes)
    }

    /// Reads and checks everything that a header alone can show.
    ///
    /// - Parameters:
    ///   - bytes: At least the first 40 bytes of a frame.
    ///   - payloadLimitBytes: A limit below that of the type, e.g. while the peer is not yet known.
    /// - Returns: The header and the checksum that it carries.
    /// - Throws: `FrameError` that names the field.
    public static func decode(_ bytes: UnsafeRawBufferPointer, payloadLimitBytes: Int = .max)
        throws(FrameError) -> (header: FrameHeader, checksum: UInt32)
    {
        guard bytes.count >= byteCount else {
            throw .truncated(neededBytes: byteCount, availableBytes: bytes.count)
        }
        guard (bytes[0], bytes[1], bytes[2]) == magic else {
            throw .notOurProtocol(firstBytes: Array(bytes[0..<8]))
        }
        guard bytes[3] == version else {
            throw .unknownVersion(theirs: bytes[3], ours: version)
        }
        func load<Value: FixedWidthInteger>(_ offset: Int, as: Value.Type) -> Value {
            Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
        }
        var header = FrameHeader(type: FrameType(rawValue: bytes[4]))
        header.flags = Flags(rawValue: bytes[5])
        guard Flags.known.isSuperset(of: header.flags) else { throw .unknownFlags(bytes[5]) }
        guard let codec = Codec(rawValue: bytes[6]) else { throw .unknownCodec(bytes[6]) }
        header.codec = codec
        header.label = FrameLabel(
            first: load(7, as: UInt64.self),
            second: UInt64(load(15, as: UInt32.self)) | UInt64(load(19, as: UInt16.self)) << 32
                | UInt64(bytes[21]) << 48)
        header.payloadBytes = Int(load(22, as: UInt32.self))
        header.rawBytes = Int(load(26, as: UInt32.self))
        header.sequence =
            UInt64(load(30, as: UInt32.self)) | UInt64(load(34, as: UInt16.self)) << 32
        try header.checkLengths(limit: min(header.type.payloadLimitBytes, payloadLimitBytes))
        return (header, load(36, as: UInt32.self))
    }

    private func checkLengths(limit: Int) throws(FrameError) {
        guard payloadBytes <= limit else {
            throw .payloadTooLarge(type: type, bytes: payloadBytes, limitBytes: limit)
        }
        guard rawBytes <= limit else {
            throw .rawLengthTooLarge(type: type, bytes: rawBytes, limitBytes: limit)
        }
        let compressed = flags.contains(.compressed)
        let agree = compressed ? payloadBytes < rawBytes : payloadBytes == rawBytes
        guard agree, compressed == (codec != .none) else {
            throw .lengthsDisagree(type: type, payloadBytes: payloadBytes, rawBytes: rawBytes)
        }
    }
}
