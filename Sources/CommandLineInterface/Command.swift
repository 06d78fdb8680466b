import Runtime

/// One thing that a program does, with all that its help says.
public struct Command: Sendable {
    /// The words that name it: `["data", "prepare"]`; empty for a program with one command.
    public let words: [String]
    /// One line for the list of commands.
    public let summary: String
    let discussion: String
    let parameters: [ParameterSpecification]
    let example: String
    let run: @Sendable (Invocation) throws -> ExitCode

    /// A command.
    ///
    /// - Parameters:
    ///   - name: What the user types, e.g. `data prepare`; empty for a program with one command.
    ///   - summary: One line for the list of commands, without a full stop.
    ///   - discussion: What a newcomer needs to know, in a few sentences; lines are wrapped.
    ///   - parameters: What the command accepts, in the order of its help.
    ///   - example: A whole command line that works.
    ///   - run: Does it. Errors that are thrown end the program with the code that their kind stands for.
    public init(
        _ name: String, summary: String, discussion: String = "", parameters: [any Parameter],
        example: String, run: @escaping @Sendable (Invocation) throws -> ExitCode
    ) {
        words = name.split(separator: " ").map(String.init)
        self.summary = summary
        self.discussion = discussion
        self.parameters = parameters.map(\.specification)
        self.example = example
        self.run = run
    }

    /// The words with spaces between.
    public var name: String { words.joined(separator: " ") }

    var arguments: [ParameterSpecification] { parameters.filter { $0.form == .argument } }
    var options: [ParameterSpecification] { parameters.filter { $0.form != .argument } }
}

/// What the user gave to a command.
public struct Invocation: Sendable {
    /// The name that the program was started by, for messages that propose a command.
    public let program: String
    private let texts: [String: [String]]

    init(program: String, texts: [String: [String]]) {
        self.program = program
        self.texts = texts
    }

    /// Whether a switch was named.
    public subscript(flag: Flag) -> Bool { texts["--\(flag.name)"]?.isEmpty == false }

    /// The value of an option of this command.
    public subscript<Result>(option: Option<Result>) -> Result {
        value(of: option.specification, by: option.resolve)
    }

    /// The value of an argument of this command.
    public subscript<Result>(argument: Argument<Result>) -> Result {
        value(of: argument.specification, by: argument.resolve)
    }

    /// Refuses what the user typed where it would change nothing, so that nobody takes it for heeded.
    ///
    /// - Parameters:
    ///   - parameters: Flags and options of this command; those that were not typed pass.
    ///   - circumstance: When they change nothing, such as `without --json`.
    /// - Throws: `CommandError` with code 2 for the first that was typed.
    public func refuse(
        _ parameters: [any Parameter], _ circumstance: String
    ) throws(CommandError) {
        for parameter in parameters.map(\.specification)
        where texts[parameter.spelling]?.isEmpty == false {
            throw CommandError(
                .usage,
                "\(parameter.spelling) would change nothing \(circumstance); leave it out"
                    + Self.alternative(to: circumstance)
            )
        }
    }

    /// What else than leaving it out gives an option an effect, as far as the circumstance says it.
    private static func alternative(to circumstance: String) -> String {
        let missing = "without "
        guard circumstance.hasPrefix(missing) else { return "" }
        return ", or add \(circumstance.dropFirst(missing.count))"
    }

    private func value<Result>(
        of parameter: ParameterSpecification,
        by resolve: ([String]) throws(CommandError) -> Result
    ) -> Result {
        do {
            return try resolve(texts[parameter.spelling] ?? [])
        } catch {
            // The parser has checked every declared parameter, so this one is not declared.
            preconditionFailure("\(parameter.spelling) is not declared by the command: \(error)")
        }
    }
}
