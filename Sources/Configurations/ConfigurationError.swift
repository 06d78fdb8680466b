import Runtime

/// Why a configuration cannot be used: which key, which value, and what would be right.
public enum ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// The file cannot be read.
    case unreadable(SystemError)
    /// The file is not JSON.
    case syntax(file: String, JSONSyntaxError)
    /// Nobody knows this key.
    case unknownKey(key: String, nearest: String?, source: ConfigurationSource)
    /// Other methods have this key, or this one has it with other settings.
    case keyOfOtherSettings(
        key: String, method: String, owners: [String], source: ConfigurationSource)
    /// The key needs another type of value.
    case wrongType(
        key: String, value: String, expected: String, source: ConfigurationSource)
    /// The value is not among those that make sense.
    case outOfRange(
        key: String, value: String, remedy: String, source: ConfigurationSource)
    /// A key without a default is absent.
    case missing(key: String, remedy: String)
    /// Values that do not go together.
    case contradiction(keys: [String], problem: String, remedy: String)
    /// An override that is not `key=value`.
    case malformedOverride(String)

    /// The sentence for people.
    public var description: String {
        switch self {
        case .unreadable(let error):
            "configuration \(error)"
        case .syntax(let file, let error):
            "\(file): not valid JSON: \(error)"
        case .unknownKey(let key, let nearest, let source):
            "unknown key '\(key)' (\(source))"
                + (nearest.map { "; the nearest known key is '\($0)'" }
                    ?? "; 'purkinje pretrain … --print-config' without it shows all keys")
        case .keyOfOtherSettings(let key, let method, let owners, let source):
            "unknown key '\(key)' (\(source)): the method \(method) has "
                + (owners.contains(method)
                    ? "it with other settings than the ones given; leave it out (--set \(key)=null takes it away), or change those"
                    : "no such key; it is of \(owners.joined(separator: ", ")): leave it out, or choose such a method")
        case .wrongType(let key, let value, let expected, let source):
            "\(key) is \(value) (\(source)), but has to be \(expected)"
        case .outOfRange(let key, let value, let remedy, let source):
            "\(key) is \(value) (\(source)): \(remedy)"
        case .missing(let key, let remedy):
            "\(key) is missing: \(remedy)"
        case .contradiction(let keys, let problem, let remedy):
            "\(keys.joined(separator: ", ")): \(problem); \(remedy)"
        case .malformedOverride(let text):
            "'\(text)' is not key=value, such as optimizer.learningRate=1e-3"
        }
    }
}

/// Where a value comes from.
public enum ConfigurationSource: Sendable, Equatable, CustomStringConvertible {
    /// Nobody said anything.
    case byDefault
    /// The configuration file.
    case file(String)
    /// An override on the command line.
    case override

    /// The sentence for people.
    public var description: String {
        switch self {
        case .byDefault: "default"
        case .file(let name): "from \(name)"
        case .override: "from --set"
        }
    }
}

/// One resolved value.
public struct ConfigurationEntry: Sendable, Equatable {
    /// Path of the key, such as `optimizer.learningRate`.
    public let key: String
    /// The value; `null` for what is off.
    public let value: JSONValue
    /// Where it comes from.
    public let source: ConfigurationSource
    /// Whether the bits of the training state depend on it.
    public let decidesBits: Bool
}

/// A key whose values differ between two configurations.
public struct ConfigurationDifference: Sendable, Equatable, CustomStringConvertible {
    /// Path of the key.
    public let key: String
    /// The value here, as JSON; `absent` where this configuration has no such key.
    public let here: String
    /// The value there.
    public let there: String

    /// The sentence for people.
    public var description: String { "\(key): \(here) here, \(there) there" }
}
