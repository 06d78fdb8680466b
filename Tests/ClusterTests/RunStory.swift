import Checkpoints
import Configurations
import Foundation
import Runs
import Runtime
import Tensors
import TestSupport
import Testing

@testable import Cluster

/// What a coordinator and two writers of shards do with the files of a short run, over a disk in memory, in one thread: the same
/// calls as theirs in the same order, so that every operation of the disk has its number.
///
/// It keeps what it was told lasts, to hold it against what is found after a disaster.
final class RunStory {
    let files: MemoryFileSystem
    let directory: RunDirectory
    let keep = 1
    /// The record that was written; `nil` before.
    private(set) var record: RunRecord?
    /// Records by term, and how many of each are known to last.
    private(set) var journals: [UInt32: [JournalRecord]] = [:]
    private(set) var lastingRecords: [UInt32: Int] = [:]
    /// Checkpoints that are known to last, and all that were ever begun.
    private(set) var sealed: [CheckpointName] = []
    /// Steps whose metrics are known to last.
    private(set) var lastingSteps: [Int] = []
    /// Failures that the run went on after.
    private(set) var survived: [String] = []
    /// What failed to be synchronised once is not known to last later.
    private var (doubtsJournal, doubtsBook) = (false, false)

    init(_ files: MemoryFileSystem = MemoryFileSystem(folders: ["/runs"])) {
        self.files = files
        directory = RunDirectory(path: "/runs/heart/one", in: files)
    }

    static func configuration() throws -> Configuration {
        try Configuration([
            "method": "st-mem", "batchSize": 12, "logicalShards": 6, "steps": 20,
            "optimizer": ["learningRate": 0.001, "warmupSteps": 1],
            "checkpoint": ["everySteps": 2, "keep": 1],
        ])
    }

    static let dataset = SHA256.digest(of: "data".utf8)

    /// The state after a step.
    static func state(_ step: UInt64) -> [NamedTensor] {
        ["a", "b", "step"].enumerated().map { index, name in
            let tensor = Tensor(.int32, shape: [7 + 40 * index])
            let values = tensor.bytes.assumingMemoryBound(to: Int32.self)
            for i in values.indices { values[i] = Int32(step) &* 7919 &+ Int32(i * i + index) }
            return NamedTensor(name, tensor)
        }
    }

    /// Both terms of the run: to step 4, and after a restart to step 6.
    func play() throws {
        try term(to: 4)
        try term(to: 6)
    }

