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
}
