import CSystem
import Foundation
import Runtime

/// The wish of a user or a scheduler that the work ends: SIGINT, SIGTERM, or SIGHUP when a terminal closes.
///
/// The first signal sets a flag and wakes those who wait; the work then ends cleanly. The second ends
/// the process at once with code 130. A signal writes one byte to a pipe, and a thread of its own does the rest. (Blocking
/// signals and waiting for them does not do: libraries start threads before `main`, which block nothing.)
public final class StopRequest: Sendable {
    private struct State {
        var signal: Int32?
        var handlers: [@Sendable () -> Void] = []
    }

    private let state = Monitor(State())

    /// A request that nobody has made; `install` makes one that signals reach.
    public init() {}

    /// Directs the process's signals to a request.
    ///
    /// Where a process calls it again, the newest request is the one that they reach.
    ///
    /// - Parameters:
    ///   - onFirst: Told of the first signal, to print that the step is being finished.
    ///   - beforeExit: Called at the second signal, to end what must not outlive the process.
    /// - Returns: The request that the signals make.
    /// - Throws: `SystemError` when no thread can be started.
    public static func install(
        onFirst: @escaping @Sendable (_ signalName: String) -> Void = { name in
            Log().info("\(name): finishing the step; a second signal ends at once")
        },
        beforeExit: @escaping @Sendable () -> Void = {}
    ) throws(SystemError) -> StopRequest {
        let request = StopRequest()
        var ends: [Int32] = [0, 0]
        guard pipe2(&ends, O_CLOEXEC | O_NONBLOCK) == 0 else {
            throw SystemError(call: "pipe2", subject: "signals")
        }
        let (input, output) = (ends[0], ends[1])
        guard fcntl(input, F_SETFL, 0) == 0 else {
            throw SystemError(call: "fcntl", subject: "signals")
        }
        // Under nohup the hang-up is ignored, and stays so.
        let hangUp = purkinje_ignores_signal(SIGHUP) != 0 ? [] : [SIGHUP]
        for number in [SIGINT, SIGTERM] + hangUp {
            guard purkinje_forward_signal(number, output) == 0 else {
                throw SystemError(call: "sigaction", subject: signalName(number))
            }
        }
        _ = try NamedThread("signals", stackBytes: 256 << 10) {
            while true {
                var number: UInt8 = 0
                guard retryingInterrupts({ read(input, &number, 1) }) == 1 else { return }
                guard request.make(signal: Int32(number)) else {
                    beforeExit()
                    _exit(ExitCode.interrupted.rawValue)
                }
                onFirst(signalName(Int32(number)))
            }
        }
        return request
    }

    /// Whether somebody asked to stop.
    public var isMade: Bool { state.withLock { $0.signal != nil } }

    /// Makes the request, as the first signal does.
    ///
    /// - Returns: Whether it was the first.
    @discardableResult
    public func make(signal: Int32 = SIGTERM) -> Bool {
        let handlers: [@Sendable () -> Void]? = state.update { state in
            guard state.signal == nil else { return nil }
            state.signal = signal
            defer { state.handlers = [] }
            return state.handlers
        }
        handlers?.forEach { $0() }
        return handlers != nil
    }

    /// Calls a closure when the request is made: from the signal thread, or at once if it was made already.
    public func onRequest(_ handler: @escaping @Sendable () -> Void) {
        let isMade = state.withLock { state in
            if state.signal == nil { state.handlers.append(handler) }
            return state.signal != nil
        }
        if isMade { handler() }
    }

    /// Waits for the request.
    ///
    /// - Returns: Whether it was made before the time was up.
    public func wait(timeout: Duration) -> Bool {
        state.wait(timeout: timeout, until: { $0.signal != nil }, then: { _ in true }) ?? false
    }
}

private func signalName(_ number: Int32) -> String {
    switch number {
    case SIGINT: "SIGINT"
    case SIGTERM: "SIGTERM"
    case SIGHUP: "SIGHUP"
    default: "signal \(number)"
    }
}
