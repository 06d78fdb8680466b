import CommandLineInterface
import Configurations
import Runs

/// All commands, in the order of `purkinje help`.
let commands: [Command] = [
    launchCommand,
    statusCommand,
    doctorCommand,
]

/// The exit code of an error that a room threw.
@Sendable
func exitCode(for error: any Error) -> ExitCode {
    switch error {
    case is ConfigurationError: .usage
    case RunError.configuration, RunError.occupied: .usage
    default: .failure
    }
}
