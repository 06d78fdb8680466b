import Checkpoints
import Foundation
import Runtime
import Tensors
import TestSupport
import Testing

/// A state of several types and sizes, one tensor longer than a piece.
func sampleState(step: Int64, seed: UInt8 = 1) -> [NamedTensor] {
    let counter = Tensor(.int64, shape: [])
    counter.bytes.storeBytes(of: step, as: Int64.self)
    return [
        NamedTensor("parameter.encoder.a", patterned(.float32, [30, 7], seed: seed)),
        NamedTensor("parameter.encoder.b", patterned(.float32, [5 << 18 | 3], seed: seed)),
        NamedTensor("parameter.mask_embedding", patterned(.float32, [1, 1, 9], seed: seed)),
        NamedTensor("state.exponents", patterned(.int16, [17], seed: seed)),
        NamedTensor("state.step", counter),
    ]
}

func emptied(_ state: [NamedTensor]) -> [NamedTensor] {
    state.map { NamedTensor($0.name, Tensor($0.tensor.elementType, shape: $0.tensor.shape)) }
}

func context(step: UInt64) -> CheckpointContext {
    CheckpointContext(
        step: step, cursor: step * 32,
        configuration: ["method": "st-mem", "optimizer": ["learningRate": 0.00015]],
        configurationDigest: SHA256.digest(of: [1]), dataDigest: SHA256.digest(of: [2]),
        software: "0.1.0", matrixLibrary: "OpenBLAS 0.3.29", matrixKernel: "Haswell",
        run: "00112233445566778899aabbccddeeff")
}

@Suite struct CheckpointStoreTests {
    private let folder: TemporaryFolder
    private let store: CheckpointStore

    init() throws {
        folder = try TemporaryFolder()
        store = CheckpointStore(path: folder.file("run/checkpoints"))
    }

    private func name(_ step: UInt64, term: UInt64 = 1) -> CheckpointName {
        CheckpointName(step: step, generation: 2, term: term)
    }

    @discardableResult
    private func save(_ step: UInt64, shards: Int = 1, term: UInt64 = 1) throws -> Manifest {
        let state = sampleState(step: Int64(step), seed: UInt8(step))
        let partial = try store.begin(name(step, term: term))
        let receipts = try CheckpointShard.split(state, into: shards).enumerated().map {
            index, shard in
            let receipt = try CheckpointShard.write(
                shard, index: index, of: shards, into: partial.path, in: SystemFiles())
            return try CheckpointShardReceipt(
                JSONValue(parsing: receipt.json.text().utf8), from: "worker \(index)")
        }
        let manifest = try Manifest(
            context: context(step: step), name: partial.name, receipts: receipts.reversed())
        try store.commit(partial, manifest)
        return manifest
    }

    private func damage(_ step: UInt64, _ file: String, _ change: (inout [UInt8]) -> Void) throws {
        let path = "run/checkpoints/\(name(step))/\(file)"
        var bytes = try folder.read(path)
        change(&bytes)
        try folder.write(bytes, to: path)
    }

    @Test(arguments: [1, 2, 3, 7])
    func aStateSavedInAnyNumberOfShardsReadsBack(shards: Int) throws {
        let manifest = try save(3, shards: shards)
        let state = sampleState(step: 3, seed: 3)
        #expect(manifest.stateDigest == StateDigest.digest(of: state))
        #expect(manifest.files.count == shards)
        let loaded = emptied(state)
        let read = try store.load(name(3), into: loaded.reversed())
        #expect(read.text == manifest.text)
        #expect(read.context == context(step: 3))
        for (here, there) in zip(state, loaded) {
            #expect(here.tensor.bytes.elementsEqual(there.tensor.bytes), "\(here.name)")
        }
        for file in manifest.files {
            let path = "\(store.folder(of: name(3)))/\(file.name)"
            for named in try SafetensorsFile(path: FilePath(path)).tensors() {
                let stored = manifest.tensors.first { $0.digest.name == named.name }
                #expect(stored?.digest == TensorDigest(named))
            }
        }
    }

