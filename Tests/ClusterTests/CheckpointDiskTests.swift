import Checkpoints
import Runs
import Runtime
import TestSupport
import Testing

@testable import Cluster

@Suite struct CheckpointDiskTests {
    private let files = MemoryFileSystem(folders: ["/runs/one"])
    private let name = CheckpointName(step: 3, generation: 1, term: 1)

    private var directory: RunDirectory { RunDirectory(path: "/runs/one", in: files) }

    private func disk() throws -> CheckpointDisk {
        try CheckpointDisk(store: directory.checkpoints, keep: 1, log: Log(prefix: "test"))
    }

    /// A second try in the same generation has the name of the first, whose removal waits behind other work.
    @Test func aFolderThatIsMadeAgainIsNotRemoved() throws {
        let disk = try disk()
        let isHeldUp = Monitor(true)
        try disk.open(name)
        disk.perform { _ = isHeldUp.wait(until: { !$0 }, then: { _ in }) }
        disk.abandon(name)
        try disk.open(name)
        isHeldUp.update { $0 = false }
        disk.close()
        #expect(files.exists(directory.checkpoints.partial(name).path))
    }

    @Test func whatIsAbandonedGoes() throws {
        let disk = try disk()
        try disk.open(name)
        for _ in 0..<2 { disk.abandon(name) }
        disk.close()
        #expect(!files.exists(directory.checkpoints.partial(name).path))
    }

    // MARK: Synchronisation

    private func book() throws -> (Journal, RunBook) {
        let record = try directory.open(
            configuration: RunStory.configuration(), dataPath: nil, dataDigest: nil)
        return (
            try Journal.open(directory).journal, try RunBook(directory, record: record, after: 0)
        )
    }

    @Test func oneSynchronisationWaitsAtATime() throws {
        let (journal, book) = try book()
        let synchronisation = DiskSynchronisation(journal, book) { Issue.record("\($0)") }
        let queue = Locked<[@Sendable () -> Void]>([])
        for _ in 0..<100 { synchronisation.queue { task in queue.withLock { $0.append(task) } } }
        #expect(queue.withLock { $0.count } == 1)
        for task in queue.withLock({ $0 }) { task() }
        synchronisation.queue { task in queue.withLock { $0.append(task) } }
        #expect(queue.withLock { $0.count } == 2)
    }

    @Test func aDiskThatFailsIsSaidOnce() throws {
        let (journal, book) = try book()
        let warnings = Locked<[String]>([])
        let synchronisation = DiskSynchronisation(journal, book) { text in
            warnings.withLock { $0.append(text) }
        }
        for round in 1...2 {
            synchronisation.synchronise()
            files.inject(.lastingFailure, atNext: { $0.hasPrefix("fsync") })
            for _ in 0..<3 { synchronisation.synchronise() }
            #expect(warnings.withLock { $0.count } == round)
            files.mend()
        }
        let said = warnings.withLock { $0 }.joined()
        #expect(said.contains("journal-t1") && said.contains("power cut"), "\(said)")
    }

    /// A full disk under the journal must not hide that another file cannot be made to last.
    @Test func aFullDiskHidesNoFailureOfAnotherFile() throws {
        let (journal, book) = try book()
        let warnings = Locked<[String]>([])
        let synchronisation = DiskSynchronisation(journal, book) { text in
            warnings.withLock { $0.append(text) }
        }
        files.limit(to: 0)
        try journal.append(.commit(step: 0, checksum: 1))
        files.inject(.lastingFailure, atNext: { $0.hasPrefix("fsync") && !$0.contains("journal") })
        synchronisation.synchronise()
        let said = warnings.withLock { $0 }
        #expect(said.count == 1 && said[0].contains("power cut"), "\(said)")
        #expect(!said.joined().contains("journal-t1"), "\(said)")
    }

    /// That there is no room is other news, with a remedy.
    @Test func aFullDiskIsNoFailureOfASynchronisation() throws {
        let (journal, book) = try book()
        let synchronisation = DiskSynchronisation(journal, book) { Issue.record("\($0)") }
        files.limit(to: 0)
        try journal.append(.commit(step: 0, checksum: 1))
        synchronisation.synchronise()
        files.mend()
        synchronisation.synchronise()
        let path = directory.journalPath(term: 1)
        #expect(try Journal.records(at: path, in: files).0 == [.commit(step: 0, checksum: 1)])
    }
}
