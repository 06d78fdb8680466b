import Runtime

/// What can stand in a file: written as JSON, and read from it strictly.
///
/// What is read and written again has the same text.
public protocol SchemaValue: Sendable {
    /// Reads a value.
    ///
    /// - Throws: `SchemaError` that names file and key where it is something else.
    init(_ json: JSONValue, at place: SchemaPlace) throws(SchemaError)
    /// The value as it is written.
    var json: JSONValue { get }
}

extension Int: SchemaValue {
    /// Reads a whole number.
    public init(_ json: JSONValue, at place: SchemaPlace) throws(SchemaError) {
        guard let value = json.integerValue else {
            throw place.mistyped(json, wanted: "a whole number")
        }
        self = value
    }

    /// A whole number.
    public var json: JSONValue { .integer(Int64(self)) }
}

extension Double: SchemaValue {
    /// Reads a number.
    public init(_ json: JSONValue, at place: SchemaPlace) throws(SchemaError) {
        guard let value = json.doubleValue else { throw place.mistyped(json, wanted: "a number") }
        self = value
    }

    /// A number.
    public var json: JSONValue { .number(self) }
}

extension Bool: SchemaValue {
    /// Reads a truth value.
    public init(_ json: JSONValue, at place: SchemaPlace) throws(SchemaError) {
        guard let value = json.booleanValue else {
            throw place.mistyped(json, wanted: "true or false")
        }
        self = value
    }

    /// A truth value.
    public var json: JSONValue { .boolean(self) }
}

extension String: SchemaValue {
    /// Reads a string.
    public init(_ json: JSONValue, at place: SchemaPlace) throws(SchemaError) {
        guard let value = json.stringValue else { throw place.mistyped(json, wanted: "a string") }
        self = value
    }

    /// A string.
    public var json: JSONValue { .string(self) }
}

extension Optional: SchemaValue where Wrapped: SchemaValue {
    /// Reads a value, or `null`.
    public init(_ json: JSONValue, at place: SchemaPlace) throws(SchemaError) {
        self = json == .null ? nil : try Wrapped(json, at: place)
    }

    /// The value, or `null` where it could not be measured.
    public var json: JSONValue { self?.json ?? .null }
}

extension Array: SchemaValue where Element: SchemaValue {
    /// Reads a list.
    public init(_ json: JSONValue, at place: SchemaPlace) throws(SchemaError) {
        guard let elements = json.arrayValue else { throw place.mistyped(json, wanted: "a list") }
        self = []
        for (index, element) in elements.enumerated() {
            append(try Element(element, at: place.element(index)))
        }
    }

    /// A list.
    public var json: JSONValue { .array(map(\.json)) }
}

/// What members of an object can be called.
public protocol SchemaKey: Hashable, Sendable {
    /// The name of a member; `nil` where there is none of this name.
    init?(schemaKey: String)
    /// The member's name.
    var schemaKey: String { get }
    /// All names; `nil` where any will do.
    static var all: [String]? { get }
}

extension String: SchemaKey {
    /// Any name.
    public init?(schemaKey: String) { self = schemaKey }
    /// The name itself.
    public var schemaKey: String { self }
    /// Any name will do.
    public static var all: [String]? { nil }
}

extension SchemaKey where Self: RawRepresentable<String> & CaseIterable {
    /// One of the cases.
    public init?(schemaKey: String) { self.init(rawValue: schemaKey) }
    /// The case's name.
    public var schemaKey: String { rawValue }
    /// All cases.
    public static var all: [String]? { allCases.map(\.rawValue) }
}

extension Dictionary: SchemaValue where Key: SchemaKey, Value: SchemaValue {
    /// Reads an object whose members are all of one kind.
    public init(_ json: JSONValue, at place: SchemaPlace) throws(SchemaError) {
        guard let members = json.objectValue else {
            throw place.mistyped(json, wanted: "an object")
        }
        self = [:]
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            guard let key = Key(schemaKey: name) else {
                throw .unknown(
                    file: place.file, key: place.member(name).key,
                    nearest: nearestName(to: name, among: Key.all ?? []))
            }
            self[key] = try Value(value, at: place.member(name))
        }
    }

    /// An object.
    public var json: JSONValue {
        .object(
            [String: JSONValue](uniqueKeysWithValues: map { ($0.key.schemaKey, $0.value.json) }))
    }
}

/// Where 95 % of resamples lie.
public struct SchemaInterval: SchemaValue, Equatable {
    /// Its lower end.
    public var lower: Double
    /// Its upper end.
    public var upper: Double

    /// An interval by its ends.
    public init(lower: Double, upper: Double) {
        (self.lower, self.upper) = (lower, upper)
    }

    /// Reads two numbers.
    public init(_ json: JSONValue, at place: SchemaPlace) throws(SchemaError) {
        guard json.arrayValue?.count == 2 else {
            throw place.mistyped(json, wanted: "two numbers")
        }
        let ends = try [Double](json, at: place)
        self.init(lower: ends[0], upper: ends[1])
    }

    /// Two numbers.
    public var json: JSONValue { [.number(lower), .number(upper)] }
}

/// A measure with its interval: the members `name` and `name_interval`.
public struct SchemaMeasure: Sendable, Equatable {
    /// The measure.
    public var value: Double
    /// Where 95 % of resamples lie; `nil` where too few of them could be measured.
    public var interval: SchemaInterval?

    /// A measure by its parts.
    public init(value: Double, interval: SchemaInterval?) {
        (self.value, self.interval) = (value, interval)
    }
}
