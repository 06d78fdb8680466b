import Runs
import Runtime

/// Makes journal and book survive a power cut, again and again while the coordinator works.
///
/// Its work goes through the queue of the slow disk, where one such task at a time waits: behind a checkpoint that takes
/// minutes all others would do what the first has done.
final class DiskSynchronisation: Sendable {
    private struct State {
        var isQueued = false
        /// Whether the last attempt failed and that was said.
        var hasFailed = false
    }

    private let journal: Journal
    private let book: RunBook
    private let warn: @Sendable (String) -> Void
    private let state = Locked(State())

    /// A synchronisation of a run's files that says once when they cannot be made to last.
    init(_ journal: Journal, _ book: RunBook, warn: @escaping @Sendable (String) -> Void) {
        self.journal = journal
        self.book = book
        self.warn = warn
    }

    /// Queues the work, unless it waits there already.
    ///
    /// - Parameter perform: Puts a task into the queue.
    func queue(_ perform: (@escaping @Sendable () -> Void) -> Void) {
        let waits = state.withLock { state in
            defer { state.isQueued = true }
            return state.isQueued
        }
        if !waits { perform { [self] in synchronise() } }
    }

    /// Does the work at once; both files are tried.
    func synchronise() {
        // What is appended from here on is the next one's.
        state.withLock { $0.isQueued = false }
        var errors: [SystemError] = []
        do throws(SystemError) {
            try journal.synchronise()
        } catch {
            errors.append(error)
        }
        do throws(RunError) {
            try book.synchronise()
        } catch {
            if case .system(let error) = error { errors.append(error) }
        }
        // That there is no room is said elsewhere, and what lacks it waits; it must not hide a disk that fails.
        let failure = errors.first { $0.remedyForRoom == nil }
        let isNew = state.withLock { state in
            defer { state.hasFailed = failure != nil }
            return failure != nil && !state.hasFailed
        }
        if isNew, let failure {
            warn(
                "\(failure): what was written since may not survive a power cut; "
                    + "trying again every second")
        }
    }
}
