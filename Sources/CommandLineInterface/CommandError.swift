import Runtime

/// Why a command gives up, with the code that it ends with.
public struct CommandError: Error, Equatable, CustomStringConvertible {
    /// What the program exits with.
    public let exitCode: ExitCode
    /// What happened, where, with which value, and what the user can do.
    public let message: String

    /// An error for the user to read.
    public init(_ exitCode: ExitCode, _ message: String) {
        self.exitCode = exitCode
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
