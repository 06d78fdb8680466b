import Foundation
import Runtime

/// What happened to a run, for people and for `status`: `events.jsonl`, one object a line.
public final class EventLog: Sendable {
    /// The kinds of things that happen.
    public enum Kind: String, Sendable, CaseIterable {
        /// A run, a coordinator or a process begins to work.
        case start
        /// A run goes on from a checkpoint.
        case resume
        /// A worker came.
        case join
        /// A worker went as it should.
        case leave
        /// Something broke, or was found broken.
        case fault
        /// The members changed, and go on.
        case recovery
        /// A checkpoint was begun, is whole, failed or was removed.
        case checkpoint
        /// A step was computed again with the true exponents.
        case recomputed
        /// The run ended, as it should or not.
        case end
    }

    private let file: AppendedFile

    /// Opens or creates the log of a run.
    public init(_ directory: RunDirectory) throws(RunError) {
        file = try asRunError { () throws(SystemError) in
            try JSONLines.cut(directory.eventsPath) { _ in true }
            return try AppendedFile(path: directory.eventsPath)
        }
    }

    /// Adds an event.
    ///
    /// - Parameters:
    ///   - kind: What sort of thing.
    ///   - message: One sentence for people.
    ///   - details: Further keys, such as `step` or `worker`.
    ///   - time: When.
    /// - Throws: `RunError.system`; the log is then as it was.
    public func append(
        _ kind: Kind, _ message: String, _ details: [String: JSONValue] = [:], time: Date = Date()
    ) throws(RunError) {
        var members = details
        members["time"] = .string(
            time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
        members["event"] = .string(kind.rawValue)
        members["message"] = .string(message)
        let line = Array((JSONValue.object(members).text() + "\n").utf8)
        try asRunError { () throws(SystemError) in try file.append(line) }
    }
}

extension RunDirectory {
    /// The last events, oldest first.
    public func lastEvents(_ count: Int) -> [JSONValue] {
        Array(JSONLines.tail(of: eventsPath).suffix(count))
    }

    /// The newest line of the training loss and the newest of the validation loss; `nil` where
    /// there is none yet.
    public func lastMetrics() -> (training: JSONValue?, validation: JSONValue?) {
        let lines = JSONLines.tail(of: metricsPath)
        return (
            lines.last { $0["loss"] != nil }, lines.last { $0["validation_loss"] != nil }
        )
    }
}
