import CSystem
import Foundation
import Runtime

/// The wish of a user or a scheduler that the work ends: a signal, or the death of whoever started this process.
///
/// The first signal sets a flag and wakes those who wait; the work then ends cleanly. SIGINT, SIGTERM, SIGUSR1, SIGUSR2
/// and SIGXCPU count, and SIGHUP where it is not ignored. `SignalRule` says which later one ends the process at once.
/// A signal writes its number and time to a pipe, and a thread of its own does the rest. (Blocking signals and waiting
/// for them does not do: libraries start threads before `main`, which block nothing.)
public final class StopRequest: Sendable {
    private struct State {
        var isMade = false
        var handlers: [@Sendable () -> Void] = []
        var lastActs: [@Sendable () -> Void] = []
        var announce: @Sendable (String) -> Void = { _ in }
        var reason: String?
        var settled: ExitCode?
    }

    private let state = Monitor(State())
    /// The one request that the process's signals make, from the first `install` on.
    private static let installed = Locked<StopRequest?>(nil)

    /// A request that nobody has made; `install` makes one that signals reach.
    public init() {}

    /// Directs the process's signals to its one request.
    ///
    /// A command that trains several times gets the same request each time: what was asked for stays asked for.
    ///
    /// - Parameters:
    ///   - onFirst: Told of the first signal, to print that the step is being finished.
    ///   - beforeExit: Called before the process is ended at once, to end what must not outlive it.
    /// - Returns: The request that the signals make.
    /// - Throws: `SystemError` when no thread can be started.
    public static func install(
        onFirst: @escaping @Sendable (_ cause: String) -> Void = { cause in
            Log().info("\(cause): finishing the step; \(SignalRule.hint)")
        },
        beforeExit: (@Sendable () -> Void)? = nil
    ) throws(SystemError) -> StopRequest {
        let request = try installed.withLock { installed throws(SystemError) in
            if let installed { return installed }
            let request = StopRequest()
            try request.listen()
            installed = request
            return request
        }
        request.state.withLock { state in
            state.announce = onFirst
            if let beforeExit { state.lastActs.append(beforeExit) }
        }
        return request
    }

    private func listen() throws(SystemError) {
        var ends: [Int32] = [0, 0]
        guard pipe2(&ends, O_CLOEXEC | O_NONBLOCK) == 0 else {
            throw SystemError(call: "pipe2", subject: "signals")
        }
        let (input, output) = (ends[0], ends[1])
        guard fcntl(input, F_SETFL, 0) == 0 else {
            throw SystemError(call: "fcntl", subject: "signals")
        }
        // Under nohup the hang-up is ignored, and stays so.
        let ignoresHangUp = purkinje_ignores_signal(SIGHUP) != 0
        for number in ProcessStart.endingSignals where number != SIGHUP || !ignoresHangUp {
            guard purkinje_forward_signal(number, output) == 0 else {
                throw SystemError(call: "sigaction", subject: signalName(number))
            }
        }
        _ = try NamedThread("signals", stackBytes: 256 << 10) { [self] in
            var rule = SignalRule()
            var signal = purkinje_signal()
            let size = MemoryLayout<purkinje_signal>.size
            while retryingInterrupts({ read(input, &signal, size) }) == size {
                let time = Duration.nanoseconds(signal.nanoseconds)
                guard !rule.endsAtOnce(signal.number, at: time) else {
                    endAtOnce(signalName(signal.number))
                }
                let name = signalName(signal.number)
                // Elsewhere, so that a handler that takes long keeps no second signal waiting.
                let made = try? NamedThread("stop", stackBytes: 256 << 10) { self.make(name) }
                if made == nil { make(name) }
            }
        }
    }

    /// The process's work is done or has failed for good: a signal that ends it at once does not change its exit code.
    ///
    /// `nil` takes that back, for a command that goes on with something else.
    public func settle(_ code: ExitCode?) { state.withLock { $0.settled = code } }

    /// What a signal that ends the process at once makes it exit with: what cannot be saved any more is not called saved.
    var codeAtOnce: ExitCode { state.withLock { $0.settled } ?? .failure }

