import Foundation
import Runtime

/// A program: its commands, and what happens between the command line and the exit code.
public struct Program: Sendable {
    let name: String
    let summary: String
    let commands: [Command]
    let hints: [String: String]
    let exitCode: @Sendable (any Error) -> ExitCode

    /// A program.
    ///
    /// - Parameters:
    ///   - name: What the user types.
    ///   - summary: One line on top of the help.
    ///   - commands: All of them, in the order of the help; one with an empty name stands alone.
    ///   - hints: What to type in place of a word that is no command and that people may look for.
    ///   - exitCode: The code of an error that is not a `CommandError`.
    public init(
        name: String, summary: String, commands: [Command], hints: [String: String] = [:],
        exitCode: @escaping @Sendable (any Error) -> ExitCode = { _ in .failure }
    ) {
        self.name = name
        self.summary = summary
        self.commands = commands
        self.hints = hints
        self.exitCode = exitCode
    }

    /// Runs the process's own command line and ends the process.
    public func main() -> Never {
        do throws(SystemError) {
            try ProcessStart.prepare()
        } catch {
            Log().error("the standard streams: \(error)")
            Self.end(.failure)
        }
        Self.end(run(Self.words))
    }

    /// Ends the process behind the last line of its log, if somebody reads it.
    static func end(_ code: ExitCode) -> Never {
        LogQueue.standardError.flush()
        exit(code.rawValue)
    }

    /// What the process was given behind its name, each word as `FilePath.text` has it: `CommandLine.arguments` would put
    /// other characters in place of bytes that are not UTF-8.
    public static var words: [String] {
        let arguments = UnsafeBufferPointer(
            start: CommandLine.unsafeArgv, count: Int(CommandLine.argc))
        return arguments.dropFirst().compactMap { argument in
            argument.map { FilePath(cString: $0).text }
        }
    }

    /// Runs a command line.
    ///
    /// - Parameters:
    ///   - words: What the user typed behind the program's name, each as `FilePath.text` has it.
    ///   - print: Takes help and version; by default standard output.
    ///   - report: Takes the one line of an error; by default standard error.
    /// - Returns: What the process is to exit with.
    public func run(
        _ words: [String],
        print: (String) -> Void = { Output.write($0) },
        report: (String) -> Void = { Log().error($0) }
    ) -> ExitCode {
        do {
            return try dispatch(words, print: print)
        } catch let error as CommandError {
            report(error.message)
            return error.exitCode
        } catch let error as SystemError {
            report(error.description + (error.remedyForRoom.map { "; \($0)" } ?? ""))
            return exitCode(error)
        } catch let error as CocoaError {
            // Foundation's own text has domains and codes, and not the path alone.
            let path = error.filePath.map { "\($0): " } ?? ""
            report(path + error.localizedDescription)
            return exitCode(error)
        } catch {
            report("\(error)")
            return exitCode(error)
        }
    }

    private func dispatch(_ words: [String], print: (String) -> Void) throws -> ExitCode {
        if words == ["--version"] {
            print("\(name) \(Software.version)")
            return .success
        }
        if let alone = commands.first(where: \.words.isEmpty) {
            return try start(alone, with: words, print: print)
        }
        guard let first = words.first, first != "--help", first != "-h" else {
            print(help)
            return .success
        }
        if first == "help" {
            let topic = Array(words.dropFirst())
            print(topic.isEmpty ? help : try help(for: topic))
            return .success
        }
        let (command, rest) = try find(words)
        guard let command else {
            // A group such as `data`: its list is help that was asked for, or the answer to a missing word.
            guard rest.isEmpty || rest == ["--help"] || rest == ["-h"] else {
                throw unknownCommand(words)
            }
            print(groupHelp(first))
            return rest.isEmpty ? .usage : .success
        }
        return try start(command, with: rest, print: print)
    }

    private func start(
        _ command: Command, with words: [String], print: (String) -> Void
    ) throws -> ExitCode {
        if words.contains("--help") || words.contains("-h") {
            print(help(for: command))
            return .success
        }
        let invocation: Invocation
        do {
            invocation = try command.parse(words, program: name)
        } catch {
            let full = ([name] + command.words).joined(separator: " ")
            throw CommandError(error.exitCode, "\(error.message) (see '\(full) --help')")
        }
        return try command.run(invocation)
    }

    private func help(for topic: [String]) throws -> String {
        let (command, rest) = try find(topic)
        guard rest.isEmpty else { throw unknownCommand(topic) }
        return command.map { help(for: $0) } ?? groupHelp(topic[0])
    }

    /// The command that the first words name, or `nil` for a group without one of its commands.
    private func find(_ words: [String]) throws(CommandError) -> (Command?, rest: [String]) {
        for command in commands where words.starts(with: command.words) {
            return (command, Array(words.dropFirst(command.words.count)))
        }
        guard let first = words.first, commands.contains(where: { $0.words[0] == first }) else {
            throw unknownCommand(words)
        }
        return (nil, Array(words.dropFirst()))
    }

    private func unknownCommand(_ words: [String]) -> CommandError {
        let isGroup = commands.contains { $0.words.count > 1 && $0.words[0] == words.first }
        let typed = words.prefix(isGroup ? 2 : 1).joined(separator: " ")
        let names = isGroup ? commands.map(\.name) : commands.map { $0.words[0] }
        // A word of a group, such as `prepare` for `data prepare`, is no typing error.
        let inGroups = commands.filter { $0.words.count > 1 && $0.words.last == typed }.map(\.name)
        let nearest = nearestName(to: typed, among: names + ["help"]).map { [$0] } ?? []
        let proposals = (inGroups.isEmpty ? nearest : inGroups).map { "'\($0)'" }
        let guess =
            proposals.isEmpty ? "" : "; did you mean \(proposals.joined(separator: " or "))?"
        let hint = hints[typed].map { "; \($0)" } ?? guess
        return CommandError(.usage, "no command '\(typed)'\(hint) (see '\(name) help')")
    }
}
