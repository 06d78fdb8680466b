import Runtime

/// An object with members of fixed names.
///
/// The names stand in `fields` and nowhere else; values that nobody has set are those of `init()`.
public protocol SchemaObject: SchemaValue {
    /// An object of which nothing is set.
    init()
    /// The members, each once.
    static var fields: [SchemaField<Self>] { get }
}

extension SchemaObject {
    /// Reads an object: every member that has to be there, and no other ones.
    public init(_ json: JSONValue, at place: SchemaPlace) throws(SchemaError) {
        guard let members = json.objectValue else {
            throw place.mistyped(json, wanted: "an object")
        }
        self.init()
        let fields = Self.fields
        let known = Set(fields.flatMap(\.names))
        for name in members.keys.sorted() where !known.contains(name) {
            throw .unknown(
                file: place.file, key: place.member(name).key,
                nearest: nearestName(to: name, among: known.sorted()))
        }
        for field in fields { try field.read(&self, members, place) }
    }

    /// An object with all members that are set.
    public var json: JSONValue {
        var members: [String: JSONValue] = [:]
        for field in Self.fields { field.write(self, &members) }
        return .object(members)
    }
}

/// A member of an object: its name, and where its value is kept.
public struct SchemaField<Root>: Sendable {
    let names: [String]
    let read:
        @Sendable (inout Root, _ members: [String: JSONValue], _ place: SchemaPlace)
            throws(SchemaError) -> Void
    let write: @Sendable (Root, inout [String: JSONValue]) -> Void

    /// A member that is always there; `null` where an optional value is not.
    public static func always<Value: SchemaValue>(
        _ name: String, _ value: WritableKeyPath<Root, Value> & Sendable
    ) -> SchemaField {
        SchemaField(names: [name]) { root, members, place throws(SchemaError) in
            guard let found = members[name] else {
                throw SchemaError.missing(file: place.file, key: place.member(name).key)
            }
            root[keyPath: value] = try Value(found, at: place.member(name))
        } write: { root, members in
            members[name] = root[keyPath: value].json
        }
    }

    /// A member that is left out where there is no value.
    public static func maybe<Value: SchemaValue>(
        _ name: String, _ value: WritableKeyPath<Root, Value?> & Sendable
    ) -> SchemaField {
        SchemaField(names: [name]) { root, members, place throws(SchemaError) in
            guard let found = members[name] else { return }
            root[keyPath: value] = try Value(found, at: place.member(name))
        } write: { root, members in
            members[name] = root[keyPath: value]?.json
        }
    }

    /// A measure and its interval, which are left out together.
    public static func measure(
        _ name: String, _ value: WritableKeyPath<Root, SchemaMeasure?> & Sendable
    ) -> SchemaField {
        let ends = "\(name)_interval"
        return SchemaField(names: [name, ends]) { root, members, place throws(SchemaError) in
            switch (members[name], members[ends]) {
            case (nil, nil): return
            case (nil, _):
                throw SchemaError.missing(file: place.file, key: place.member(name).key)
            case (_, nil):
                throw SchemaError.missing(file: place.file, key: place.member(ends).key)
            case (let measure?, let interval?):
                root[keyPath: value] = SchemaMeasure(
                    value: try Double(measure, at: place.member(name)),
                    interval: try SchemaInterval?(interval, at: place.member(ends)))
            }
        } write: { root, members in
            guard let measure = root[keyPath: value] else { return }
            members[name] = measure.value.json
            members[ends] = measure.interval.json
        }
    }

    /// The members of another object as if they were its owner's.
    public static func spread<Part: SchemaObject>(
        _ part: WritableKeyPath<Root, Part> & Sendable
    ) -> [SchemaField] {
        Part.fields.map { field in
            SchemaField(names: field.names) { root, members, place throws(SchemaError) in
                try field.read(&root[keyPath: part], members, place)
            } write: { root, members in
                field.write(root[keyPath: part], &members)
            }
        }
    }
}
