import Foundation
import Runtime

/// One line on standard error that says how far the work is.
///
/// On a terminal it is a live line, rewritten in place at most ten times a second; in a pipe or a log it is a plain
/// line every so often. Other lines go through `log`, so that they do not run into the live one. All methods
/// may be called from any thread.
public final class ProgressLine: Sendable {
    private struct State {
        var shown = ""
        var pending = ""
        var lastShown: ContinuousClock.Instant?
    }

    private let isLive: Bool
    private let interval: Duration
    private let isBehind: @Sendable () -> Bool
    private let write: @Sendable (String) -> Void
    private let state = Locked(State())

    /// A line on standard error.
    ///
    /// - Parameter interval: Time between plain lines where there is no terminal.
    public convenience init(plainInterval interval: Duration = .seconds(10)) {
        let queue = LogQueue.standardError
        self.init(
            isLive: isatty(STDERR_FILENO) == 1, plainInterval: interval,
            isBehind: { queue.isBusy }, write: { queue.append($0) })
    }

    /// A line on anything, for tests.
    init(
        isLive: Bool, plainInterval: Duration, isBehind: @escaping @Sendable () -> Bool = { false },
        write: @escaping @Sendable (String) -> Void
    ) {
        self.isLive = isLive
        self.isBehind = isBehind
        self.write = write
        interval = isLive ? .milliseconds(100) : plainInterval
    }

    /// Says how far the work is; shown when the last one is old enough.
    ///
    /// - Parameters:
    ///   - text: The whole line.
    ///   - now: The time, given by tests.
    public func update(_ text: String, now: ContinuousClock.Instant = .now) {
        state.withLock { state in
            state.pending = text.controlsEscaped()
            if let last = state.lastShown, now - last < interval { return }
            // A terminal that stands still keeps its room for lines that are not outdated a moment later.
            if isLive, isBehind() { return }
            show(&state, now: now)
        }
    }

    /// Writes a line of its own above the live one.
    public func log(_ text: String) {
        state.withLock { state in
            let text = text.controlsEscaped()
            guard isLive else { return write(text + "\n") }
            write("\r\u{1B}[K\(text)\n\(clipped(state.shown))")
        }
    }

    /// Shows the last update that was held back, and ends the line.
    ///
    /// Further updates begin a new one.
    public func finish() {
        state.withLock { state in
            if state.pending != state.shown { show(&state, now: .now) }
            if isLive && !state.shown.isEmpty { write("\n") }
            state = State()
        }
    }

    private func show(_ state: inout State, now: ContinuousClock.Instant) {
        state.lastShown = now
        state.shown = state.pending
        write(isLive ? "\r\u{1B}[K\(clipped(state.shown))" : state.shown + "\n")
    }

    /// A line longer than the terminal would wrap, and could not be rewritten.
    private func clipped(_ text: String) -> String {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 1 else {
            return text
        }
        return String(text.prefix(Int(size.ws_col) - 1))
    }
}

/// How far a training run is, as one line.
public struct TrainingProgress: Sendable, Equatable {
    /// Finished steps.
    public var step: Int
    /// The step at which the run stops.
    public var finalStep: Int
    /// The loss of the last step.
    public var loss: Double?
    /// Records a second.
    public var samplesPerSecond: Double?
    /// Arithmetic of the matrix products a second, in 1e9.
    public var gflopsPerSecond: Double?
    /// Workers in the run; `nil` for one process without network.
    public var workers: Int?
    /// Records in one step.
    public var batchSize: Int

    /// How far a run is.
    public init(
        step: Int, finalStep: Int, batchSize: Int, loss: Double? = nil,
        samplesPerSecond: Double? = nil, gflopsPerSecond: Double? = nil, workers: Int? = nil
    ) {
        self.step = step
        self.finalStep = finalStep
        self.batchSize = batchSize
        self.loss = loss
        self.samplesPerSecond = samplesPerSecond
        self.gflopsPerSecond = gflopsPerSecond
        self.workers = workers
    }

    /// The line: step, loss, samples/s, GFLOP/s, workers, time left.
    public var text: String {
        var parts = ["step \(step)/\(finalStep)"]
        if let loss { parts.append("loss \(decimals(loss, 4))") }
        if let rate = samplesPerSecond { parts.append("\(decimals(rate, 1)) samples/s") }
        if let gflops = gflopsPerSecond { parts.append("\(decimals(gflops, 0)) GFLOP/s") }
        if let workers { parts.append(workers == 1 ? "1 worker" : "\(workers) workers") }
        if let rate = samplesPerSecond, rate > 0, step < finalStep {
            let seconds = Double((finalStep - step) * batchSize) / rate
            parts.append("\(roughTime(seconds)) left")
        }
        return parts.joined(separator: "  ")
    }
}

/// A time as people say it: `45 s`, `12 min`, `3 h 05 min`.
public func roughTime(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "unknown time" }
    let whole = Int(seconds.rounded())
    if whole < 90 { return "\(whole) s" }
    if whole < 5400 { return "\((whole + 30) / 60) min" }
    let minutes = whole % 3600 / 60
    return "\(whole / 3600) h \(minutes < 10 ? "0" : "")\(minutes) min"
}
