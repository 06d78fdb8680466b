import Checkpoints
import Foundation
import Runtime
import Tensors
import TestSupport
import Testing

@Suite struct BackgroundCheckpointWriterTests {
    private let folder: TemporaryFolder
    private let store: CheckpointStore

    init() throws {
        folder = try TemporaryFolder()
        store = CheckpointStore(path: folder.file("checkpoints"))
    }

    private static func name(_ step: UInt64) -> CheckpointName {
        CheckpointName(step: step, generation: 1, term: 1)
    }

    @Test func whatChangesAfterStagingIsNotWritten() throws {
        let writer = try BackgroundCheckpointWriter()
        let state = sampleState(step: 1)
        writer.prepare(for: state)
        let digest = StateDigest.digest(of: state)
        let mayWrite = Monitor(false)
        let isBegun = writer.stage(state) { [store] copies in
            _ = mayWrite.wait(until: { $0 }, then: { _ in })
            _ = try? store.save(copies, as: Self.name(1), context: context(step: 1))
        }
        #expect(isBegun)
        for named in state { named.tensor.bytes.initializeMemory(as: UInt8.self, repeating: 9) }
        mayWrite.update { $0 = true }
        writer.waitUntilIdle()
        #expect(try store.verify(Self.name(1)).stateDigest == digest)
    }

    @Test func onlyOneSaveIsInFlight() throws {
        let writer = try BackgroundCheckpointWriter()
        let mayEnd = Monitor(false)
        #expect(writer.stage([]) { _ in _ = mayEnd.wait(until: { $0 }, then: { _ in }) })
        #expect(writer.isBusy)
        #expect(!writer.stage([]) { _ in })
        #expect(!writer.waitUntilIdle(timeout: .milliseconds(1)))
        mayEnd.update { $0 = true }
        #expect(writer.waitUntilIdle())
        #expect(writer.stage([]) { _ in })
    }

    @Test func aWholeStateIsSavedAndOldOnesGo() throws {
        let left = try store.begin(CheckpointName(step: 1, generation: 1, term: 0))
        let writer = try BackgroundCheckpointWriter()
        let outcomes = Locked<[Result<SavedCheckpoint, CheckpointError>]>([])
        for step in 1...4 as ClosedRange<UInt64> {
            let state = sampleState(step: Int64(step))
            let isBegun = writer.save(
                state, to: store, as: Self.name(step), context: context(step: step), keep: 2
            ) { outcome in outcomes.withLock { $0.append(outcome) } }
            #expect(isBegun)
            writer.waitUntilIdle()
        }
        #expect(try store.list() == [Self.name(4), Self.name(3)])
        #expect(!FileManager.default.fileExists(atPath: left.path.text))
        let saved = try outcomes.withLock { try $0.map { try $0.get() } }
        #expect(saved.map(\.name.step) == [1, 2, 3, 4])
        #expect(saved.allSatisfy { $0.unremoved == nil })
    }

    @Test func aFailureIsReportedAndTheNextSaveWorks() throws {
        let writer = try BackgroundCheckpointWriter()
        let failures = Locked(0)
        let blocked = "\(folder.path)/absent/deeper"
        let isBegun = writer.save(
            sampleState(step: 1), index: 0, of: 1, into: FilePath(blocked),
            in: SystemFiles()
        ) {
            outcome in
            if case .failure = outcome { failures.withLock { $0 += 1 } }
        }
        #expect(isBegun)
        writer.waitUntilIdle()
        #expect(failures.withLock { $0 } == 1)
        let partial = try store.begin(Self.name(2))
        let receipts = Locked<[CheckpointShardReceipt]>([])
        let isBegunAgain = writer.save(
            sampleState(step: 2), index: 0, of: 1, into: partial.path, in: SystemFiles()
        ) { outcome in
            guard case .success(let receipt) = outcome else { return }
            receipts.withLock { $0.append(receipt) }
        }
        #expect(isBegunAgain)
        writer.waitUntilIdle()
        try store.commit(
            partial,
            Manifest(
                context: context(step: 2), name: partial.name,
                receipts: receipts.withLock { $0 }))
        try store.verify(Self.name(2))
    }

    /// Whatever the disk failed at, the next save of the same state finds its name free, and the states before it whole.
    @Test func aSaveThatFailedAnywhereCanBeTriedAgain() throws {
        let state = [NamedTensor("a", patterned([30, 7]))]
        var operation = 0
        while true {
            let files = MemoryFileSystem(folders: ["/run"])
            let store = CheckpointStore(path: "/run/checkpoints", in: files)
            for step in 1...2 as ClosedRange<UInt64> {
                try store.save(state, as: Self.name(step), context: context(step: step))
            }
            let before = files.operations.count
            files.inject(.failure, at: before + operation)
            let writer = try BackgroundCheckpointWriter()
            let outcome = Locked<Result<SavedCheckpoint, CheckpointError>?>(nil)
            let isBegun = writer.save(
                state, to: store, as: Self.name(3), context: context(step: 3), keep: 1
            ) { result in outcome.withLock { $0 = result } }
            #expect(isBegun)
            writer.waitUntilIdle()
            guard files.operations.count > before + operation else { break }
            let failed = Comment(rawValue: files.operations[before + operation])
            files.mend()
            switch outcome.withLock({ $0 }) {
            case .success: break
            case .failure(let error):
                guard case .system(let cause) = error else {
                    Issue.record(error, failed)
                    break
                }
                #expect(cause.code == EIO, failed)
                #expect(try store.newestWhole { _, _ in }?.name == Self.name(2), failed)
                try store.save(state, as: Self.name(3), context: context(step: 3))
            case nil: Issue.record(failed)
            }
            let cut = CheckpointStore(path: store.path, in: files.afterPowerCut(.nothing))
            #expect(try cut.newestWhole { _, _ in }?.name == Self.name(3), failed)
            #expect(store.tidy(keep: 1, sealed: Self.name(3)) == nil, failed)
            #expect(try store.list() == [Self.name(3)], failed)
            operation += 1
        }
        #expect(operation > 40)
    }

    @Test func endsWithTheSaveInFlight() throws {
        var writer: BackgroundCheckpointWriter? = try BackgroundCheckpointWriter()
        let isDone = Locked(false)
        _ = writer?.stage(sampleState(step: 1)) { _ in isDone.withLock { $0 = true } }
        writer = nil
        #expect(isDone.withLock { $0 })
    }
}
