import Runtime

/// Why a file is no evaluation.
public enum SchemaError: Error, Equatable, CustomStringConvertible {
    /// The file is not JSON.
    case notJSON(file: String, problem: String)
    /// The file has another schema than this version reads.
    case otherSchema(file: String, found: String)
    /// A member that has to be there is not.
    case missing(file: String, key: String)
    /// A member that the schema does not have.
    case unknown(file: String, key: String, nearest: String?)
    /// A member has a value of another type.
    case mistyped(file: String, key: String, wanted: String, found: String)

    /// One line: file, key, value, remedy.
    public var description: String {
        let remedy = "; write it again with 'purkinje evaluate --json' or 'compare --json'"
        return switch self {
        case .notJSON(let file, let problem): "\(file) is no JSON: \(problem)\(remedy)"
        case .otherSchema(let file, let found):
            "\(file): schema is \(found), and this version reads \(EvaluationDocument.schema)\(remedy)"
        case .missing(let file, let key): "\(file): \(key) is missing\(remedy)"
        case .unknown(let file, let key, let nearest):
            "\(file): \(key) is not known"
                + (nearest.map { "; the nearest known key is '\($0)'" } ?? remedy)
        case .mistyped(let file, let key, let wanted, let found):
            "\(file): \(key) is \(found), but has to be \(wanted)\(remedy)"
        }
    }
}

/// Where in a file a value stands.
public struct SchemaPlace: Sendable {
    /// The file's name.
    public let file: String
    /// Members from the outermost to the innermost, with points between them; empty for the whole.
    public let key: String

    /// A place of a file.
    public init(file: String, key: String = "") {
        (self.file, self.key) = (file, key)
    }

    func member(_ name: String) -> SchemaPlace {
        SchemaPlace(file: file, key: key.isEmpty ? name : "\(key).\(name)")
    }

    func element(_ index: Int) -> SchemaPlace {
        SchemaPlace(file: file, key: "\(key)[\(index)]")
    }

    /// What is wrong with a value that is none of what is wanted.
    func mistyped(_ value: JSONValue, wanted: String) -> SchemaError {
        let found =
            switch value {
            case .object: "an object"
            case .array: "a list"
            default: value.text()
            }
        return .mistyped(
            file: file, key: key.isEmpty ? "the content" : key, wanted: wanted, found: found)
    }
}
