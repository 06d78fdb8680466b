import Checkpoints
import Foundation
import Runs
import Runtime
import Transport

/// The shell around a worker's state machine: a main thread that computes, a control thread that listens to the
/// coordinator, a thread that only sends heartbeats, and a listener for other workers.
public final class WorkerDriver {
    let core: WorkerCore
    let replica: any Replica
    let runner: StepRunner
    let makeReplica: () throws -> any Replica
    let writer: BackgroundCheckpointWriter

    /// A worker that is about to look for its coordinator.
    ///
    /// - Parameters:
    ///   - options: What it is and where the run is.
    ///   - log: Where it says what happens to it.
    ///   - makeReplica: Makes a replica at step 0; called again when the run goes back to its beginning.
    /// - Throws: What `makeReplica` throws.
    public init(
        _ options: WorkerOptions, log: Log = Log(prefix: "worker"),
        makeReplica: @escaping () throws -> any Replica
    ) throws {
        self.makeReplica = makeReplica
        replica = try makeReplica()
        runner = StepRunner(replica, clock: options.waiter.clock)
        core = WorkerCore(options, step: options.holdsBeginning ? replica.step : nil, log: log)
        writer = try BackgroundCheckpointWriter()
    }

    /// A closure that asks the worker to leave at the next step boundary, from any thread.
    public var leaver: @Sendable () -> Void {
        let core = core
        return { core.leave() }
    }

    /// Takes part in the run until it ends or this worker leaves.
    ///
    /// - Returns: What the process exits with, and why.
    public func run() throws -> Outcome {
        let control = WorkerControl(core, pieces: StatePieces(replica.state))
        let controlThread = try NamedThread("control") { control.run() }
        let core = core
        let heartbeats = try NamedThread("heartbeat", stackBytes: 256 << 10) {
            WorkerDriver.sendHeartbeats(core)
        }
        while let job = core.nextJob() { core.finish(perform(job)) }
        // A shard that is being written is waited for: whoever leaves has done its part.
        _ = writer.waitUntilIdle(timeout: Limits.lastCheckpointShard)
        core.stateLock.close()
        control.stop()
        controlThread.join()
        heartbeats.join()
        return core.shared.withLock { $0.exit }
            ?? Outcome(
                exitCode: ExitCode.failure.rawValue, message: "the worker ended without a result")
    }

    private static func sendHeartbeats(_ core: WorkerCore) {
        while true {
            let interval = core.patience.heartbeat
            let ends = core.shared.wait(
                timeout: interval, until: { $0.exit != nil }, then: { _ in true })
            if ends == true { return }
            // Asked before: the system may take its time, and whoever needs the lock is kept waiting by nobody.
            let bytes = residentBytes()
            let beat = core.shared.withLock { shared in
                Heartbeat(
                    generation: shared.state.generation,
                    step: shared.state.held.applied ?? 0, activity: shared.state.activity,
                    residentBytes: bytes)
            }
            core.send(.heartbeat(beat))
        }
    }
}

/// Resident memory of this process, 0 where the system does not tell.
private func residentBytes() -> UInt64 {
    guard let bytes = try? FilePath("/proc/self/statm").contents(),
        let pages = String(decoding: bytes, as: UTF8.self).split(separator: " ").dropFirst().first
            .flatMap({ UInt64($0) })
    else { return 0 }
    return pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
}
