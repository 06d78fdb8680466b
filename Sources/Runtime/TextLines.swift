/// The lines of a text that came as bytes.
///
/// A line ends at LF, CR or CR LF, and at nothing else: not at form feed, U+0085 or U+2028, which `Character.isNewline`
/// takes for ends although people write them into comments. The mark of UTF-8 before a text is not part of it.
public enum TextLines {
    /// The bytes EF BB BF, which some editors put before a text in UTF-8.
    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// The text without the mark of UTF-8 before it.
    public static func withoutMark<Bytes: BidirectionalCollection<UInt8>>(
        _ bytes: Bytes
    ) -> Bytes.SubSequence {
        bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
    }

    /// What keeps a text from being read, with the remedy; `nil` for bytes that may be text.
    public static func problem(_ bytes: some Collection<UInt8>) -> String? {
        let isUTF16 = bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
        return isUTF16 ? "it is written in UTF-16; save it as UTF-8" : nil
    }

    /// The lines without their ends, in order; empty ones count, but for one behind the last end.
    public static func split(_ text: [UInt8]) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var rest = withoutMark(text)
        while !rest.isEmpty {
            guard let end = rest.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) else {
                lines.append(rest)
                break
            }
            lines.append(rest[..<end])
            let isPair = rest[end] == 0x0D && end + 1 < rest.endIndex && rest[end + 1] == 0x0A
            rest = rest[(end + (isPair ? 2 : 1))...]
        }
        return lines
    }

    /// A text without white space of any sort at its ends.
    public static func trimmed(_ text: String) -> String {
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(scalars[first...last])
    }

    /// Text of bytes that are UTF-8, or else of a Western European code page.
    ///
    /// Bytes that are no UTF-8 are read as Windows-1252, in which 0x85 is an ellipsis; ISO 8859-1, which has only control
    /// characters from 0x80 to 0x9F, agrees with it on all others. Source: WHATWG, Encoding Standard, index windows-1252.
    public static func decoded(_ bytes: some Collection<UInt8>) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        var text = String.UnicodeScalarView()
        for byte in bytes {
            let isSpecial = 0x80...0x9F ~= byte
            let code = isSpecial ? windows1252[Int(byte) - 0x80] : UInt16(byte)
            text.append(Unicode.Scalar(code) ?? "\u{FFFD}")
        }
        return String(text)
    }

    private static let windows1252: [UInt16] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
        0x2039, 0x0152, 0x8D, 0x017D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013,
        0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
    ]
}
