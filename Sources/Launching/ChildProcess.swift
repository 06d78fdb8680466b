import CSystem
import Foundation
import Runtime

/// How a process ended.
public enum Termination: Sendable, Equatable, CustomStringConvertible {
    case exited(Int32)
    case killed(signal: Int32)

    /// Whether all went well.
    public var isSuccess: Bool { self == .exited(ExitCode.success.rawValue) }

    /// The end in words.
    public var description: String {
        switch self {
        case .exited(let code): "exited with code \(code)"
        case .killed(let signal): "was killed by signal \(signal)"
        }
    }
}

/// A program that this process started, in a process group of its own.
///
/// Its own group, so that Ctrl-C reaches the parent alone, which then decides what its children do. Standard output and
/// standard error come back line by line (or standard error alone, where standard output is for signs of life); standard
/// input is a pipe that stays open for as long as the parent lives or until `closeInput`.
public final class ChildProcess: Sendable {
    /// The process's number.
    public let identifier: pid_t
    private let end = Monitor<Termination?>(nil)
    private let input: Locked<Int32?>

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - executable: Its path; without a slash it is looked for in `PATH`.
    ///   - arguments: What it gets behind its name, each as `FilePath.text` has it, so that a word may be any bytes.
    ///   - environment: Variables that differ from this process's own.
    ///   - name: Names the threads that watch it.
    ///   - receive: Takes every line that it writes, from one thread, in order.
    ///   - lives: Called whenever it writes to standard output, which is then no part of its lines.
    ///   - ended: Called once when the process has ended and its last line is received.
    /// - Throws: `SystemError` that names the executable.
    public init(
        executable: FilePath, arguments: [String], environment: [String: String] = [:],
        name: String, receive: @escaping @Sendable (String) -> Void,
        lives: (@Sendable () -> Void)? = nil,
        ended: @escaping @Sendable (Termination) -> Void = { _ in }
    ) throws(SystemError) {
        let output = try Self.makePipe()
        let input = try Self.makePipe()
        let life = try lives.map { _ throws(SystemError) in try Self.makePipe() }
        let result = Self.spawn(
            executable, [executable.text] + arguments, environment: environment,
            input: input.read, output: life?.write ?? output.write, error: output.write)
        for end in [output.write, input.read, life?.write].compactMap({ $0 }) { close(end) }
        guard case .success(let identifier) = result else {
            for end in [output.read, input.write, life?.read].compactMap({ $0 }) { close(end) }
            if case .failure(let error) = result { throw error }
            preconditionFailure("a result is a success or a failure")
        }
        self.identifier = identifier
        self.input = Locked(input.write)
        let lines = try NamedThread("\(name)-log", stackBytes: 512 << 10) {
            readLines(from: output.read, receive: receive)
            close(output.read)
        }
        var signs: NamedThread?
        if let life, let lives {
            signs = try NamedThread("\(name)-life", stackBytes: 256 << 10) {
                followLife(life.read, lives)
            }
        }
        let end = self.end
        let readers = [lines, signs].compactMap { $0 }
        _ = try NamedThread("\(name)-end", stackBytes: 256 << 10) {
            // It stays a zombie, whose number nobody else gets, until all know that it has ended.
            var information = siginfo_t()
            _ = retryingInterrupts {
                Int(waitid(P_PID, id_t(identifier), &information, WEXITED | WNOWAIT))
            }
            for reader in readers { reader.join() }
            let termination = end.update { end in
                let termination = Self.reap(identifier)
                end = termination
                return termination
            }
            ended(termination)
        }
    }

    /// Takes note of how a process has ended; from then on its number may be another's.
    private static func reap(_ identifier: pid_t) -> Termination {
        var status: Int32 = 0
        _ = retryingInterrupts { Int(waitpid(identifier, &status, 0)) }
        let signal = status & 0x7F
        return signal == 0 ? .exited((status >> 8) & 0xFF) : .killed(signal: signal)
    }

    deinit { closeInput() }

