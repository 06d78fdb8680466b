import Foundation
import Runtime

/// What the text after a flag means: how it is read, shown and named in help and errors.
public struct ValueKind<Value: Sendable>: Sendable {
    /// What stands for the value in help, such as `N`.
    public let placeholder: String
    /// Names the accepted values in an error: "--threads needs *a whole number of at least 1*".
    public let meaning: String
    let parse: @Sendable (String) -> Value?
    let text: @Sendable (Value) -> String

    /// A kind of value.
    ///
    /// - Parameters:
    ///   - placeholder: What stands for the value in help.
    ///   - meaning: Names the accepted values, with an article.
    ///   - text: How a default is shown, and a value handed on; `parse` makes the same value of it.
    ///   - parse: Reads the value; `nil` refuses the text.
    public init(
        placeholder: String, meaning: String,
        text: @escaping @Sendable (Value) -> String = { "\($0)" },
        parse: @escaping @Sendable (String) -> Value?
    ) {
        self.placeholder = placeholder
        self.meaning = meaning
        self.text = text
        self.parse = parse
    }

    /// The same kind under another placeholder, such as `HOST:PORT` for a text.
    public func named(_ placeholder: String) -> ValueKind {
        ValueKind(placeholder: placeholder, meaning: meaning, text: text, parse: parse)
    }
}

extension ValueKind {
    /// The same kind, which still takes the name that a value had in a former version; help does not show it.
    ///
    /// - Parameters:
    ///   - former: The former name.
    ///   - word: The name now.
    ///   - notice: Called when the former name is read, perhaps more than once.
    /// - Returns: The kind.
    public func taking(
        former: String, as word: String, notice: @escaping @Sendable () -> Void
    ) -> ValueKind {
        ValueKind(placeholder: placeholder, meaning: meaning, text: text) { given in
            guard given == former else { return parse(given) }
            notice()
            return parse(word)
        }
    }
}

extension ValueKind where Value == String {
    /// Any text but the empty one.
    public static var text: ValueKind {
        ValueKind(
            placeholder: "TEXT", meaning: "a text in UTF-8",
            text: { FilePath(bytes: $0.utf8).text },
            parse: { word in FilePath(word).characters.flatMap { $0.isEmpty ? nil : $0 } })
    }

    /// One of a few words.
    public static func choice(_ words: [String]) -> ValueKind {
        ValueKind(
            placeholder: words.joined(separator: "|"),
            meaning: "one of \(words.joined(separator: ", "))"
        ) { words.contains($0) ? $0 : nil }
    }
}

extension ValueKind where Value == FilePath {
    /// The path of a file that is read or written.
    public static var file: ValueKind {
        ValueKind(placeholder: "FILE", meaning: "a file's path", text: { $0.text }) {
            $0.isEmpty ? nil : FilePath($0)
        }
    }

    /// The path of a directory.
    public static var directory: ValueKind {
        ValueKind(placeholder: "DIR", meaning: "a directory's path", text: { $0.text }) {
            $0.isEmpty ? nil : FilePath($0)
        }
    }
}

/// How many threads and processes a run may be told to have: more are typing errors, and would be tried at the cost of
/// the machine.
public enum ProcessCounts {
    /// Compute threads of a process.
    public static let threads = 1...1_024
    /// Workers of a run.
    public static let workers = 1...10_000

    /// The processors of this machine, as far as a process may have threads for them.
    public static var processors: Int {
        min(max(ProcessInfo.processInfo.activeProcessorCount, 1), threads.upperBound)
    }
}

extension ValueKind where Value == Int {
    /// A whole number of at least 1.
    public static var count: ValueKind { .integer(1...) }

    /// How many threads compute.
    public static var threads: ValueKind { .integer(ProcessCounts.threads) }

    /// How many workers a run has.
    public static var workers: ValueKind { .integer(ProcessCounts.workers) }

    /// A whole number of at least a bound.
    public static func integer(_ range: PartialRangeFrom<Int>) -> ValueKind {
        ValueKind(
            placeholder: "N", meaning: "a whole number of at least \(range.lowerBound)"
        ) { Int($0).flatMap { range.contains($0) ? $0 : nil } }
    }

    /// A whole number between two bounds.
    public static func integer(_ range: ClosedRange<Int>) -> ValueKind {
        ValueKind(
            placeholder: "N",
            meaning: "a whole number from \(range.lowerBound) to \(range.upperBound)"
        ) { Int($0).flatMap { range.contains($0) ? $0 : nil } }
    }

    /// A number of bytes: `4096`, `64K`, `16M`, `1G` (powers of 1024).
    public static var bytes: ValueKind {
        ValueKind(
            placeholder: "SIZE", meaning: "a size such as 4096, 64K, 16M or 1G",
            text: sizeText, parse: parseSize)
    }
}

