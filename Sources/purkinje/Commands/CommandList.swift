import CommandLineInterface

/// All commands, in the order of `purkinje help`.
let commands: [Command] = []

/// The exit code of an error that a room threw.
@Sendable
func exitCode(for error: any Error) -> ExitCode {
    switch error {
    default: .failure
    }
}
