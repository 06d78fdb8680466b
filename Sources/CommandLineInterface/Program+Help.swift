import Runtime

private let columns = 96

extension Program {
    /// The list of all commands.
    var help: String {
        """
        \(name) \(Software.version): \(summary)

        usage: \(name) COMMAND [flags]

        commands:
        \(table(commands.map { ($0.name, $0.summary) }))

        '\(name) COMMAND --help' explains a command, its flags and their defaults, with an example.
        """
    }

    /// The list of a group's commands.
    func groupHelp(_ group: String) -> String {
        let members = commands.filter { $0.words.first == group }
        return """
            usage: \(name) \(group) COMMAND [flags]

            commands:
            \(table(members.map { ($0.name, $0.summary) }))

            '\(name) \(group) COMMAND --help' explains one of them.
            """
    }

    /// All there is to know about one command.
    func help(for command: Command) -> String {
        let full = ([name] + command.words).joined(separator: " ")
        var sections = ["\(full): \(command.summary)", "usage: \(usage(of: command, as: full))"]
        if !command.discussion.isEmpty {
            sections.append(wrap(command.discussion, indentation: 0))
        }
        if !command.arguments.isEmpty {
            sections.append(
                "arguments:\n" + table(command.arguments.map { ($0.spelling, $0.help) }))
        }
        let flags =
            command.options.map { option in
                ("\(option.spelling) \(option.placeholder)".trimmed, flagText(option))
            } + [("--help", "Show this text.")]
        sections.append("flags:\n" + table(flags))
        sections.append("example:\n  \(command.example)")
        return sections.joined(separator: "\n\n")
    }

    private func usage(of command: Command, as full: String) -> String {
        let required = command.options.filter(\.isRequired).map { option in
            "\(option.spelling) \(option.placeholder)" + (option.isRepeated ? " …" : "")
        }
        let arguments = command.arguments.map { $0.spelling + ($0.isRepeated ? " …" : "") }
        let optional = command.options.contains { !$0.isRequired } ? ["[flags]"] : []
        return ([full] + arguments + required + optional).joined(separator: " ")
    }

    private func flagText(_ option: ParameterSpecification) -> String {
        var text = option.help
        if option.isRequired { text += " Required." }
        if option.isRepeated { text += " May be repeated." }
        if let value = option.defaultText { text += " (default: \(value))" }
        return text
    }

    /// Two columns; the second one wrapped, and below the first where that one is long.
    private func table(_ rows: [(String, String)]) -> String {
        let longest = rows.map(\.0.count).max() ?? 0
        let width = min(longest, 26)
        let lines = rows.map { row in
            let text = wrap(row.1, indentation: width + 4)
            let body = text.drop { $0 == " " }
            return row.0.count > width
                ? "  \(row.0)\n\(text)"
                : "  " + row.0 + String(repeating: " ", count: width - row.0.count + 2) + body
        }
        return lines.joined(separator: "\n")
    }
}

/// Breaks text into indented lines that fit the screen; line breaks that are there stay.
func wrap(_ text: String, indentation: Int) -> String {
    let margin = String(repeating: " ", count: indentation)
    var lines: [String] = []
    for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
        var line = margin
        for word in paragraph.split(separator: " ") {
            if line.count > indentation && line.count + 1 + word.count > columns {
                lines.append(line)
                line = margin
            }
            line += (line.count > indentation ? " " : "") + word
        }
        lines.append(line.count == indentation ? "" : line)
    }
    return lines.joined(separator: "\n")
}

extension String {
    fileprivate var trimmed: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