    /// Takes the run over and works to a step, as far as the disk lets it.
    func term(to lastStep: UInt64) throws {
        let record = try directory.open(
            configuration: Self.configuration(), dataPath: nil, dataDigest: nil)
        if let former = self.record { #expect(former.id == record.id) }
        self.record = record
        let lock = try RunLock(directory)
        defer { withExtendedLifetime(lock) {} }
        let (journal, former) = try Journal.open(directory)
        let store = directory.checkpoints
        _ = try store.removePartials(before: UInt64(journal.term))
        let recovered = RecoveredRun(replaying: former, term: journal.term)
        let newest = try store.newestWhole { _, _ in }
        let begun = max(recovered.committed, newest?.name.step ?? 0)
        let book = try RunBook(
            directory, record: record, after: begun, mendings: journal.mendings)
        try write(.start(term: journal.term, configurationDigest: "toy"), journal)
        let address = CoordinatorAddress(
            host: "127.0.0.1", port: 1, term: UInt64(journal.term), processID: 1)
        try address.write(to: directory)
        try book.note(dataset: Self.dataset)
        var step = begun
        while step < lastStep {
            step += 1
            try write(.commit(step: step - 1, checksum: UInt32(step)), journal)
            try append(step, book)
            if step % 2 == 0 { try save(step, journal, book) }
        }
        try write(.end(exitCode: 0), journal)
        synchronise(journal)
        synchronise(book)
        try address.remove(from: directory)
    }

    private func append(_ step: UInt64, _ book: RunBook) throws {
        _ = try book.append(
            step: step, report: ["loss": 0.5, "learning_rate": 0.1, "note": .string("\(step)")],
            updateSeconds: 1,
            making: RunBook.Making(
                seconds: 1, worldSize: 2, recomputed: step == 3, compute: 1, wait: 0, exchange: 0))
    }

    private func write(_ record: JournalRecord, _ journal: Journal) throws {
        try journal.append(record)
        journals[journal.term, default: []].append(record)
    }

    /// A checkpoint of two shards; one that fails is given up, and training goes on.
    private func save(_ step: UInt64, _ journal: Journal, _ book: RunBook) throws {
        let store = directory.checkpoints
        let name = CheckpointName(step: step, generation: 1, term: UInt64(journal.term))
        do throws(CheckpointError) {
            let partial = try store.begin(name)
            var receipts: [CheckpointShardReceipt] = []
            for (index, shard) in CheckpointShard.split(Self.state(step), into: 2).enumerated() {
                receipts.append(
                    try CheckpointShard.write(
                        shard, index: index, of: 2, into: partial.path, in: files))
            }
            let context = book.checkpointContext(
                step: step, dataset: Self.dataset, matrixLibrary: "none", matrixKernel: "toy")
            try store.commit(partial, Manifest(context: context, name: name, receipts: receipts))
        } catch {
            survived.append("\(error)")
            try? store.abandon(store.partial(name))
            return
        }
        sealed.append(name)
        do throws(CheckpointError) {
            try store.prune(keep: keep)
        } catch {
            survived.append("\(error)")
        }
        synchronise(journal)
        try write(.checkpoint(name), journal)
        try book.append(.checkpoint, "checkpoint \(name) is whole")
        synchronise(book)
    }

    private func synchronise(_ journal: Journal) {
        do throws(SystemError) {
            try journal.synchronise()
            guard !doubtsJournal else { return }
            lastingRecords[journal.term] = journals[journal.term]?.count ?? 0
        } catch {
            doubtsJournal = true
            survived.append("\(error)")
        }
    }

    private func synchronise(_ book: RunBook) {
        do throws(RunError) {
            try book.synchronise()
            guard !doubtsBook, let last = try directory.lastMetrics().training?["step"] else {
                return
            }
            lastingSteps = Array(1...(last.integerValue ?? 0))
        } catch {
            doubtsBook = true
            survived.append("\(error)")
        }
    }
}

extension RunStory {
    /// Holds what is on a disk against what was told to last, and goes on with the run there.
    func check(_ disk: MemoryFileSystem, _ circumstances: String) throws {
        let directory = RunDirectory(path: directory.path, in: disk)
        let found = Comment(rawValue: circumstances)
        if let record {
            let read = try directory.read()
            #expect(read.id == record.id, found)
            #expect(read.configuration.differences(from: record.configuration).isEmpty, found)
        }
        // Nothing that was begun may be in the way of a run that goes on, or begins.
        let successor = RunStory(disk)
        try checkJournals(directory, found)
        let newest = try checkCheckpoints(directory, found)
        try successor.term(to: 8)
        #expect(successor.survived.isEmpty, found)
        #expect(try directory.checkpoints.list().map(\.step) == [8], found)
        #expect(try disk.names(in: directory.checkpoints.path).count == 2, found)
        var steps: [Int] = []
        let damaged = try directory.readMetrics { line in
            steps.append(line["step"]?.integerValue ?? -1)
        }
        #expect(damaged.isEmpty, found)
        #expect(try directory.readEvents { _ in }.isEmpty, found)
        #expect(steps == steps.sorted() && Set(steps).count == steps.count, found)
        let expected = Set(lastingSteps.filter { $0 <= newest }).union([7, 8])
        #expect(expected.isSubset(of: steps), "\(circumstances): \(steps)")
    }

    private func checkJournals(_ directory: RunDirectory, _ found: Comment) throws {
        for (term, records) in journals {
            let path = directory.journalPath(term: UInt64(term))
            let (read, _) = try Journal.records(at: path, in: directory.files)
            // A record whose append failed may be there whole.
            #expect(read.starts(with: records) || records.starts(with: read), found)
            #expect(read.count >= lastingRecords[term] ?? 0, found)
            #expect(read.count <= records.count + 1, found)
        }
    }

    private func checkCheckpoints(_ directory: RunDirectory, _ found: Comment) throws -> Int {
        let store = directory.checkpoints
        for name in try store.list() {
            let loaded = Self.state(99)
            guard (try? store.load(name, into: loaded)) != nil else { continue }
            for (one, other) in zip(loaded, Self.state(name.step)) {
                #expect(Array(one.tensor.bytes) == Array(other.tensor.bytes), found)
            }
        }
        let newest = try store.newestWhole { _, _ in }?.name
        if let last = sealed.last {
            #expect(newest.map { $0 >= last } == true, found)
        }
        return Int(newest?.step ?? 0)
    }
}
