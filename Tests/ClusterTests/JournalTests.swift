import Checkpoints
import Foundation
import Runs
import Runtime
import TestSupport
import Testing

@testable import Cluster

@Suite struct JournalTests {
    /// Made anew for each test: the cases' tag lies in spare bits of the last array's address, so that LeakSanitizer
    /// would take the array of a constant for lost.
    static var records: [JournalRecord] {
        [
            .start(term: 1, configurationDigest: "abc"),
            .generation(1, committed: 0, members: [WorkerID(1), WorkerID(.max)], numbers: [1, 2]),
            .commit(step: 0, checksum: 7), .commit(step: 1, checksum: nil),
            .checkpoint(CheckpointName(step: 2, generation: 1, term: 1)), .rewind(toStep: 1),
            .commit(step: 1, checksum: 9), .end(exitCode: 130),
        ]
    }

    private func withDirectory(_ body: (RunDirectory) throws -> Void) throws {
        let directory = RunDirectory(
            path: FilePath(NSTemporaryDirectory() + "purkinje-journal-\(UUID().uuidString)"))
        try directory.create()
        defer { try? FileManager.default.removeItem(atPath: directory.path.text) }
        try body(directory)
    }

    @Test func aSuccessorReadsWhatItsPredecessorsWrote() throws {
        try withDirectory { directory in
            let (first, nothing) = try Journal.open(directory)
            #expect(first.term == 1)
            #expect(nothing.isEmpty)
            for record in Self.records { try first.append(record) }
            #expect(!first.isSuperseded)
            let (second, former) = try Journal.open(directory)
            #expect(second.term == 2)
            #expect(former == Self.records)
            #expect(first.isSuperseded)
            try second.append(.rewind(toStep: 0))
            #expect(try Journal.open(directory).former == Self.records + [.rewind(toStep: 0)])
        }
    }

    @Test func aTornTailIsCutAtEveryByte() {
        let bytes = Self.records.map(\.encoded)
        let all = bytes.flatMap { $0 }
        var ends: [Int] = []
        for record in bytes { ends.append((ends.last ?? 0) + record.count) }
        for cut in 0...all.count {
            let whole = ends.count { $0 <= cut }
            let read = all[..<cut].withUnsafeBytes { JournalRecord.decode($0) }
            #expect(read.records == Array(Self.records.prefix(whole)), "cut at byte \(cut)")
            #expect(read.end == (ends.last { $0 <= cut } ?? 0))
        }
    }

    @Test func aFlippedBitEndsTheJournalBeforeItsRecord() {
        let bytes = Self.records.flatMap(\.encoded)
        for position in bytes.indices {
            var damaged = bytes
            damaged[position] ^= 4
            let read = damaged.withUnsafeBytes { JournalRecord.decode($0).records }
            #expect(read.count < Self.records.count)
            #expect(read == Array(Self.records.prefix(read.count)))
        }
    }

    /// The tail is said, kept aside and met once; what a later coordinator wrote counts on.
    @Test(arguments: [0, 1, 3, 7]) func aDamagedTailIsSetAside(record: Int) throws {
        try withDirectory { directory in
            let (first, _) = try Journal.open(directory)
            #expect(first.mendings.isEmpty)
            for record in Self.records { try first.append(record) }
            let path = directory.journalPath(term: 1)
            var bytes = try path.contents()
            let position = Self.records.prefix(record).reduce(0) { $0 + $1.encoded.count }
            bytes[position + 9] ^= 16
            try AtomicFile.write(bytes, to: path)

            let (second, former) = try Journal.open(directory)
            #expect(former == Array(Self.records.prefix(record)))
            let mending = try #require(second.mendings.first)
            #expect(mending.contains("journal-t1: the record at byte \(position) is damaged"))
            #expect(mending.contains(" \(bytes.count - position) bytes"))
            let aside = FilePath(path.text + ".damaged")
            #expect(try aside.contents() == Array(bytes[position...]))
            #expect(try path.contents() == Array(bytes[..<position]))
            try second.append(.rewind(toStep: 0))
            let (third, both) = try Journal.open(directory)
            #expect(third.mendings.isEmpty)
            #expect(both == Array(Self.records.prefix(record)) + [.rewind(toStep: 0)])
        }
    }

    // MARK: A full disk

    @Test func recordsWaitForRoom() throws {
        let files = MemoryFileSystem(folders: ["/runs/one"])
        let directory = RunDirectory(path: "/runs/one", in: files)
        let (journal, _) = try Journal.open(directory)
        try journal.append(Self.records[0])
        #expect(journal.roomNews() == nil)
        files.limit(to: 0)
        for record in Self.records[1..<5] { try journal.append(record) }
        guard case .unavailable(let obstacle)? = journal.roomNews() else {
            Issue.record("nothing is said of a full disk")
            return
        }
        #expect("\(obstacle)".contains("journal-t1") && "\(obstacle)".contains("make room there"))
        #expect(journal.roomNews() == nil, "it is said once")
        #expect(throws: SystemError.self) { try journal.synchronise() }
        // What was written before lasts all the same.
        let path = directory.journalPath(term: 1)
        let cut = files.afterPowerCut(.nothing)
        #expect(try Journal.records(at: path, in: cut).0 == [Self.records[0]])
        files.mend()
        try journal.append(Self.records[5])
        #expect(journal.roomNews() == .found)
        #expect(journal.roomNews() == nil)
        #expect(try Journal.records(at: path, in: files).0 == Array(Self.records[..<6]))
    }

    @Test func withoutRoomForATermThereIsARemedy() throws {
        let files = MemoryFileSystem(folders: ["/runs/one"])
        files.inject(.fullDisk, atNext: { $0.contains("term-1") })
        let error = #expect(throws: RunError.self) {
            try Journal.open(RunDirectory(path: "/runs/one", in: files))
        }
        let text = error?.description ?? ""
        #expect(text.contains("/runs/one/term-1") && text.contains("make room there"), "\(text)")
    }

    @Test func replayKnowsTheLastMembersAndTheCommittedStep() {
        let recovered = RecoveredRun(replaying: Array(Self.records.dropLast()), term: 2)
        #expect(recovered.committed == 2)
        #expect(recovered.generation == 1)
        #expect(recovered.members == [WorkerID(1): 1, WorkerID(.max): 2])
        #expect(recovered.checksums == [1: 9])
        #expect(recovered.hasRewound)
        #expect(RecoveredRun(replaying: Self.records, term: 2).members.isEmpty)
    }
}
