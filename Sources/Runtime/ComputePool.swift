/// The threads that compute: each takes the next task until none is left.
///
/// Which thread takes which task does not show in any result.
public final class ComputePool: Sendable {
    /// A closure in a box: one that is handed on as it is would be wrapped anew, on the heap, for each task.
    private final class Job: Sendable {
        let run: @Sendable (_ task: Int, _ thread: Int) -> Void

        init(_ run: @escaping @Sendable (_ task: Int, _ thread: Int) -> Void) { self.run = run }
    }

    private struct State {
        var job: Job?
        var next = 0
        var count = 0
        var unfinished = 0
        var stops = false
    }

    /// Number of threads.
    public let threadCount: Int
    private let state: Monitor<State>
    private let threads: [NamedThread]

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - threadCount: How many, at least 1.
    ///   - name: What debuggers call them, with a number behind it.
    /// - Throws: `SystemError` when the system has no thread left.
    public init(threadCount: Int, name: String = "compute") throws(SystemError) {
        self.threadCount = threadCount
        let state = Monitor(State())
        self.state = state
        var threads: [NamedThread] = []
        for thread in 0..<threadCount {
            threads.append(
                try NamedThread("\(name) \(thread)") {
                    NamedThread.setComputeFloatingPointMode()
                    Self.work(state, thread: thread)
                })
        }
        self.threads = threads
    }

    deinit {
        state.update { $0.stops = true }
        for thread in threads { thread.join() }
    }

    /// Runs `count` tasks and waits until all are done.
    ///
    /// - Parameters:
    ///   - count: Tasks, numbered from 0.
    ///   - job: Runs on a thread with the task's and the thread's number.
    public func run(_ count: Int, _ job: @escaping @Sendable (_ task: Int, _ thread: Int) -> Void) {
        guard count > 0 else { return }
        let job = Job(job)
        state.update { state in
            state.job = job
            state.next = 0
            state.count = count
            state.unfinished = count
        }
        _ = state.wait(until: { $0.unfinished == 0 }, then: { $0.job = nil })
    }

    /// Runs `count` tasks and takes what each returns.
    ///
    /// Tasks are begun in order, and none is begun after one has failed; so the first by number of all that fail is
    /// among those that ran, whatever the threads, and that is the one whose error is thrown.
    ///
    /// - Parameters:
    ///   - count: Tasks, numbered from 0.
    ///   - job: Runs on a thread with the task's and the thread's number.
    /// - Returns: What the tasks returned, in their order.
    /// - Throws: The error of the first task that failed, when no thread works on any.
    public func map<Result: Sendable, Failure: Error>(
        _ count: Int,
        _ job: @escaping @Sendable (_ task: Int, _ thread: Int) throws(Failure) -> Result
    ) throws(Failure) -> [Result] {
        let results = Locked([Result?](repeating: nil, count: count))
        let failure = Locked<(task: Int, error: Failure)?>(nil)
        run(count) { task, thread in
            guard failure.withLock({ $0 == nil }) else { return }
            do throws(Failure) {
                let result = try job(task, thread)
                results.withLock { $0[task] = result }
            } catch {
                failure.withLock { if $0.map({ task < $0.task }) ?? true { $0 = (task, error) } }
            }
        }
        if let error = failure.withLock({ $0?.error }) { throw error }
        return results.withLock { $0.compactMap(\.self) }
    }

    private static func work(_ state: Monitor<State>, thread: Int) {
        while true {
            var task =
                state.wait(until: { $0.stops || $0.next < $0.count }) {
                    state -> (job: Job, number: Int)? in
                    guard !state.stops, let job = state.job else { return nil }
                    state.next += 1
                    return (job, state.next - 1)
                } ?? nil
            guard let number = task?.number else { return }
            task?.job.run(number, thread)
            // Let go before the task counts as done: a job may hold the owner of the pool, which then would end
            // on this thread and wait for it.
            task = nil
            // Only the last one has somebody to wake.
            let isLast = state.withLock { state in
                state.unfinished -= 1
                return state.unfinished == 0
            }
            if isLast { state.update { _ in } }
        }
    }
}
