/// Lines on standard error, their control characters escaped, each written whole by the thread of `LogQueue`.
public struct Log: Sendable {
    /// What every line begins with, such as `worker 3`; empty for none.
    public let prefix: String

    /// A log whose lines begin with a prefix.
    public init(prefix: String = "") { self.prefix = prefix }

    /// Something that a user wants to read while all goes well.
    public func info(_ message: @autoclosure () -> String) { write(message()) }

    /// Something that a user should look at although the work goes on.
    public func warning(_ message: @autoclosure () -> String) { write("warning: " + message()) }

    /// Why the work stops.
    public func error(_ message: @autoclosure () -> String) { write("error: " + message()) }

    private func write(_ text: String) {
        let line = prefix.isEmpty ? text : "\(prefix): \(text)"
        LogQueue.standardError.append(line.controlsEscaped() + "\n")
    }
}
