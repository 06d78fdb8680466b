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
    /// The path as one word of a command that people copy: no name is taken for a flag, and `\xE4` stands for a byte, as
    /// the programs read it.
    public var shellWord: String {
        bytes.first == UInt8(ascii: "-") ? "./\(text)".shellWord : text.shellWord
    }
}