    @Test func theManifestPointsAtTheBytes() throws {
        let manifest = try save(3, shards: 2)
        for tensor in manifest.tensors {
            let file = try folder.read("run/checkpoints/\(name(3))/\(tensor.file)")
            let state = sampleState(step: 3, seed: 3)
            let original = state.first { $0.name == tensor.digest.name }?.tensor
            let bytes = file[tensor.offset..<tensor.offset + tensor.digest.byteCount]
            #expect(original?.bytes.elementsEqual(bytes) == true)
        }
    }

    @Test func sharesAreRunsBalancedByBytes() {
        let state = (0..<40).map { NamedTensor("t\($0 + 10)", Tensor(shape: [100 + $0 % 3])) }
        for count in [1, 2, 3, 8] {
            let shards = CheckpointShard.split(state.reversed(), into: count)
            #expect(shards.flatMap { $0 }.map(\.name) == state.map(\.name))
            let sizes = shards.map { $0.reduce(0) { $0 + $1.tensor.byteCount } }
            #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 2 * 408)
        }
        #expect(CheckpointShard.fileName(index: 0, of: 2) == "state-00001-of-00002.safetensors")
    }

    @Test func namesReadBack() {
        let name = CheckpointName(step: 12_345, generation: 7, term: 2)
        #expect(name.description == "step-000012345.g7.t2")
        #expect(CheckpointName("step-000012345.g7.t2") == name)
        #expect(CheckpointName("step-1234567890.g7.t2")?.step == 1_234_567_890)
        for wrong in [
            "step-12345.g7.t2", "step-000012345.g7", "step-000012345.g7.t2.partial", ".trash",
            "step-+00012345.g7.t2", "step-000012345.g07.t2",
        ] { #expect(CheckpointName(wrong) == nil, "\(wrong)") }
        #expect(name < CheckpointName(step: 12_345, generation: 1, term: 3))
        #expect(name < CheckpointName(step: 12_346, generation: 1, term: 1))
    }

    @Test func theNewestIsFoundByScanning() throws {
        #expect(try store.list().isEmpty)
        for step in [10, 30, 20] as [UInt64] { try save(step) }
        #expect(try store.list().map(\.step) == [30, 20, 10])
        var passedOver = 0
        let newest = try store.newestWhole { _, _ in passedOver += 1 }
        #expect(newest?.name == name(30) && passedOver == 0)
        #expect(try store.newestWhole(step: 20) { _, _ in }?.name == name(20))
        #expect(try store.newestWhole(step: 21) { _, _ in } == nil)
    }

    @Test(arguments: [
        "flipped bit", "missing file", "cut file", "half a manifest", "no manifest",
        "another's manifest", "changed manifest",
    ])
    func aDamagedOneIsNamedAndPassedOver(kind: String) throws {
        try save(10)
        try save(20, shards: 2)
        let shard = "state-00002-of-00002.safetensors"
        var expected = shard
        switch kind {
        case "flipped bit": try damage(20, shard) { $0[$0.count - 3] ^= 4 }
        case "missing file":
            try FileManager.default.removeItem(
                atPath: "\(store.folder(of: name(20)))/\(shard)")
        case "cut file": try damage(20, shard) { $0.removeLast() }
        case "no manifest":
            try FileManager.default.removeItem(
                atPath: "\(store.folder(of: name(20)))/\(Manifest.fileName)")
            expected = ""
        case "another's manifest":
            let other = try folder.read("run/checkpoints/\(name(10))/\(Manifest.fileName)")
            try damage(20, Manifest.fileName) { $0 = other }
            expected = Manifest.fileName
        default:
            try damage(20, Manifest.fileName) { text in
                text =
                    kind == "half a manifest"
                    ? Array(text.prefix(text.count / 2))
                    : text.map {
                        $0 == UInt8(ascii: "7") ? UInt8(ascii: "8") : $0
                    }
            }
            expected = Manifest.fileName
        }
        var reports: [String] = []
        let newest = try store.newestWhole { reports.append("\($0): \($1)") }
        #expect(newest?.name == name(10))
        #expect(reports.count == (expected.isEmpty ? 0 : 1))
        #expect(reports.allSatisfy { $0.contains(expected) && $0.contains("\(name(20))") })
        let loaded = emptied(sampleState(step: 0))
        let read = try store.loadNewestWhole(into: loaded) { _, _ in }
        #expect(read?.name == name(10))
        #expect(
            StateDigest.digest(of: loaded)
                == StateDigest.digest(of: sampleState(step: 10, seed: 10)))
    }

