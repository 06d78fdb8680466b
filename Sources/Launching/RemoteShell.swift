import Foundation
import Runtime

/// Runs programs on other machines by ssh, or by another command that takes its arguments.
public struct RemoteShell: Sendable {
    /// The command and its first arguments, such as `ssh -p 2222`.
    public let command: [String]

    /// A shell that never asks for a password: nobody is there to type it.
    ///
    /// - Parameter command: What to run in place of `ssh`, split at spaces.
    public init(command: String = "ssh") {
        let words = command.split(separator: " ").map(String.init)
        let isPlain = words == ["ssh"]
        self.command =
            words + (isPlain ? ["-o", "BatchMode=yes", "-o", "ServerAliveInterval=5"] : [])
    }

    /// The process that runs a worker over there.
    ///
    /// The worker ends when its launch does: its standard input is a pipe from here, and at the pipe's end it gets
    /// SIGTERM, upon which it leaves the run in good order; one that is frozen is killed ten minutes later.
    ///
    /// - Parameters:
    ///   - number: The worker's number.
    ///   - host: Where.
    ///   - program: The worker's path there.
    ///   - arguments: What it gets behind its name.
    /// - Returns: How to start it.
    public func worker(
        _ number: Int, on host: RemoteHost, program: FilePath, arguments: [String]
    ) -> Launch.Program {
        let line = ([program.text] + arguments).map(shellQuoted).joined(separator: " ")
        let script = """
            exec 3<&0
            \(line) &
            worker=$!
            { cat <&3; kill -TERM $worker; sleep 600; kill -KILL $worker; } >/dev/null 2>&1 &
            watch=$!
            wait $worker
            code=$?
            kill $watch 2>/dev/null
            exit $code
            """
        return Launch.Program(
            .worker(number), executable: FilePath(command[0]),
            arguments: command.dropFirst() + [host.destination, remoteCommand(script)],
            followsInput: true)
    }

    /// Runs a script over there and waits for its end.
    ///
    /// - Parameters:
    ///   - script: For the Bourne shell.
    ///   - host: Where.
    ///   - timeout: After which it is given up.
    /// - Returns: How it ended, `nil` if it did not in time, and what it wrote.
    /// - Throws: `SystemError` when the command cannot be started.
    public func run(
        _ script: String, on host: RemoteHost, timeout: Duration
    ) throws(SystemError) -> (termination: Termination?, lines: [String]) {
        let lines = Locked<[String]>([])
        let process = try ChildProcess(
            executable: FilePath(command[0]),
            arguments: command.dropFirst() + [host.destination, remoteCommand(script)],
            name: "ssh", receive: { line in lines.withLock { $0.append(line) } })
        let termination = process.wait(timeout: timeout)
        if termination == nil { process.send(signal: SIGKILL) }
        return (termination, lines.withLock { $0 })
    }

    /// One word for the login shell, whichever that is.
    private func remoteCommand(_ script: String) -> String { "exec sh -c \(shellQuoted(script))" }
}

/// A text that a shell reads as one word.
public func shellQuoted(_ text: String) -> String {
    "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
}
