import Foundation

/// Lines on their way to standard error, written by a thread of their own.
///
/// Nobody who works waits for whoever reads the log: a terminal that was stopped, a page that nobody looks at, a full
/// disk or a reader that is gone cost lines, and not time. What waits is bounded; when it is full the newest lines are
/// dropped and counted, and once there is room again a line says at that place how many are missing.
public final class LogQueue: Sendable {
    /// The process's own log.
    public static let standardError = LogQueue(descriptor: STDERR_FILENO)

    private struct Entry {
        let text: String
        /// Lines that would have stood before this one.
        let droppedBefore: Int
    }

    private struct State {
        var waiting: [Entry] = []
        /// Bytes that wait, with those that are being written.
        var bytes = 0
        var isWriting = false
        /// Dropped since the newest entry.
        var dropped = 0
        var droppedInAll = 0
        /// Texts that the thread has done with, written or not.
        var done = 0
        var thread: NamedThread?
        /// The wait at the end of a process was in vain, and nothing has moved since.
        var isStuckAt: Int?
        var isBusy: Bool { !waiting.isEmpty || isWriting }
    }

    private let descriptor: Int32
    private let byteLimit: Int
    private let state = Monitor(State())

    /// A queue whose thread starts with the first text.
    ///
    /// - Parameters:
    ///   - descriptor: Where the text goes; it stays open.
    ///   - byteLimit: How much may wait; a single longer text is taken where nothing waits.
    public init(descriptor: Int32, byteLimit: Int = 256 << 10) {
        self.descriptor = descriptor
        self.byteLimit = byteLimit
    }

    /// Lines that were dropped so far, because too many waited or because they could not be written.
    public var droppedCount: Int { state.withLock { $0.droppedInAll } }

    /// Whether a text waits or is being written.
    public var isBusy: Bool { state.withLock { $0.isBusy } }

    /// Puts a text in line, to be written whole.
    public func append(_ text: String) {
        let hasThread = state.update { state in
            let count = text.utf8.count
            guard state.bytes == 0 || state.bytes + count <= byteLimit else {
                state.dropped += 1
                state.droppedInAll += 1
                return true
            }
            state.waiting.append(Entry(text: text, droppedBefore: state.dropped))
            state.bytes += count
            state.dropped = 0
            if state.thread == nil { state.thread = startThread() }
            return state.thread != nil
        }
        // A system without a thread to spare still lets its errors be read.
        if !hasThread {
            var writer = Writer(descriptor: descriptor)
            while let next = take() { finish(next, isWritten: writer.write(next)) }
        }
    }

    /// Waits until all that was put in line is written.
    ///
    /// - Parameters:
    ///   - patience: How long to wait while nothing moves. Once that was in vain, later calls do not wait again.
    ///   - limit: How long to wait in all.
    /// - Returns: Whether everything is written or dropped.
    @discardableResult
    public func flush(patience: Duration = .seconds(1), limit: Duration = .seconds(10)) -> Bool {
        let deadline = ContinuousClock.now + limit
        while true {
            let done = state.withLock { $0.isStuckAt == $0.done && $0.isBusy ? nil : $0.done }
            guard let done else { return false }
            let left = min(patience, max(ContinuousClock.now.duration(to: deadline), .zero))
            let isEmpty = state.wait(timeout: left, until: { !$0.isBusy }, then: { _ in true })
            if isEmpty == true { return true }
            let hasMoved = state.withLock { state in
                if state.done == done { state.isStuckAt = done }
                return state.done != done
            }
            guard hasMoved, ContinuousClock.now < deadline else { return false }
        }
    }

    // MARK: The thread

    private func startThread() -> NamedThread? {
        // No thread is an answer: the text is then written by whoever brings it.
        try? NamedThread("log", stackBytes: 256 << 10) { [self] in
            var writer = Writer(descriptor: descriptor)
            while true {
                _ = state.wait(
                    until: { !$0.waiting.isEmpty || $0.dropped > 0 && !$0.isWriting },
                    then: { _ in })
                if let next = take() { finish(next, isWritten: writer.write(next)) }
            }
        }
    }

    /// The next text; where only dropped lines are left, an empty one that says so.
    private func take() -> (text: String, droppedBefore: Int)? {
        state.update { state in
            if !state.waiting.isEmpty {
                let next = state.waiting.removeFirst()
                state.isWriting = true
                return (next.text, next.droppedBefore)
            }
            guard state.dropped > 0 else { return nil }
            defer { state.dropped = 0 }
            state.isWriting = true
            return ("", state.dropped)
        }
    }

    private func finish(_ entry: (text: String, droppedBefore: Int), isWritten: Bool) {
        state.update { state in
            state.isWriting = false
            state.bytes -= entry.text.utf8.count
            state.done += 1
            if !isWritten, !entry.text.isEmpty { state.droppedInAll += 1 }
        }
    }

    /// Writes texts one by one, and remembers what it owes to the reader.
    private struct Writer {
        let descriptor: Int32
        private var missing = 0
        private var isTorn = false

        init(descriptor: Int32) { self.descriptor = descriptor }

        mutating func write(_ entry: (text: String, droppedBefore: Int)) -> Bool {
            missing += entry.droppedBefore
            var text = isTorn ? "\n" : ""
            if missing > 0 {
                text +=
                    "warning: \(missing == 1 ? "1 line is" : "\(missing) lines are") missing here: "
                    + "the log was not read, or could not be written\n"
            }
            text += entry.text
            let (count, code) = text.withUTF8 {
                writeWhole(UnsafeRawBufferPointer($0), to: descriptor)
            }
            if count > 0 { isTorn = code != 0 }
            guard code == 0 else {
                if !entry.text.isEmpty { missing += 1 }
                return false
            }
            missing = 0
            return true
        }
    }
}
