import Foundation
import Runtime

extension RunDirectory {
    /// Reads `metrics.jsonl` from its start.
    ///
    /// - Parameter body: Gets every line that is right.
    /// - Returns: The other lines.
    /// - Throws: `RunError.system` where the file is there and cannot be read.
    public func readMetrics(_ body: (JSONValue) -> Void) throws(RunError) -> [DamagedLine] {
        let lines = try asRunError { () throws(SystemError) in try JSONLines(metricsPath, in: files)
        }
        var rule = MetricsRule()
        return lines.scan(check: { rule.problem($0, line: $1) }) { value, _ in body(value) }
    }

    /// Reads `events.jsonl` from its start.
    ///
    /// - Parameter body: Gets every line that is right.
    /// - Returns: The other lines.
    /// - Throws: `RunError.system` where the file is there and cannot be read.
    public func readEvents(_ body: (JSONValue) -> Void) throws(RunError) -> [DamagedLine] {
        let lines = try asRunError { () throws(SystemError) in try JSONLines(eventsPath, in: files)
        }
        return lines.scan { value, _ in body(value) }
    }

    /// The last events, oldest first.
    public func lastEvents(_ count: Int) throws(RunError) -> [JSONValue] {
        var events: [JSONValue] = []
        try lookBack(from: eventsPath) { lines in
            events = []
            _ = lines.scan { value, _ in events.append(value) }
            return !events.isEmpty
        }
        return Array(events.suffix(count))
    }

    /// The newest line of the training loss and the newest of the validation loss; `nil` where
    /// there is none yet.
    public func lastMetrics() throws(RunError) -> (training: JSONValue?, validation: JSONValue?) {
        var (training, validation): (JSONValue?, JSONValue?) = (nil, nil)
        try lookBack(from: metricsPath) { lines in
            var rule = MetricsRule()
            _ = lines.scan(check: { rule.problem($0, line: $1) }) { value, _ in
                if value["loss"] != nil { training = value }
                if value["validation_loss"] != nil { validation = value }
            }
            return training != nil
        }
        return (training, validation)
    }

    /// Damaged lines of both files; all of them are set aside when the run goes on.
    ///
    /// - Parameter bytes: How far to look back from the ends of the files; `nil` looks at all of them.
    /// - Returns: None of a file that cannot be read.
    public func damagedLines(last bytes: Int? = nil) -> [DamagedLine] {
        var rule = MetricsRule()
        let metrics = try? JSONLines(metricsPath, in: files, last: bytes)
        let events = try? JSONLines(eventsPath, in: files, last: bytes)
        return (metrics?.scan(check: { rule.problem($0, line: $1) }) { _, _ in } ?? [])
            + (events?.scan { _, _ in } ?? [])
    }

    /// Reads more and more of a file's end until something is found.
    private func lookBack(
        from path: FilePath, _ isFound: (JSONLines) -> Bool
    ) throws(RunError) {
        var bytes = 1 << 18
        while true {
            let lines = try asRunError { () throws(SystemError) in
                try JSONLines(path, in: files, last: bytes)
            }
            if isFound(lines) || lines.isWhole { return }
            bytes *= 16
        }
    }
}

/// What makes an object a line of `metrics.jsonl`.
struct MetricsRule {
    private var lines: [Int: Int] = [:]
    private var validationLines: [Int: Int] = [:]

    /// Looks at the next object of the file.
    ///
    /// - Parameters:
    ///   - value: The object.
    ///   - line: The number of its line; the first of two lines of one step is the right one.
    /// - Returns: What is wrong with it; `nil` where it is right.
    mutating func problem(_ value: JSONValue, line: Int) -> String? {
        guard let step = value["step"]?.integerValue, step >= 0 else {
            return "it has no step that is a whole number from 0 on"
        }
        let isValidation = value["loss"] == nil
        let name = isValidation ? "validation_loss" : "loss"
        // A loss that was not finite is written as null.
        switch value[name] {
        case .some(.number), .some(.integer), .some(.null): break
        default: return "it has neither loss nor validation_loss that is a number"
        }
        let first = isValidation ? validationLines[step] : lines[step]
        if let first {
            return "step \(step) is there already, \(line - first) lines before"
        }
        if isValidation { validationLines[step] = line } else { lines[step] = line }
        return nil
    }

    /// Looks for lines that seem to be of later steps because their number is damaged.
    ///
    /// Lines are written in the order of their steps. So no line of a later step stands before one that stays; and where
    /// steps are missing before the one that the run goes on from, the lines at their place are theirs, whatever they say.
    ///
    /// - Parameters:
    ///   - lines: All lines that are right, with whether they stay when the run goes on.
    ///   - step: Where it goes on.
    /// - Returns: What is wrong with which of them.
    static func misplaced(
        _ lines: [(value: JSONValue, stays: Bool)], after step: Int
    ) -> [Int: String] {
        var problems: [Int: String] = [:]
        let lastKept = lines.lastIndex { $0.stays && $0.value["loss"] != nil }
        for index in 0..<(lastKept ?? 0) where !lines[index].stays {
            let number = lines[index].value["step"]?.integerValue ?? 0
            problems[index] = "its step \(number) stands before earlier steps"
        }
        let highest =
            lines.filter { $0.stays && $0.value["loss"] != nil }
            .compactMap { $0.value["step"]?.integerValue }.max() ?? 0
        var missing = step - Int(highest)
        for index in ((lastKept ?? -1) + 1)..<lines.count where missing > 0 {
            guard !lines[index].stays, lines[index].value["loss"] != nil,
                let number = lines[index].value["step"]?.integerValue
            else { continue }
            // From here on these are the steps that come again.
            if number == step + 1 { break }
            missing -= 1
            problems[index] = "its step \(number) stands where step \(highest + 1) is missing"
        }
        return problems
    }
}
