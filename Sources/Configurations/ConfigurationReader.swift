import Runtime

/// Reads values by key from a JSON object and overrides, and keeps account of them: every value
/// with its source, and every key that nobody asked for.
///
/// Keys are paths such as `optimizer.learningRate`: a nested object is the same as its members'
/// paths.
public struct ConfigurationReader {
    private struct Given {
        let value: JSONValue
        let source: ConfigurationSource
    }

    private var given: [String: Given] = [:]
    /// What was read so far, in the order of reading.
    public private(set) var entries: [ConfigurationEntry] = []
    /// The words that there are for each key that is a choice.
    private(set) var choices: [String: [String]] = [:]
    /// What was given without effect, and why.
    public private(set) var notices: [String] = []

    /// A reader of a file's object and of overrides, the last of which wins.
    ///
    /// - Parameters:
    ///   - object: The file's content.
    ///   - name: The file's name, for messages.
    ///   - overrides: Texts `key=value`; a value that is not JSON is a string, and `null` takes back what was said of
    ///     the key, or of all keys of a section.
    /// - Throws: `ConfigurationError` for a file that is no object and for an override without a
    ///   key.
    public init(
        object: JSONValue, name: String, overrides: [String] = []
    ) throws(ConfigurationError) {
        guard case .object = object else {
            throw .wrongType(
                key: "the configuration", value: object.text(), expected: "an object {…}",
                source: .file(name))
        }
        flatten(object, under: "", source: .file(name))
        for text in overrides {
            guard let split = text.firstIndex(of: "="), split > text.startIndex else {
                throw .malformedOverride(text)
            }
            let key = String(text[..<split])
            let word = String(text[text.index(after: split)...])
            let value = (try? JSONValue(parsing: word.utf8)) ?? .string(word)
            let former = given.keys.filter { $0 == key || $0.hasPrefix(key + ".") }
            for key in former { given[key] = nil }
            // What was said before can be taken back; what nobody said cannot, so that a slip of the pen is found.
            if value == .null, !former.isEmpty { continue }
            flatten(value, under: key, source: .override)
        }
    }

    private mutating func flatten(
        _ value: JSONValue, under path: String, source: ConfigurationSource
    ) {
        guard case .object(let members) = value, !(members.isEmpty && !path.isEmpty) else {
            given[path] = Given(value: value, source: source)
            return
        }
        for (key, member) in members {
            flatten(member, under: path.isEmpty ? key : "\(path).\(key)", source: source)
        }
    }

    /// A whole number in a range.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - fallback: Where nobody says anything.
    ///   - range: The numbers that make sense.
    ///   - limit: The key that has been read and whose value is the upper bound; `nil` for a bound of its own.
    ///   - decidesBits: Whether results depend on it.
    /// - Returns: The number.
    /// - Throws: `ConfigurationError` for anything else than such a number.
    public mutating func integer(
        _ key: String, default fallback: Int, in range: ClosedRange<Int>,
        upTo limit: String? = nil, decidesBits: Bool = true
    ) throws(ConfigurationError) -> Int {
        let (value, source) = take(key, .integer(Int64(fallback)))
        let whole = Self.wholeNumber(value)
        guard whole != nil || Self.isBeyondAll(value) else {
            throw .wrongType(
                key: key, value: value.text(), expected: "a whole number", source: source)
        }
        guard let number = whole, range.contains(number) else {
            throw outOfRange(
                key, value, "\(range.lowerBound)", "\(range.upperBound)", source, limit: limit)
        }
        record(key, .integer(Int64(number)), source, decidesBits)
        return number
    }

    /// A whole number in a range, or nothing where the value is `null` or absent.
    public mutating func optionalInteger(
        _ key: String, in range: ClosedRange<Int>, decidesBits: Bool = true
    ) throws(ConfigurationError) -> Int? {
        guard let value = given[key]?.value, value != .null else {
            record(key, .null, take(key, .null).source, decidesBits)
            return nil
        }
        return try integer(key, default: 0, in: range, decidesBits: decidesBits)
    }

    /// A number in a range, the lower bound exclusive where said so; of digests see `boolean`.
    public mutating func number(
        _ key: String, default fallback: Double, in range: ClosedRange<Double>,
        above exclusive: Bool = false, decidesBits: Bool = true, isInDigestByDefault: Bool = true
    ) throws(ConfigurationError) -> Double {
        let (value, source) = take(key, .number(fallback))
        guard let number = value.doubleValue else {
            throw .wrongType(key: key, value: value.text(), expected: "a number", source: source)
        }
        guard range.contains(number), !(exclusive && number == range.lowerBound) else {
            throw outOfRange(
                key, value, (exclusive ? "above " : "") + "\(range.lowerBound)",
                "\(range.upperBound)", source)
        }
        record(
            key, .number(number), source,
            decidesBits && (isInDigestByDefault || number != fallback))
        return number
    }

