import Runtime

extension Command {
    /// Sorts what the user typed behind the command's words, and checks all of it.
    ///
    /// - Throws: `CommandError` with code 2, which names the nearest flag for an unknown one.
    func parse(_ words: [String], program: String) throws(CommandError) -> Invocation {
        var texts: [String: [String]] = [:]
        var positional: [String] = []
        var rest = words[...]
        var optionsEnded = false
        while let word = rest.popFirst() {
            if optionsEnded || !word.hasPrefix("-") || word == "-" {
                positional.append(word)
            } else if word == "--" {
                optionsEnded = true
            } else {
                try parseOption(word, rest: &rest, into: &texts)
            }
        }
        try assign(positional, to: &texts)
        for parameter in parameters {
            try parameter.check(texts[parameter.spelling] ?? [])
        }
        return Invocation(program: program, texts: texts)
    }

    private func parseOption(
        _ word: String, rest: inout ArraySlice<String>, into texts: inout [String: [String]]
    ) throws(CommandError) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let spelling = String(parts[0])
        guard let option = options.first(where: { $0.spelling == spelling }) else {
            throw unknownOption(spelling)
        }
        if option.form == .flag {
            guard parts.count == 1 else {
                throw CommandError(.usage, "\(spelling) is a switch and takes no value")
            }
            texts[spelling] = ["on"]
            return
        }
        if texts[spelling] != nil && !option.isRepeated {
            throw CommandError(.usage, "\(spelling) is given twice")
        }
        if parts.count == 2 {
            texts[spelling, default: []].append(String(parts[1]))
        } else if let value = rest.first, !value.hasPrefix("--") {
            texts[spelling, default: []].append(value)
            rest.removeFirst()
        } else {
            throw CommandError(.usage, "\(spelling) needs a value: \(option.placeholder)")
        }
    }

    private func unknownOption(_ spelling: String) -> CommandError {
        let known = options.map(\.spelling) + ["--help"]
        let owner = words.isEmpty ? "" : " for '\(name)'"
        let hint =
            if let nearest = nearestName(to: spelling, among: known) {
                "; did you mean \(nearest)?"
            } else if options.isEmpty {
                "; it has none"
            } else {
                "; it has \(known.joined(separator: ", "))"
            }
        return CommandError(.usage, "no flag \(spelling)\(owner)\(hint)")
    }

    private func assign(
        _ positional: [String], to texts: inout [String: [String]]
    ) throws(CommandError) {
        var rest = positional[...]
        for argument in arguments {
            if argument.isRepeated {
                texts[argument.spelling] = Array(rest)
                rest = []
            } else if let text = rest.popFirst() {
                texts[argument.spelling] = [text]
            }
        }
        if let extra = rest.first {
            throw CommandError(.usage, "'\(extra)' is one argument too many")
        }
    }
}