    @Test func verificationNamesTheTensor() throws {
        try save(20, shards: 2)
        try damage(20, "state-00002-of-00002.safetensors") { $0[$0.count - 80] ^= 4 }
        let error = #expect(throws: CheckpointError.self) { try store.verify(name(20)) }
        #expect(
            error?.description == "\(store.folder(of: name(20)))/state-00002-of-00002.safetensors "
                + "is damaged: tensor parameter.encoder.b, piece 2 of 2 is not what was written")
        #expect(throws: CheckpointError.absent(path: store.folder(of: name(7)))) {
            try store.verify(name(7))
        }
    }

    @Test func everyFlippedBitOfAShardIsFound() throws {
        let partial = try store.begin(name(1))
        let small = [
            NamedTensor("x", patterned(.uint8, [5])), NamedTensor("y", patterned(.float32, [2])),
        ]
        let receipt = try CheckpointShard.write(
            small, index: 0, of: 1, into: partial.path, in: SystemFiles())
        let manifest = try Manifest(
            context: context(step: 1), name: partial.name, receipts: [receipt])
        try store.commit(partial, manifest)
        let file = "state-00001-of-00001.safetensors"
        let bitCount = receipt.file.byteCount * 8
        for bit in 0..<bitCount {
            try damage(1, file) { $0[bit / 8] ^= 1 << (bit % 8) }
            #expect(throws: CheckpointError.self, "bit \(bit)") { try store.verify(name(1)) }
            #expect(throws: CheckpointError.self, "bit \(bit)") {
                try store.load(name(1), into: emptied(small))
            }
            try damage(1, file) { $0[bit / 8] ^= 1 << (bit % 8) }
        }
        try store.verify(name(1))
    }

    @Test func everyTruncationOfAManifestIsRefused() throws {
        let text = Array(try save(1).text.utf8)
        for count in stride(from: 0, to: text.count - 2, by: 7) {
            #expect(throws: CheckpointError.self) {
                try Manifest(parsing: text[..<count], file: "m")
            }
        }
    }

    @Test func anUnfinishedOneDoesNotExist() throws {
        try save(10)
        let partial = try store.begin(name(20))
        _ = try CheckpointShard.write(
            sampleState(step: 20), index: 0, of: 1, into: partial.path, in: SystemFiles())
        #expect(try store.list().map(\.step) == [10])
        #expect(try store.removePartials(before: 1).isEmpty)
        #expect(try store.removePartials(before: 2) == [name(20)])
        #expect(!FileManager.default.fileExists(atPath: partial.path.text))
        #expect(try store.list().map(\.step) == [10])
    }

    @Test func aShardThatIsNotThereCannotBeCommitted() throws {
        let partial = try store.begin(name(20))
        let state = sampleState(step: 20)
        let receipts = try CheckpointShard.split(state, into: 2).enumerated().map { index, shard in
            try CheckpointShard.write(
                shard, index: index, of: 2, into: partial.path, in: SystemFiles())
        }
        let manifest = try Manifest(
            context: context(step: 20), name: partial.name, receipts: receipts)
        try FileManager.default.removeItem(atPath: "\(partial.path)/\(receipts[1].file.name)")
        #expect(throws: CheckpointError.self) { try store.commit(partial, manifest) }
        #expect(try store.list().isEmpty)
        #expect(throws: CheckpointError.self) {
            try Manifest(
                context: context(step: 20), name: partial.name, receipts: receipts + [receipts[0]])
        }
    }

    @Test func aStateThatIsSavedIsNotSavedAgain() throws {
        try save(10)
        #expect(throws: CheckpointError.exists(path: store.folder(of: name(10)))) {
            try store.begin(name(10))
        }
        try damage(10, "state-00001-of-00001.safetensors") { $0[$0.count - 1] ^= 1 }
        try save(10)
        try store.verify(name(10))
    }

    @Test func theLastOnesAreKept() throws {
        for step in 1...5 as ClosedRange<UInt64> { try save(step) }
        #expect(try store.prune(keep: 2).map(\.step) == [3, 2, 1])
        #expect(try store.list().map(\.step) == [5, 4])
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(store.path)/.trash") == [])
    }

    @Test func damagedOnesAreNotCounted() throws {
        for step in 1...4 as ClosedRange<UInt64> { try save(step) }
        try damage(4, "state-00001-of-00001.safetensors") { $0.removeLast() }
        try damage(3, Manifest.fileName) { $0.removeLast(9) }
        #expect(try store.prune(keep: 1).map(\.step) == [1])
        #expect(try store.newestWhole { _, _ in }?.name.step == 2)
    }

    /// A run that went back passes later ones over; the one that it saves next is its newest.
    @Test func theSealedOneStaysWhateverIsLater() throws {
        for step in [2, 4, 6, 8] as [UInt64] { try save(step) }
        // Of the right size, so that only a reader sees it.
        try damage(8, "state-00001-of-00001.safetensors") { $0[$0.count - 1] ^= 1 }
        #expect(
            try store.prune(keep: 1, sealed: name(6), passedOver: [name(8)]).map(\.step) == [4, 2])
        #expect(try store.list().map(\.step) == [8, 6])
        // Once the run is past the damaged one, it is an old one that does not count.
        try save(10)
        #expect(try store.prune(keep: 2, sealed: name(10), passedOver: [name(8)]).isEmpty)
        #expect(try store.list().map(\.step) == [10, 8, 6])
        try save(12)
        #expect(
            try store.prune(keep: 2, sealed: name(12), passedOver: [name(8)]).map(\.step) == [8, 6])
        #expect(try store.newestWhole { _, _ in }?.name == name(12))
    }

    @Test func theSealedOneCountsAlsoWhereItDoesNotLookWhole() throws {
        for step in [2, 4] as [UInt64] { try save(step) }
        try damage(4, Manifest.fileName) { $0.removeLast(9) }
        #expect(try store.prune(keep: 1, sealed: name(2)).isEmpty)
        #expect(try store.list().map(\.step) == [4, 2])
    }

    @Test func oneThatIsBeingReadStays() throws {
        for step in 1...3 as ClosedRange<UInt64> { try save(step) }
        let manifest = "\(store.folder(of: name(1)))/\(Manifest.fileName)"
        let descriptor = open(manifest, O_RDONLY)
        flock(descriptor, LOCK_SH)
        #expect(try store.prune(keep: 1).map(\.step) == [2])
        close(descriptor)
        #expect(try store.prune(keep: 1).map(\.step) == [1])
    }

    @Test func anotherModelIsRefusedBeforeAnythingIsRead() throws {
        try save(1)
        var state = emptied(sampleState(step: 0))
        state[0] = NamedTensor("parameter.encoder.a", Tensor(shape: [7, 30]))
        let shape = #expect(throws: CheckpointError.self) { try store.load(name(1), into: state) }
        #expect(
            shape?.description.hasSuffix(
                "'parameter.encoder.a' is F32 [30, 7], here it is F32 [7, 30]") == true)
        state[0] = NamedTensor("other", Tensor(shape: [7]))
        #expect(throws: CheckpointError.self) { try store.load(name(1), into: state) }
        let more = emptied(sampleState(step: 0)) + [NamedTensor("more", Tensor(shape: [1]))]
        let lost = #expect(throws: CheckpointError.self) {
            try store.loadNewestWhole(into: more) { _, _ in }
        }
        #expect(lost?.description.hasSuffix("it has no tensor 'more'") == true)
    }

    @Test(arguments: ["", "/x", "../x", ".x", "a/b"])
    func receiptsCannotLeaveTheFolder(file: String) throws {
        let partial = try store.begin(name(1))
        let receipt = try CheckpointShard.write(
            sampleState(step: 1), index: 0, of: 1, into: partial.path, in: SystemFiles())
        var json = receipt.json.objectValue ?? [:]
        var entry = json["file"]?.objectValue ?? [:]
        entry["name"] = .string(file)
        json["file"] = .object(entry)
        #expect(throws: CheckpointError.self) {
            try CheckpointShardReceipt(.object(json), from: "worker 1")
        }
    }

    @Test func aFolderThatCannotBeWrittenLeavesTheRest() throws {
        try save(1)
        let blocked = CheckpointStore(
            path: folder.file("run/checkpoints/\(name(1))/manifest.json"))
        #expect(throws: CheckpointError.self) {
            try blocked.save(
                sampleState(step: 2), as: name(2), context: context(step: 2))
        }
        try store.verify(name(1))
    }

    /// Every write to `/dev/full` fails with ENOSPC, so a link to it is a disk that is full.
    @Test func aFullDiskLeavesTheRest() throws {
        try save(1)
        let partial = try store.begin(name(2))
        let shard = "\(partial.path)/\(CheckpointShard.fileName(index: 0, of: 1))"
        try FileManager.default.createSymbolicLink(
            atPath: shard, withDestinationPath: "/dev/full")
        let error = #expect(throws: CheckpointError.self) {
            try CheckpointShard.write(
                sampleState(step: 2), index: 0, of: 1, into: partial.path, in: SystemFiles())
        }
        #expect(error?.isFullDisk == true)
        #expect(error?.description.contains("earlier checkpoints are untouched") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: partial.path.text) == [])
        try store.abandon(partial)
        #expect(try store.newestWhole { _, _ in }?.name == name(1))
        try save(2)
        #expect(try store.newestWhole { _, _ in }?.name == name(2))
    }

    @Test func aFullQuotaIsAFullDiskToo() {
        let quota = CheckpointError.system(SystemError(call: "write", subject: "f", code: EDQUOT))
        #expect(quota.isFullDisk)
        #expect(!CheckpointError.absent(path: "p").isFullDisk)
    }

    /// The moments at which a process may die while it saves, each with what is on the disk then.
    @Test(arguments: ["before the shards", "after a shard", "in the manifest", "before the rename"])
    func aProcessThatDiesLeavesWhatWasThere(moment: String) throws {
        try save(10)
        let state = sampleState(step: 20)
        let partial = try store.begin(name(20))
        if moment != "before the shards" {
            let receipts = try CheckpointShard.split(state, into: 2).enumerated().prefix(
                moment == "after a shard" ? 1 : 2
            ).map { index, shard in
                try CheckpointShard.write(
                    shard, index: index, of: 2, into: partial.path, in: SystemFiles())
            }
            let text = try Manifest(
                context: context(step: 20), name: partial.name, receipts: receipts
            ).text
            if moment == "in the manifest" {
                try AtomicFile.write(
                    text.prefix(text.count / 2).utf8, to: "\(partial.path)/manifest.json.tmp-1-2")
            } else if moment == "before the rename" {
                try AtomicFile.write(text, to: "\(partial.path)/\(Manifest.fileName)")
            }
        }
        #expect(try store.list() == [name(10)])
        let loaded = emptied(state)
        #expect(try store.loadNewestWhole(into: loaded) { _, _ in }?.name == name(10))
        #expect(try store.removePartials(before: 2) == [name(20)])
        let later = CheckpointName(step: 20, generation: 3, term: 2)
        try store.save(state, as: later, context: context(step: 20))
        #expect(try store.newestWhole { _, _ in }?.name == later)
    }
}