    /// A number in a range, or nothing where the value is `null` or absent.
    public mutating func optionalNumber(
        _ key: String, in range: ClosedRange<Double>, above exclusive: Bool = false,
        decidesBits: Bool = true
    ) throws(ConfigurationError) -> Double? {
        guard let value = given[key]?.value, value != .null else {
            record(key, .null, take(key, .null).source, decidesBits)
            return nil
        }
        return try number(
            key, default: 0, in: range, above: exclusive, decidesBits: decidesBits)
    }

    /// A truth value.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - fallback: Where nobody says anything.
    ///   - decidesBits: Whether results depend on it.
    ///   - isInDigestByDefault: Whether a configuration's digest counts the key where it has this value. False for a key
    ///     that came later and by default changes nothing, so that runs from before go on.
    /// - Returns: The value.
    /// - Throws: `ConfigurationError` for anything else.
    public mutating func boolean(
        _ key: String, default fallback: Bool, decidesBits: Bool = true,
        isInDigestByDefault: Bool = true
    ) throws(ConfigurationError) -> Bool {
        let (value, source) = take(key, .boolean(fallback))
        guard let truth = value.booleanValue else {
            throw .wrongType(
                key: key, value: value.text(), expected: "true or false", source: source)
        }
        record(key, value, source, decidesBits && (isInDigestByDefault || truth != fallback))
        return truth
    }

    /// A list of whole numbers, each in a range.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - fallback: Where nobody says anything.
    ///   - counts: How many numbers there may be.
    ///   - range: Of each number.
    ///   - decidesBits: Whether results depend on it.
    /// - Returns: The list.
    /// - Throws: `ConfigurationError` for anything else than such a list.
    public mutating func integers(
        _ key: String, default fallback: [Int], counts: ClosedRange<Int>,
        in range: ClosedRange<Int>,
        decidesBits: Bool = true
    ) throws(ConfigurationError) -> [Int] {
        let (value, source) = take(key, .array(fallback.map { .integer(Int64($0)) }))
        guard let items = value.arrayValue, counts.contains(items.count) else {
            throw .wrongType(
                key: key, value: value.text(),
                expected: "a list [a, b, …] of \(counts.lowerBound) to \(counts.upperBound) whole "
                    + "numbers", source: source)
        }
        var numbers: [Int] = []
        for item in items {
            let whole = Self.wholeNumber(item)
            guard whole != nil || Self.isBeyondAll(item) else {
                throw .wrongType(
                    key: key, value: item.text(), expected: "a whole number", source: source)
            }
            guard let number = whole, range.contains(number) else {
                throw outOfRange(
                    key, item, "\(range.lowerBound)", "\(range.upperBound)", source)
            }
            numbers.append(number)
        }
        record(key, .array(numbers.map { .integer(Int64($0)) }), source, decidesBits)
        return numbers
    }

    /// One of an enumeration's words; of digests see `boolean`.
    public mutating func choice<Choice: CaseIterable & RawRepresentable<String>>(
        _ key: String, default fallback: Choice?, decidesBits: Bool = true,
        isInDigestByDefault: Bool = true
    ) throws(ConfigurationError) -> Choice {
        let choices = Array(Choice.allCases)
        return choices[
            try choice(
                key, among: choices.map(\.rawValue), default: fallback?.rawValue,
                decidesBits: decidesBits, isInDigestByDefault: isInDigestByDefault)]
    }

    /// One of some words; of digests see `boolean`.
    ///
    /// - Returns: Its place among them.
    public mutating func choice(
        _ key: String, among words: [String], default fallback: String?, decidesBits: Bool = true,
        isInDigestByDefault: Bool = true
    ) throws(ConfigurationError) -> Int {
        choices[key] = words
        if fallback == nil, given[key] == nil {
            throw .missing(key: key, remedy: "say one of \(words.joined(separator: ", "))")
        }
        let (value, source) = take(key, fallback.map { .string($0) } ?? .null)
        guard let word = value.stringValue else {
            throw .wrongType(
                key: key, value: value.text(),
                expected: "one of \(words.joined(separator: ", ")), in quotes", source: source)
        }
        guard let place = words.firstIndex(of: word) else {
            let nearest = nearestName(to: word, among: words).map { " (did you mean '\($0)'?)" }
            throw .outOfRange(
                key: key, value: value.text(),
                remedy: "choose one of \(words.joined(separator: ", "))\(nearest ?? "")",
                source: source)
        }
        record(key, value, source, decidesBits && (isInDigestByDefault || word != fallback))
        return place
    }