    private func endAtOnce(_ cause: String) -> Never {
        state.withLock { $0.lastActs }.forEach { $0() }
        let code = codeAtOnce
        if code == .success || code == .interrupted {
            Log().info("\(cause) again: ended at once; what was trained had been saved before")
        } else {
            Log().error(
                "\(cause) again: ended at once; what was not saved is lost, and the same command does it again"
            )
        }
        LogQueue.standardError.flush(patience: .milliseconds(200), limit: .milliseconds(500))
        _exit(code.rawValue)
    }

    /// Makes the request when standard input ends, too.
    ///
    /// `launch` holds the other end of that pipe for as long as it lives and wants the run to go on: so its children
    /// save and leave when it is killed, and end on its word however often a signal reaches them as well. What it writes there
    /// before is its reason.
    ///
    /// - Throws: `SystemError` when no thread can be started.
    public func followStandardInput() throws(SystemError) {
        _ = try NamedThread("input", stackBytes: 256 << 10) { [self] in
            var byte: UInt8 = 0
            var text: [UInt8] = []
            while true {
                let count = retryingInterrupts { read(STDIN_FILENO, &byte, 1) }
                if count == 1, text.count < Int(PIPE_BUF) { text.append(byte) }
                if count < 0, errno == EAGAIN {
                    var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
                    retryingInterrupts { Int(poll(&entry, 1, -1)) }
                } else if count <= 0 {
                    break
                }
            }
            let reason = String(decoding: text, as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            guard !reason.isEmpty else {
                make("launch wants the end, or is gone")
                return
            }
            state.withLock { $0.reason = reason }
            make("launch ends the run")
        }
    }

    /// Why `launch` ends the run, where that is neither a signal nor its own end; known from the request on.
    public var reason: String? { state.withLock { $0.reason } }

    /// Whether somebody asked to stop.
    public var isMade: Bool { state.withLock { $0.isMade } }

    /// Makes the request, as the first signal does.
    ///
    /// - Parameter cause: What made it, to be announced.
    /// - Returns: Whether it was the first.
    @discardableResult
    public func make(_ cause: String = "SIGTERM") -> Bool {
        let first: State? = state.update { state in
            guard !state.isMade else { return nil }
            state.isMade = true
            defer { state.handlers = [] }
            return state
        }
        guard let first else { return false }
        first.announce(cause)
        first.handlers.forEach { $0() }
        return true
    }

    /// Calls a closure when the request is made: from a thread of its own, or at once if it was made already.
    public func onRequest(_ handler: @escaping @Sendable () -> Void) {
        let isMade = state.withLock { state in
            if !state.isMade { state.handlers.append(handler) }
            return state.isMade
        }
        if isMade { handler() }
    }

    /// Waits for the request.
    ///
    /// - Returns: Whether it was made before the time was up.
    public func wait(timeout: Duration) -> Bool {
        state.wait(timeout: timeout, until: { $0.isMade }, then: { _ in true }) ?? false
    }
}

/// Which signal is the second one, that ends the process at once.
///
/// Schedulers and shells send one wish several times within moments (to the process, to its group, by a trap), so
/// a signal that follows another within a second is the same wish. And only SIGINT and SIGTERM are ever the second:
/// the others come by themselves, as SIGHUP does when somebody closes the terminal after Ctrl-C.
public struct SignalRule: Sendable {
    /// Signals that come closer to each other than this are one.
    static let quietTime = Duration.seconds(1)
    /// For the line that announces the first signal.
    public static let hint = "another one, a second or more after this, ends at once"

    private var last: Duration?

    /// Takes a signal.
    ///
    /// - Parameters:
    ///   - number: Which one.
    ///   - time: When it arrived, on any clock that only grows.
    /// - Returns: Whether it ends the process at once.
    mutating func endsAtOnce(_ number: Int32, at time: Duration) -> Bool {
        defer { last = time }
        guard let last, number == SIGINT || number == SIGTERM else { return false }
        return time - last >= Self.quietTime
    }
}

private func signalName(_ number: Int32) -> String {
    switch number {
    case SIGINT: "SIGINT"
    case SIGTERM: "SIGTERM"
    case SIGHUP: "SIGHUP"
    case SIGUSR1: "SIGUSR1"
    case SIGUSR2: "SIGUSR2"
    case SIGXCPU: "SIGXCPU"
    default: "signal \(number)"
    }
}