extension ValueKind where Value == UInt64 {
    /// Any whole number from 0 to 2^64 - 1.
    public static var seed: ValueKind {
        ValueKind(placeholder: "SEED", meaning: "a whole number from 0 to 18446744073709551615") {
            UInt64($0)
        }
    }
}

extension ValueKind where Value == Double {
    /// A finite number of at least a bound.
    public static func number(_ range: PartialRangeFrom<Double>) -> ValueKind {
        ValueKind(placeholder: "X", meaning: "a number of at least \(range.lowerBound)") { text in
            Double(text).flatMap { $0.isFinite && range.contains($0) ? $0 : nil }
        }
    }

    /// A part of a whole: above 0 and at most 1.
    public static var fraction: ValueKind {
        ValueKind(placeholder: "X", meaning: "a number above 0 and at most 1") { text in
            Double(text).flatMap { $0 > 0 && $0 <= 1 ? $0 : nil }
        }
    }

    /// A finite number above 0.
    public static var positive: ValueKind {
        ValueKind(placeholder: "X", meaning: "a number above 0") { text in
            Double(text).flatMap { $0.isFinite && $0 > 0 ? $0 : nil }
        }
    }
}

extension ValueKind where Value == Duration {
    /// A span of time: `250ms`, `30s`, `5m`, `2h`.
    public static var duration: ValueKind {
        ValueKind(
            placeholder: "TIME", meaning: "a duration such as 250ms, 30s, 5m or 2h",
            text: durationText, parse: parseDuration)
    }

    /// A span of time of at least a bound.
    public static func duration(_ range: PartialRangeFrom<Duration>) -> ValueKind {
        ValueKind(
            placeholder: "TIME",
            meaning: "a duration of at least \(durationText(range.lowerBound)), such as 2s or 5m",
            text: durationText
        ) { text in parseDuration(text).flatMap { range.contains($0) ? $0 : nil } }
    }
}

extension ValueKind {
    /// Several values in one text, separated by commas.
    public static func list<Element>(of kind: ValueKind<Element>) -> ValueKind
    where Value == [Element] {
        ValueKind(
            placeholder: "\(kind.placeholder),…",
            meaning: "a list, separated by commas, of which each is \(kind.meaning)",
            text: { $0.map(kind.text).joined(separator: ",") },
            parse: { text in
                let parts = text.split(separator: ",", omittingEmptySubsequences: false)
                let values = parts.compactMap { kind.parse(String($0)) }
                return values.count == parts.count ? values : nil
            })
    }

    /// One case of an enumeration, by its raw value.
    public static func oneOf(_ type: Value.Type) -> ValueKind
    where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
        let words = type.allCases.map(\.rawValue)
        return ValueKind(
            placeholder: words.joined(separator: "|"),
            meaning: "one of \(words.joined(separator: ", "))",
            text: { $0.rawValue }, parse: { Value(rawValue: $0) })
    }
}

private let sizeUnits: [(letter: Character, shift: Int)] = [("G", 30), ("M", 20), ("K", 10)]

/// Reads a number of bytes, with an optional unit of 1024, 1024² or 1024³.
@Sendable
func parseSize(_ text: String) -> Int? {
    guard let last = text.last else { return nil }
    let unit = sizeUnits.first { $0.letter == Character(last.uppercased()) }
    let digits = unit == nil ? Substring(text) : text.dropLast()
    guard digits.allSatisfy(\.isASCIIDigit), let value = Int(digits) else { return nil }
    let (bytes, overflow) = value.multipliedReportingOverflow(by: 1 << (unit?.shift ?? 0))
    return overflow ? nil : bytes
}

/// The shortest exact text of a number of bytes that `parseSize` reads.
@Sendable
public func sizeText(_ bytes: Int) -> String {
    for unit in sizeUnits where bytes != 0 && bytes % (1 << unit.shift) == 0 {
        return "\(bytes >> unit.shift)\(unit.letter)"
    }
    return "\(bytes)"
}

private let durationUnits: [(suffix: String, milliseconds: Int64)] = [
    ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000),
]

/// Reads a span of time; a unit is needed, so that nobody has to guess it.
@Sendable
func parseDuration(_ text: String) -> Duration? {
    guard let unit = durationUnits.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
    let digits = text.dropLast(unit.suffix.count)
    guard !digits.isEmpty, digits.allSatisfy({ $0.isASCIIDigit || $0 == "." }),
        let value = Double(digits)
    else { return nil }
    let milliseconds = value * Double(unit.milliseconds)
    guard milliseconds.isFinite, milliseconds < 1e15 else { return nil }
    return .milliseconds(Int64(milliseconds.rounded()))
}

/// The shortest exact text of a span of whole milliseconds that `parseDuration` reads.
@Sendable
public func durationText(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
    for unit in durationUnits.reversed()
    where milliseconds != 0 && milliseconds % unit.milliseconds == 0 {
        return "\(milliseconds / unit.milliseconds)\(unit.suffix)"
    }
    return "\(milliseconds)ms"
}

extension Character {
    fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
