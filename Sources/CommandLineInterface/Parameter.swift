/// Something that a command accepts: a `Flag`, an `Option` or an `Argument`.
public protocol Parameter: Sendable {
    /// What parser and help need to know.
    var specification: ParameterSpecification { get }
}

/// What parser and help need to know of a parameter, whatever its type.
public struct ParameterSpecification: Sendable {
    enum Form: Sendable { case flag, option, argument }

    let name: String
    let form: Form
    let placeholder: String
    let help: String
    /// Shown behind the help; `nil` where there is nothing to show.
    let defaultText: String?
    let isRequired: Bool
    let isRepeated: Bool
    /// Says what is wrong with the texts given.
    let check: @Sendable ([String]) throws(CommandError) -> Void

    /// How the user types the name.
    var spelling: String { form == .argument ? placeholder : "--\(name)" }
}

/// A switch that is off unless named: `--fresh`.
public struct Flag: Parameter {
    let name: String
    let help: String

    /// A switch.
    public init(_ name: String, help: String) {
        self.name = name
        self.help = help
    }

    /// What has to be typed for the switch to be so.
    public func words(_ isOn: Bool) -> [String] { isOn ? ["--\(name)"] : [] }

    /// Prints the result as JSON on standard output and nothing else there.
    public static let json = Flag(
        "json", help: "Print the result as JSON on standard output, and nothing else there.")

    /// What parser and help need to know.
    public var specification: ParameterSpecification {
        ParameterSpecification(
            name: name, form: .flag, placeholder: "", help: help, defaultText: nil,
            isRequired: false, isRepeated: false, check: { _ throws(CommandError) in })
    }
}

/// A named value: `--threads 2` or `--threads=2`.
public struct Option<Result: Sendable>: Parameter {
    /// What parser and help need to know.
    public let specification: ParameterSpecification
    /// The name without dashes.
    public var name: String { specification.name }
    let resolve: @Sendable ([String]) throws(CommandError) -> Result
    private let texts: @Sendable (Result) -> [String]

    private init(
        _ name: String, placeholder: String, help: String, defaultText: String?,
        isRequired: Bool = false, isRepeated: Bool = false,
        texts: @escaping @Sendable (Result) -> [String],
        resolve: @escaping @Sendable ([String]) throws(CommandError) -> Result
    ) {
        self.resolve = resolve
        self.texts = texts
        specification = ParameterSpecification(
            name: name, form: .option, placeholder: placeholder, help: help,
            defaultText: defaultText, isRequired: isRequired, isRepeated: isRepeated,
            check: { texts throws(CommandError) in _ = try resolve(texts) })
    }

    /// What has to be typed for the option to have a value, for a program that starts another.
    public func words(_ value: Result) -> [String] {
        texts(value).flatMap { ["--\(name)", $0] }
    }

    /// A value with a default.
    public init(_ name: String, _ kind: ValueKind<Result>, default: Result, help: String) {
        self.init(
            name, placeholder: kind.placeholder, help: help, defaultText: kind.text(`default`),
            texts: { [kind.text($0)] }
        ) { texts throws(CommandError) in
            guard let text = texts.last else { return `default` }
            return try kind.read(text, for: "--\(name)")
        }
    }

    /// A value that must be given.
    public init(required name: String, _ kind: ValueKind<Result>, help: String) {
        self.init(
            name, placeholder: kind.placeholder, help: help, defaultText: nil, isRequired: true,
            texts: { [kind.text($0)] }
        ) { texts throws(CommandError) in
            guard let text = texts.last else {
                throw CommandError(.usage, "--\(name) \(kind.placeholder) is missing")
            }
            return try kind.read(text, for: "--\(name)")
        }
    }

    /// A value that may be left out.
    ///
    /// - Parameters:
    ///   - name: What the user types behind two dashes.
    ///   - kind: How the value is read.
    ///   - otherwise: What happens without it, shown in place of a default.
    ///   - help: What it is for.
    public init<Value>(
        _ name: String, _ kind: ValueKind<Value>, otherwise: String? = nil, help: String
    ) where Result == Value? {
        self.init(
            name, placeholder: kind.placeholder, help: help, defaultText: otherwise,
            texts: { $0.map { [kind.text($0)] } ?? [] }
        ) { texts throws(CommandError) in
            guard let text = texts.last else { return nil }
            return try kind.read(text, for: "--\(name)")
        }
    }

    /// A value that may be given any number of times.
    ///
    /// - Parameters:
    ///   - name: What the user types behind two dashes.
    ///   - kind: How each value is read.
    ///   - isRequired: Whether it must be given at least once.
    ///   - help: What it is for.
    public init<Value>(
        repeated name: String, _ kind: ValueKind<Value>, isRequired: Bool = false, help: String
    ) where Result == [Value] {
        self.init(
            name, placeholder: kind.placeholder, help: help, defaultText: nil,
            isRequired: isRequired, isRepeated: true, texts: { $0.map(kind.text) }
        ) { texts throws(CommandError) in
            if texts.isEmpty && isRequired {
                throw CommandError(.usage, "--\(name) \(kind.placeholder) is missing")
            }
            var values: [Value] = []
            for text in texts { values.append(try kind.read(text, for: "--\(name)")) }
            return values
        }
    }
}

/// A value known by its place: the `DIR` of `resume DIR`.
public struct Argument<Result: Sendable>: Parameter {
    /// What parser and help need to know.
    public let specification: ParameterSpecification
    let resolve: @Sendable ([String]) throws(CommandError) -> Result

    /// A value that must be given.
    public init(_ placeholder: String, _ kind: ValueKind<Result>, help: String) {
        let resolve: @Sendable ([String]) throws(CommandError) -> Result = {
            texts throws(CommandError) in
            guard let text = texts.first else {
                throw CommandError(.usage, "\(placeholder) is missing")
            }
            return try kind.read(text, for: placeholder)
        }
        self.resolve = resolve
        specification = ParameterSpecification(
            name: placeholder, form: .argument, placeholder: placeholder, help: help,
            defaultText: nil, isRequired: true, isRepeated: false,
            check: { texts throws(CommandError) in _ = try resolve(texts) })
    }

    /// One or more values; the last argument of a command.
    public init<Value>(repeated placeholder: String, _ kind: ValueKind<Value>, help: String)
    where Result == [Value] {
        let resolve: @Sendable ([String]) throws(CommandError) -> Result = {
            texts throws(CommandError) in
            if texts.isEmpty { throw CommandError(.usage, "\(placeholder) is missing") }
            var values: [Value] = []
            for text in texts { values.append(try kind.read(text, for: placeholder)) }
            return values
        }
        self.resolve = resolve
        specification = ParameterSpecification(
            name: placeholder, form: .argument, placeholder: placeholder, help: help,
            defaultText: nil, isRequired: true, isRepeated: true,
            check: { texts throws(CommandError) in _ = try resolve(texts) })
    }
}

extension ValueKind {
    func read(_ text: String, for spelling: String) throws(CommandError) -> Value {
        guard let value = parse(text) else {
            throw CommandError(.usage, "\(spelling) needs \(meaning), not '\(text)'")
        }
        return value
    }
}
