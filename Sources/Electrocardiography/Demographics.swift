/// What all readers take from a text about a patient, be it a header's comment or a cell of a table.
enum Demographics {
    /// Nobody is known to have become older; what lies above is a typing error or a code.
    static let highestAgeYears: Float = 120
    /// PTB-XL writes 300 for everybody above 89, whose age could tell who it is.
    private static let codeOfOldAge: Float = 300
    private static let ageOfOldAge: Float = 90

    /// An age in years: `56`, `56.5`, `56 years`, or as DICOM writes it, `056Y`, `018M`, `003W`, `010D`.
    ///
    /// 300, and from 89 on what begins with `>` or ends in `+`, count as 90.
    ///
    /// - Parameter text: As written.
    /// - Returns: 0 to 120; `nil` for what is no number or cannot be an age.
    static func ageYears(_ text: some StringProtocol) -> Float? {
        var text = String(text.filter { !$0.isWhitespace }).lowercased()[...]
        let isAtLeast = text.first == ">" || text.last == "+"
        if text.first == ">" { text = text.dropFirst().drop { $0 == "=" } }
        if text.last == "+" { text = text.dropLast() }
        let number = text.prefix { $0.isASCII && ($0.isNumber || ".+-e".contains($0)) }
        let unit = text[number.endIndex...]
        guard let value = Float(number), let years = years(in: unit, digits: number.utf8.count)
        else { return nil }
        if value == codeOfOldAge, years == 1 { return ageOfOldAge }
        let age = value * years
        if isAtLeast { return (89...highestAgeYears).contains(age) ? ageOfOldAge : nil }
        return (0...highestAgeYears).contains(age) ? abs(age) : nil
    }

    private static func years(in unit: Substring, digits: Int) -> Float? {
        switch unit {
        case "", "y", "yr", "yrs", "year", "years", "yearsold": return 1
        case "month", "months": return 1 / 12
        case "week", "weeks": return 7 / 365.25
        case "day", "days": return 1 / 365.25
        default: break
        }
        // The M of `56 M` is more often a man's than a month's: DICOM has three digits before it.
        guard digits == 3 else { return nil }
        switch unit {
        case "m": return 1 / 12
        case "w": return 7 / 365.25
        case "d": return 1 / 365.25
        default: return nil
        }
    }

    /// A sex: a word or its first letter in any case, or PTB-XL's 0 for male and 1 for female.
    ///
    /// - Parameter text: As written.
    /// - Returns: `nil` for anything else, such as `Unknown`.
    static func sex(_ text: some StringProtocol) -> Sex? {
        let word = String(text.filter { !$0.isWhitespace }).lowercased()
        switch word {
        case "m", "male": return .male
        case "f", "female": return .female
        default: return Float(word).flatMap { $0 == 0 ? .male : $0 == 1 ? .female : nil }
        }
    }
}
