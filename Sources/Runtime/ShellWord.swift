extension String {
    /// The text as a shell reads it as one word, for commands that people copy: in quotes where it needs them.
    public var shellWord: String {
        let plain = utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_./,:=+@%".utf8.contains(byte)
            }
        }
        guard !plain || isEmpty else { return self }
        return "'"
            + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
            + "'"
    }
}

extension FilePath {
    /// The path as one word of a command that people copy: no name is taken for a flag.
    ///
    /// Bytes that are no text, and control characters, stand in the form `$'\xE4'` of bash, ksh and zsh: what the programs
    /// themselves write for them is read as it stands in an argument.
    public var shellWord: String {
        let prefix = bytes.first == UInt8(ascii: "-") ? "./" : ""
        guard text.utf8.elementsEqual(bytes) else {
            let escaped = bytes.map { byte in
                let isPlain =
                    (0x20..<0x7F).contains(byte) && byte != UInt8(ascii: "'")
                    && byte != UInt8(ascii: "\\")
                return isPlain
                    ? String(Unicode.Scalar(byte))
                    : "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
            // An escape takes no more than two digits, so whatever follows stays.
            return "$'" + prefix + escaped.joined() + "'"
        }
        return (prefix + text).shellWord
    }
}
