/// Cells of comma-separated values, as RFC 4180 has them.
public enum CommaSeparated {
    /// A text as a cell, in quotes where it has a comma, a quote or the end of a line in it.
    public static func cell(_ text: String) -> String {
        let special: [UInt8] = [UInt8(ascii: ","), UInt8(ascii: "\""), 0x0A, 0x0D]
        guard text.utf8.contains(where: { special.contains($0) }) else { return text }
        return "\""
            + text.split(separator: "\"", omittingEmptySubsequences: false)
            .joined(separator: "\"\"") + "\""
    }
}
