extension String {
    /// The text for SVG and HTML, safe between tags and within quoted attributes.
    ///
    /// Characters that XML has no way to hold, such as most control characters, become U+FFFD: one of them in a lead's
    /// name would make the whole picture unreadable.
    public var htmlEscaped: String {
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            switch scalar {
            case "&": result += "&amp;".unicodeScalars
            case "<": result += "&lt;".unicodeScalars
            case ">": result += "&gt;".unicodeScalars
            case "\"": result += "&quot;".unicodeScalars
            case "\t", "\n", "\r", "\u{20}"..."\u{FFFD}", "\u{10000}"..."\u{10FFFF}":
                result.append(scalar)
            default: result.append("\u{FFFD}")
            }
        }
        return String(result)
    }

    /// The text for a terminal or a log: control characters as `FilePath.text` has them, such as `\x1B`.
    ///
    /// Names and comments of files may hold sequences that a terminal obeys.
    ///
    /// - Parameter keepsLines: Whether line breaks and tabs stay.
    /// - Returns: The text without a control character but these.
    public func controlsEscaped(keepsLines: Bool = true) -> String {
        guard unicodeScalars.contains(where: \.isControl) else { return self }
        var result = ""
        for scalar in unicodeScalars {
            if !scalar.isControl || keepsLines && (scalar == "\n" || scalar == "\t") {
                result.unicodeScalars.append(scalar)
            } else {
                for byte in UTF8.encode(scalar) ?? .init() {
                    let digits = String(byte, radix: 16, uppercase: true)
                    result += #"\x"# + (digits.count == 1 ? "0" : "") + digits
                }
            }
        }
        return result
    }
}

extension Unicode.Scalar {
    fileprivate var isControl: Bool { properties.generalCategory == .control }
}