    /// How it ended; `nil` while it runs.
    public var termination: Termination? { end.withLock { $0 } }

    /// Sends a signal, unless the process has ended.
    public func send(signal: Int32) {
        end.withLock { termination in
            if termination == nil { _ = kill(identifier, signal) }
        }
    }

    /// Ends its standard input.
    ///
    /// - Parameter reason: What it finds there before the end; at most as much as a pipe takes at once.
    /// - Returns: Whether it was open until now.
    @discardableResult
    public func closeInput(because reason: String = "") -> Bool {
        input.withLock { descriptor in
            guard let open = descriptor else { return false }
            // A process that reads no more learns nothing; it is ending.
            if !reason.isEmpty { _ = write(open, reason, min(reason.utf8.count, Int(PIPE_BUF))) }
            close(open)
            descriptor = nil
            return true
        }
    }

    /// Waits until it has ended and its last line was received.
    ///
    /// - Returns: How it ended, or `nil` when the time was up first.
    public func wait(timeout: Duration? = nil) -> Termination? {
        end.wait(timeout: timeout, until: { $0 != nil }, then: { $0 }) ?? nil
    }

    private static func makePipe() throws(SystemError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard pipe2(&ends, O_CLOEXEC) == 0 else {
            throw SystemError(call: "pipe2", subject: "pipe")
        }
        return (ends[0], ends[1])
    }

    private static func spawn(
        _ executable: FilePath, _ arguments: [String], environment: [String: String],
        input: Int32, output: Int32, error: Int32
    ) -> Result<pid_t, SystemError> {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, error, STDERR_FILENO)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A group of its own, no signal blocked, and every signal's default: nothing of ours is inherited.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var defaults = sigset_t()
        sigemptyset(&defaults)
        for signal in ProcessStart.endingSignals + [SIGQUIT, SIGPIPE, SIGXFSZ] {
            sigaddset(&defaults, signal)
        }
        // What nohup has asked for holds for the children, too.
        if purkinje_ignores_signal(SIGHUP) != 0 { sigdelset(&defaults, SIGHUP) }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let texts = variables.map { "\($0.key)=\($0.value)" }.sorted()
        return withCStrings(arguments) { arguments in
            withCStrings(texts) { texts in
                var identifier: pid_t = 0
                let code = executable.withSystemPath { executable in
                    posix_spawnp(&identifier, executable, &actions, &attributes, arguments, texts)
                }
                return code == 0
                    ? .success(identifier)
                    : .failure(SystemError(call: "posix_spawn", subject: executable, code: code))
            }
        }
    }
}

private func withCStrings<Result>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let copies = texts.map { text in
        (FilePath(text).bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer {
            $0.baseAddress.flatMap { strdup($0) }
        }
    }
    defer { copies.forEach { free($0) } }
    return body(copies + [nil])
}

/// Tells of every sign of life until the last writer has closed the pipe.
private func followLife(_ descriptor: Int32, _ lives: () -> Void) {
    var bytes = [UInt8](repeating: 0, count: 4096)
    while retryingInterrupts({ read(descriptor, &bytes, bytes.count) }) > 0 { lives() }
    close(descriptor)
}

/// Hands over every line until the last writer has closed the pipe; an unfinished last line counts.
private func readLines(from descriptor: Int32, receive: (String) -> Void) {
    var pending: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = buffer.withUnsafeMutableBytes { buffer in
            retryingInterrupts { read(descriptor, buffer.baseAddress, buffer.count) }
        }
        guard count > 0 else { break }
        pending += buffer[..<count]
        var rest = pending[...]
        while let end = rest.firstIndex(where: { $0 == 10 || $0 == 13 }) {
            if end > rest.startIndex { receive(String(decoding: rest[..<end], as: UTF8.self)) }
            rest = rest[(end + 1)...]
        }
        pending = Array(rest)
    }
    if !pending.isEmpty { receive(String(decoding: pending, as: UTF8.self)) }
}
