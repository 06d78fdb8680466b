import Checkpoints
import Runtime
import Testing
import Transport

@testable import Cluster

@Suite struct MessageTests {
    static let member = ExchangeMember(
        id: WorkerID(0xFEED), number: 3, endpoint: NetworkAddress(host: "::1", port: 7_001))
    static let name = CheckpointName(step: 1_500, generation: 7, term: 2)
    static let held = HeldState(
        applied: 9, reduced: ReducedSums(step: 9, checksum: 0xFFFF_0000),
        sums: LocalSums(step: 9, round: 1, exponents: [1, 255], shards: [0, 300]),
        lastReport: StepReport(step: 9, report: ["loss": 0.5], updateSeconds: 0.25))

    static var workerMessages: [WorkerMessage] {
        var timings = StepTimings()
        timings.compute = 1.5
        timings.wireBytes = 77
        return [
            .hello(
                Hello(
                    id: WorkerID(5), number: 1, softwareVersion: "0.1", runID: "ab",
                    configurationDigest: "c", configuration: "{}", datasetDigest: "d",
                    matrixLibrary: "OpenBLAS 0.3", kernel: "Haswell", hostName: "h",
                    processID: -1, threads: 2, dataPort: 65_535, advertisedHost: "", term: 2,
                    generation: 3, held: held)),
            .report(generation: 4, held), .report(generation: 4, HeldState(applied: nil)),
            .ready(
                Ready(
                    generation: 1, step: 2, checksum: 3, stateDigest: SHA256.digest(of: [1]),
                    recomputed: true, timings: timings)),
            .applied(StepReport(step: 1, report: .null, updateSeconds: 0)),
            .diverged(generation: 1, step: 2, message: "loss is NaN"),
            .closed(generation: 1, report: ["validation_loss": 1]),
            .heartbeat(
                Heartbeat(generation: 1, step: 2, activity: "computing", residentBytes: 3)),
            .suspect(generation: 1, peer: nil, reason: "r"),
            .suspect(generation: 1, peer: 4, reason: "r"), .leave, .failed(message: "disk"),
            .checkpointShardDone(name, index: 1, receipt: ["file": "f"]),
            .checkpointShardFailed(name, index: 0, message: "full"),
            .stateFailed(generation: 3, message: "m"), .statusRequest,
        ]
    }

    static var coordinatorMessages: [CoordinatorMessage] {
        let work = StepWork(round: 1, exponents: [3], shards: [1, 2], wantsDigest: true)
        return [
            .welcome(
                Welcome(term: 1, number: 2, failureTimeout: .milliseconds(2_000), notice: "n")),
            .refused(message: "no"), .regroup(generation: 9),
            .form(generation: 9, ring: [member, member]),
            .plan(Plan(generation: 1, committed: 2, work: .hold)),
            .plan(Plan(generation: 1, committed: 2, work: .step(work))),
            .plan(Plan(generation: 1, committed: 2, work: .close)),
            .replaceState(generation: 1, .members([member], step: 4)),
            .replaceState(generation: 1, .checkpoint(name)),
            .replaceState(generation: 1, .initial), .beginCheckpointShard(name, index: 1, count: 2),
            .heartbeat, .evicted(reason: "silent", discardState: true), .released,
            .ended(exitCode: 130, message: "m"), .status(["step": 1]),
        ]
    }

    private func frame(_ encoded: (type: FrameType, payload: [UInt8])) -> Frame {
        Frame(header: FrameHeader(type: encoded.type), payload: encoded.payload)
    }

    @Test(arguments: workerMessages)
    func workerMessagesComeBackAsTheyWere(message: WorkerMessage) throws {
        #expect(try WorkerMessage(frame(message.encoded())) == message)
    }

    @Test(arguments: coordinatorMessages)
    func coordinatorMessagesComeBackAsTheyWere(message: CoordinatorMessage) throws {
        #expect(try CoordinatorMessage(frame(message.encoded())) == message)
    }

    @Test func everyTruncationAndFlippedBitIsReadOrRefusedWithoutACrash() {
        let encoded =
            Self.workerMessages.map { $0.encoded() } + Self.coordinatorMessages.map { $0.encoded() }
        for (type, payload) in encoded {
            for end in payload.indices {
                let cut = Frame(header: FrameHeader(type: type), payload: Array(payload[..<end]))
                _ = try? WorkerMessage(cut)
                _ = try? CoordinatorMessage(cut)
            }
            for position in payload.indices {
                var damaged = payload
                damaged[position] ^= UInt8(1 << (position % 8))
                let frame = Frame(header: FrameHeader(type: type), payload: damaged)
                _ = try? WorkerMessage(frame)
                _ = try? CoordinatorMessage(frame)
            }
        }
    }

    @Test func aMissingFieldIsNamed() {
        let empty = Frame(header: FrameHeader(type: ControlType.ready.frameType), payload: [])
        #expect(throws: MessageError.badField(type: 3, .missing(tag: 6))) {
            try WorkerMessage(empty)
        }
    }
}
