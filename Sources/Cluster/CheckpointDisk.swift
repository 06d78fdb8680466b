import Checkpoints
import Runtime
import Transport

/// The coordinator's slow file work, one thing after the other on a thread of its own: heartbeats never wait for it.
final class CheckpointDisk: Sendable {
    private struct Queue {
        var work: [@Sendable () -> Void] = []
        var isClosed = false
    }

    private struct Removal {
        /// Checkpoints whose folders are to go.
        var due: Set<CheckpointName> = []
        /// The one that goes now.
        var current: CheckpointName?
    }

    private let store: CheckpointStore
    private let keep: Int
    private let log: Log
    private let queue: Monitor<Queue>
    private let removal = Monitor(Removal())
    private let thread: NamedThread

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - store: The run's checkpoints.
    ///   - keep: How many whole ones stay.
    ///   - log: Where it says what it could not remove.
    /// - Throws: `SystemError` when the system has no thread left.
    init(store: CheckpointStore, keep: Int, log: Log) throws(SystemError) {
        self.store = store
        self.keep = keep
        self.log = log
        let queue = Monitor(Queue())
        self.queue = queue
        thread = try NamedThread("disk") {
            while true {
                let next = queue.wait(until: { !$0.work.isEmpty || $0.isClosed }) { queue in
                    queue.work.isEmpty ? nil : queue.work.removeFirst()
                }
                guard case .some(.some(let work)) = next else { return }
                work()
            }
        }
    }

    /// Finishes what is queued and ends the thread.
    func close() {
        queue.update { $0.isClosed = true }
        thread.join()
    }

    func perform(_ work: @escaping @Sendable () -> Void) {
        queue.update { $0.work.append(work) }
    }

    /// Makes the folder for the members' shards, at once: they are told of it next.
    ///
    /// - Throws: `CheckpointError`, also where the folder of a first try is still being removed after
    ///   `Limits.folderRemoval`.
    func open(_ name: CheckpointName) throws(CheckpointError) {
        // A second try has the name of the first, whose folder is emptied here and must not be removed later.
        let isFree =
            removal.wait(
                timeout: Limits.folderRemoval, until: { $0.current != name },
                then: { removal in
                    removal.due.remove(name)
                    return true
                }) ?? false
        guard isFree else { throw .busy(path: store.partial(name).path) }
        _ = try store.begin(name)
    }

    /// Writes the manifest, puts the checkpoint in place and removes old ones, among which those that were passed over
    /// do not count.
    func seal(
        _ name: CheckpointName, receipts: [JSONValue], passedOver: Set<CheckpointName>,
        context: CheckpointContext?,
        completion: @escaping @Sendable (CheckpointFailure?) -> Void
    ) {
        let store = store
        let (keep, log) = (keep, log)
        perform {
            guard let context else {
                completion(CheckpointFailure("no worker has said which data set it has"))
                return
            }
            do throws(CheckpointError) {
                var shards: [CheckpointShardReceipt] = []
                for (index, receipt) in receipts.enumerated() {
                    shards.append(try CheckpointShardReceipt(receipt, from: "writer \(index + 1)"))
                }
                let manifest = try Manifest(context: context, name: name, receipts: shards)
                try store.commit(store.partial(name), manifest)
            } catch {
                completion(CheckpointFailure(error.description))
                return
            }
            do throws(CheckpointError) {
                try store.prune(keep: keep, sealed: name, passedOver: passedOver)
            } catch {
                // The new one is no less whole.
                log.warning(
                    "old checkpoints cannot be removed: \(error); trying again at the next")
            }
            completion(nil)
        }
    }

    func abandon(_ name: CheckpointName) {
        removal.update { _ = $0.due.insert(name) }
        let (store, removal) = (store, removal)
        perform {
            let isDue = removal.update { removal in
                guard removal.due.remove(name) != nil else { return false }
                removal.current = name
                return true
            }
            guard isDue else { return }
            // What cannot be removed now is removed at the next start.
            try? store.abandon(store.partial(name))
            removal.update { $0.current = nil }
        }
    }
}
