import Foundation

/// Any JSON value, with numbers that keep whether they were whole.
public enum JSONValue: Sendable, Equatable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Reads JSON text, strictly: a key comes once in an object, numbers are finite.
    ///
    /// The mark of UTF-8 before it is skipped.
    ///
    /// - Throws: `JSONSyntaxError` with line and column.
    public init(parsing bytes: some Sequence<UInt8>) throws(JSONSyntaxError) {
        let bytes = Array(bytes)
        if let problem = TextLines.problem(bytes) {
            throw JSONSyntaxError(problem: problem, line: 1, column: 1)
        }
        var parser = JSONParser(Array(TextLines.withoutMark(bytes)))
        self = try parser.parseDocument()
    }

    /// The text, keys sorted by name, so that equal values have equal texts; over several lines if pretty.
    ///
    /// - Precondition: No number is infinite or NaN: what could not be measured is `null`.
    public func text(pretty: Bool = false) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        do {
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        } catch {
            preconditionFailure("JSON value cannot be written: \(error)")
        }
    }

    /// A number, or `null` where it is not finite.
    public static func measured(_ value: Double) -> JSONValue {
        value.isFinite ? .number(value) : .null
    }

    /// The value under a key of an object.
    public subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members[key]
    }

    /// The text of a string.
    public var stringValue: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    /// A whole number.
    public var integerValue: Int? {
        guard case .integer(let value) = self else { return nil }
        return Int(value)
    }

    /// Any number.
    public var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// A truth value.
    public var booleanValue: Bool? {
        guard case .boolean(let value) = self else { return nil }
        return value
    }

    /// The elements of an array.
    public var arrayValue: [JSONValue]? {
        guard case .array(let values) = self else { return nil }
        return values
    }

    /// The members of an object; sort the keys before their order can show.
    public var objectValue: [String: JSONValue]? {
        guard case .object(let members) = self else { return nil }
        return members
    }
}

extension JSONValue: Codable {
    /// Decodes whatever comes.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    /// Encodes the value as itself.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .boolean(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let values): try container.encode(values)
        case .object(let members): try container.encode(members)
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    /// The value that a literal stands for.
    public init(nilLiteral: ()) { self = .null }
    /// The value that a literal stands for.
    public init(stringLiteral value: String) { self = .string(value) }
    /// The value that a literal stands for.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// The value that a literal stands for.
    public init(floatLiteral value: Double) { self = .number(value) }
    /// The value that a literal stands for.
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
    /// The value that a literal stands for.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// The value that a literal stands for.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { _, last in last }))
    }
}
