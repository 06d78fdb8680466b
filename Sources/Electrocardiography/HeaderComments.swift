import Runtime

/// What the comment lines of a header say of the patient: `# Age: 84`, `#Dx: 164889003,59118001`, `<sex>: M`.
struct HeaderComments {
    var ageYears: Float?
    var sex: Sex?
    /// SNOMED CT codes in the order of the line.
    var codes: [DiagnosticCode] = []

    init(_ comments: [String]) {
        for comment in comments {
            for (key, value) in Self.pairs(comment) { take(key, value) }
        }
    }

    private mutating func take(_ key: String, _ value: String) {
        switch key.lowercased() {
        case "age":
            ageYears = Demographics.ageYears(value) ?? ageYears
        case "sex", "gender":
            sex = Demographics.sex(value) ?? sex
        case "dx":
            codes = value.split(separator: ",").map {
                DiagnosticCode(code: TextLines.trimmed(String($0)), likelihood: nil)
            }.filter { !$0.code.isEmpty }
        default: break
        }
    }

    /// `key: value`, or several `<key>: value` on one line.
    private static func pairs(_ comment: String) -> [(String, String)] {
        let marked = comment.contains("<") && comment.contains(">:")
        let parts = marked ? comment.split(separator: "<") : [comment[...]]
        return parts.compactMap { part in
            guard let colon = part.firstIndex(of: ":") else { return nil }
            let key = part[..<colon].filter { $0 != ">" }
            let value = part[part.index(after: colon)...]
            return (TextLines.trimmed(String(key)), TextLines.trimmed(String(value)))
        }
    }
}
