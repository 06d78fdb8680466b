/// Writes a control message: fields of a tag, a length and a value, one after the other.
///
/// A field is two bytes of tag, four of length, and the value, all little-endian. A tag may come several times.
public struct FieldWriter: Sendable {
    /// The message so far.
    public private(set) var bytes: [UInt8] = []

    /// An empty message.
    public init() {}

    /// Adds bytes.
    public mutating func append(_ tag: UInt16, _ value: [UInt8]) {
        append(littleEndian: tag)
        append(littleEndian: UInt32(value.count))
        bytes += value
    }

    /// Adds a number, as eight bytes.
    public mutating func append(_ tag: UInt16, _ value: UInt64) {
        append(littleEndian: tag)
        append(littleEndian: UInt32(8))
        append(littleEndian: value)
    }

    /// Adds a count or position.
    ///
    /// - Precondition: Not negative.
    public mutating func append(_ tag: UInt16, _ value: Int) { append(tag, UInt64(value)) }

    /// Adds the bits of a number.
    public mutating func append(_ tag: UInt16, _ value: Double) { append(tag, value.bitPattern) }

    /// Adds text.
    public mutating func append(_ tag: UInt16, _ value: String) { append(tag, Array(value.utf8)) }

    /// Adds a truth value.
    public mutating func append(_ tag: UInt16, _ value: Bool) { append(tag, value ? 1 : 0) }

    /// Adds a message within the message.
    public mutating func append(_ tag: UInt16, _ value: FieldWriter) { append(tag, value.bytes) }

    private mutating func append(littleEndian value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }
}

/// A control message whose fields are not what they should be.
public enum FieldError: Error, Equatable, CustomStringConvertible {
    case truncated(offset: Int, neededBytes: Int, availableBytes: Int)
    case missing(tag: UInt16)
    case wrongSize(tag: UInt16, expectedBytes: Int, foundBytes: Int)
    case outOfRange(tag: UInt16, value: UInt64)
    case notText(tag: UInt16)

    /// What happened, the values, and what to do.
    public var description: String {
        switch self {
        case .truncated(let offset, let needed, let available):
            "message field at byte \(offset) needs \(needed) bytes, only \(available) are there"
        case .missing(let tag):
            "message lacks field \(tag)"
        case .wrongSize(let tag, let expected, let found):
            "message field \(tag) has \(found) bytes instead of \(expected)"
        case .outOfRange(let tag, let value):
            "message field \(tag) has the value \(value), which is out of range"
        case .notText(let tag):
            "message field \(tag) is not UTF-8 text"
        }
    }
}

/// Reads a control message; tags that nobody asks for are passed over.
public struct FieldReader: Sendable {
    private let bytes: [UInt8]
    private let fields: [(tag: UInt16, value: Range<Int>)]

    /// Finds the fields.
    ///
    /// - Throws: `FieldError.truncated` for a field that goes beyond the end.
    public init(_ bytes: [UInt8]) throws(FieldError) {
        var fields: [(tag: UInt16, value: Range<Int>)] = []
        var offset = 0
        while offset < bytes.count {
            guard bytes.count - offset >= 6 else {
                throw .truncated(
                    offset: offset, neededBytes: 6, availableBytes: bytes.count - offset)
            }
            let tag = UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8
            let length = (0..<4).reduce(0) { $0 | Int(bytes[offset + 2 + $1]) << (8 * $1) }
            let start = offset + 6
            guard length <= bytes.count - start else {
                throw .truncated(
                    offset: offset, neededBytes: length, availableBytes: bytes.count - start)
            }
            fields.append((tag, start..<start + length))
            offset = start + length
        }
        self.bytes = bytes
        self.fields = fields
    }

    /// The values of all fields with a tag, in order.
    public func all(_ tag: UInt16) -> [[UInt8]] {
        fields.filter { $0.tag == tag }.map { Array(bytes[$0.value]) }
    }

    /// The value of the first field with a tag.
    public func optionalBytes(_ tag: UInt16) -> [UInt8]? {
        fields.first { $0.tag == tag }.map { Array(bytes[$0.value]) }
    }

    /// The value of a field that must be there.
    public func bytes(_ tag: UInt16) throws(FieldError) -> [UInt8] {
        guard let value = optionalBytes(tag) else { throw .missing(tag: tag) }
        return value
    }

    /// A number, if the field is there.
    public func optionalInteger(_ tag: UInt16) throws(FieldError) -> UInt64? {
        guard let value = optionalBytes(tag) else { return nil }
        guard value.count == 8 else {
            throw .wrongSize(tag: tag, expectedBytes: 8, foundBytes: value.count)
        }
        return value.indices.reduce(0) { $0 | UInt64(value[$1]) << (8 * UInt64($1)) }
    }

    /// A number.
    public func integer(_ tag: UInt16) throws(FieldError) -> UInt64 {
        guard let value = try optionalInteger(tag) else { throw .missing(tag: tag) }
        return value
    }

    /// A count or position within a range.
    public func count(_ tag: UInt16, in range: ClosedRange<Int> = 0 ... .max) throws(FieldError)
        -> Int
    {
        let value = try integer(tag)
        guard let count = Int(exactly: value), range.contains(count) else {
            throw .outOfRange(tag: tag, value: value)
        }
        return count
    }

    /// A floating-point number, from its bits.
    public func double(_ tag: UInt16) throws(FieldError) -> Double {
        Double(bitPattern: try integer(tag))
    }

    /// A truth value; absent is false.
    public func flag(_ tag: UInt16) throws(FieldError) -> Bool {
        try optionalInteger(tag) ?? 0 != 0
    }

    /// Text, if the field is there.
    public func optionalText(_ tag: UInt16) throws(FieldError) -> String? {
        guard let value = optionalBytes(tag) else { return nil }
        guard let text = String(validating: value, as: UTF8.self) else {
            throw .notText(tag: tag)
        }
        return text
    }

    /// Text.
    public func text(_ tag: UInt16) throws(FieldError) -> String {
        guard let value = try optionalText(tag) else { throw .missing(tag: tag) }
        return value
    }

    /// A message within the message.
    public func message(_ tag: UInt16) throws(FieldError) -> FieldReader {
        try FieldReader(bytes(tag))
    }
}
