import Foundation

/// A path of the file system: bytes, as the kernel has it.
///
/// Names of files are bytes without an encoding. Two names that a `String` calls equal may be two files, and one that is
/// not UTF-8 has no `String` at all. So paths are compared, joined and handed to the system as bytes, and become text for
/// people only (`text`), from which the same path can be read again.
public struct FilePath: Sendable, Hashable {
    /// The bytes, without a closing zero.
    public private(set) var bytes: [UInt8]

    private static let slash = UInt8(ascii: "/")
    private static let dot = UInt8(ascii: ".")

    /// A path of the kernel's bytes.
    public init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    /// A path as `text` shows it, or as a person types it: `\xE4` stands for one byte.
    public init(_ text: some StringProtocol) {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.first {
            if let escaped = Self.escapedByte(rest) {
                bytes.append(escaped)
                rest = rest.dropFirst(4)
            } else {
                bytes.append(byte)
                rest = rest.dropFirst()
            }
        }
        self.bytes = bytes
    }

    /// The byte that the text `\xE4` at the beginning stands for.
    private static func escapedByte(_ text: ArraySlice<UInt8>) -> UInt8? {
        guard text.starts(with: #"\x"#.utf8), text.count >= 4 else { return nil }
        let digits = text.dropFirst(2).prefix(2).map {
            Character(Unicode.Scalar($0)).hexDigitValue
        }
        guard let high = digits[0], let low = digits[1] else { return nil }
        return UInt8(high << 4 | low)
    }

    // MARK: Parts

    /// Whether there is nothing in it.
    public var isEmpty: Bool { bytes.isEmpty }

    /// Whether it begins at the root.
    public var isAbsolute: Bool { bytes.first == Self.slash }

    /// The part behind the last slash, where slashes at the end do not count.
    ///
    /// It is `c` of `a/b/c/`; the root is its own.
    public var lastComponent: FilePath {
        let body = trimmed
        guard let slash = body.lastIndex(of: Self.slash), body.count > 1 else {
            return FilePath(bytes: body)
        }
        return FilePath(bytes: body[(slash + 1)...])
    }

    /// The folder that it lies in.
    ///
    /// It is `a/b` of `a/b/c` and `.` of `c`; the root is its own.
    public var parent: FilePath {
        var body = trimmed
        guard let slash = body.lastIndex(of: Self.slash) else { return "." }
        body = body[..<slash]
        while body.count > 1, body.last == Self.slash { body = body.dropLast() }
        return body.isEmpty ? "/" : FilePath(bytes: body)
    }

    /// The bytes without slashes at the end.
    private var trimmed: ArraySlice<UInt8> {
        var body = bytes[...]
        while body.count > 1, body.last == Self.slash { body = body.dropLast() }
        return body
    }

    /// What lies below it under a name or a path.
    public func appending(_ name: FilePath) -> FilePath {
        guard !isEmpty else { return name }
        let separator = bytes.last == Self.slash ? [] : [Self.slash]
        return FilePath(bytes: bytes + separator + name.bytes)
    }

    /// What lies beside it, in the same folder.
    public func sibling(_ name: FilePath) -> FilePath {
        bytes.contains(Self.slash) ? parent.appending(name) : name
    }

    /// Whether it ends with these characters.
    public func hasSuffix(_ suffix: FilePath) -> Bool {
        bytes.suffix(suffix.bytes.count).elementsEqual(suffix.bytes)
    }

    /// Whether it begins with these characters.
    public func hasPrefix(_ prefix: FilePath) -> Bool { bytes.starts(with: prefix.bytes) }

    /// It with further characters at the end.
    public static func + (path: FilePath, suffix: String) -> FilePath {
        FilePath(bytes: path.bytes + FilePath(suffix).bytes)
    }

    /// It without this many bytes at the end.
    public func dropLast(_ count: Int) -> FilePath { FilePath(bytes: bytes.dropLast(count)) }
}

extension FilePath: Comparable {
    /// The order of bytes, which no language changes.
    public static func < (one: FilePath, other: FilePath) -> Bool {
        one.bytes.lexicographicallyPrecedes(other.bytes)
    }
}

extension FilePath: CustomStringConvertible {
    /// The path for people, files of text and messages: its characters, where it is UTF-8, and `\xE4` for each byte that is
    /// not, for each byte of a control character, and for a backslash that would be read so.
    ///
    /// No two paths have one text, and `init(_:)` reads it back.
    public var text: String {
        var text = ""
        var rest = bytes[...]
        while !rest.isEmpty {
            let length = Self.characterLength(rest)
            if length > 0, Self.escapedByte(rest) == nil {
                text += String(decoding: rest.prefix(length), as: UTF8.self)
            } else {
                let digits = String(rest[rest.startIndex], radix: 16, uppercase: true)
                text += #"\x"# + (digits.count == 1 ? "0" : "") + digits
            }
            rest = rest.dropFirst(max(1, length))
        }
        return text
    }

    /// The bytes of the character in UTF-8 at the beginning; 0 for none and for a control character.
    private static func characterLength(_ bytes: ArraySlice<UInt8>) -> Int {
        var decoder = UTF8()
        var iterator = bytes.prefix(4).makeIterator()
        guard case .scalarValue(let scalar) = decoder.decode(&iterator),
            scalar.properties.generalCategory != .control
        else { return 0 }
        return UTF8.width(scalar)
    }

    /// `text`.
    public var description: String { text }

    /// The characters; `nil` where the bytes are not UTF-8.
    public var characters: String? { String(validating: bytes, as: UTF8.self) }
}

extension FilePath: ExpressibleByStringInterpolation {
    /// A path as `init(_:)` reads it; paths put into it count with their own bytes.
    public init(stringLiteral text: String) { self.init(text) }
}
