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

    /// What was done about lines of `events.jsonl` that were damaged, a sentence each.
    public let mendings: [String]
    private let file: AppendedFile

    /// Opens or creates the log of a run; damaged lines are set aside.
    ///
    /// - Throws: `RunError.system`.
    public init(_ directory: RunDirectory) throws(RunError) {
        (mendings, file) = try asRunError { () throws(SystemError) in
            (
                try JSONLines.mend(directory.eventsPath, in: directory.files),
                try AppendedFile(path: directory.eventsPath, in: directory.files)
            )
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

    /// Writes what waits for room, and makes all that was added survive a power cut.
    public func synchronise() throws(RunError) {
        try asRunError { () throws(SystemError) in try file.synchronise() }
    }
}