    /// A SHA-256 in hexadecimal digits, or nothing where the value is `null` or absent.
    public mutating func optionalDigest(
        _ key: String, decidesBits: Bool = true
    ) throws(ConfigurationError) -> Digest? {
        let (value, source) = take(key, .null)
        guard value != .null else {
            record(key, .null, source, decidesBits)
            return nil
        }
        guard let digest = value.stringValue.flatMap({ Digest(hexadecimal: $0) }) else {
            throw .wrongType(
                key: key, value: value.text(), expected: "64 hexadecimal digits", source: source)
        }
        record(key, .string(digest.description), source, decidesBits)
        return digest
    }

    /// Takes a key that has no effect: of former versions, or with the other values.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - reason: Why it has none, and what to do.
    public mutating func passOver(_ key: String, because reason: String) {
        guard let former = given.removeValue(forKey: key) else { return }
        notices.append("\(key) (\(former.source)) has no effect: \(reason)")
    }

    /// Ends the reading.
    ///
    /// - Throws: `ConfigurationError` for the first key, by name, that nobody asked for.
    public func finish() throws(ConfigurationError) {
        let known = entries.map(\.key)
        for (key, given) in given.sorted(by: { $0.key < $1.key }) where !known.contains(key) {
            if let leaf = known.first(where: { key.hasPrefix($0 + ".") }) {
                throw .wrongType(
                    key: leaf, value: "an object", expected: "a single value",
                    source: given.source)
            }
            let members = known.filter { $0.hasPrefix(key + ".") }
            if !members.isEmpty {
                if case .object = given.value { continue }
                throw .wrongType(
                    key: key, value: given.value.text(),
                    expected: "an object with \(members.joined(separator: ", "))",
                    source: given.source)
            }
            throw .unknownKey(
                key: key, nearest: Self.nearest(to: key, among: known), source: given.source)
        }
    }

    /// The nearest key; of a path whose section is right, the nearest within it.
    private static func nearest(to key: String, among known: [String]) -> String? {
        if let whole = nearestName(to: key, among: known) { return whole }
        let lastWord = key.split(separator: ".").last.map(String.init) ?? key
        let lastWords = known.map { $0.split(separator: ".").last.map(String.init) ?? $0 }
        guard let word = nearestName(to: lastWord, among: lastWords) else { return nil }
        return zip(known, lastWords).first { $0.1 == word }?.0
    }

    private func take(_ key: String, _ fallback: JSONValue) -> (
        value: JSONValue, source: ConfigurationSource
    ) {
        given[key].map { ($0.value, $0.source) } ?? (fallback, .byDefault)
    }

    private mutating func record(
        _ key: String, _ value: JSONValue, _ source: ConfigurationSource, _ decidesBits: Bool
    ) {
        entries.append(
            ConfigurationEntry(key: key, value: value, source: source, decidesBits: decidesBits))
    }

    /// `64`, and `64.0` as well: other programs write whole numbers so.
    private static func wholeNumber(_ value: JSONValue) -> Int? {
        value.integerValue ?? value.doubleValue.flatMap { Int(exactly: $0) }
    }

    /// Whether it is a number without a fraction that is too large for `Int`, such as `1e23`.
    private static func isBeyondAll(_ value: JSONValue) -> Bool {
        guard let number = value.doubleValue else { return false }
        return number.rounded() == number && Int(exactly: number) == nil
    }

    private func outOfRange(
        _ key: String, _ value: JSONValue, _ lower: String, _ upper: String,
        _ source: ConfigurationSource, limit: String? = nil
    ) -> ConfigurationError {
        var remedy = "choose \(lower) to \(upper)"
        if let limit, let entry = entries.first(where: { $0.key == limit }) {
            remedy += ", which is \(limit) (\(entry.source)), or a higher \(limit)"
        }
        if upper == lower { remedy = "only \(lower) is possible" }
        if upper == "\(Int.max)", Self.wholeNumber(value) != nil {
            remedy = "choose \(lower) or more"
        }
        return .outOfRange(key: key, value: value.text(), remedy: remedy, source: source)
    }
}
