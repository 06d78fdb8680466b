import Checkpoints
import Foundation
import Runtime
import Tensors
import TestSupport
import Testing
import Transport

@testable import Cluster

/// A joiner and the members that it takes the state from, without a network.
private final class Transfer: Sendable {
    let members: [ExchangeMember]
    private let states: [[NamedTensor]]
    private let locks: [StateLock]
    private let refusals: Locked<[Int: Int]>
    let joiner: [NamedTensor]

    /// - Parameters:
    ///   - steps: What each member holds.
    ///   - spoiled: A member whose state has another byte.
    ///   - refusals: How often members are not reached at first.
    init(steps: [UInt64], spoiled: Int? = nil, refusals: [Int: Int] = [:]) {
        members = steps.indices.map {
            ExchangeMember(
                id: .random(), number: UInt32($0 + 1),
                endpoint: NetworkAddress(host: "127.0.0.1", port: 1))
        }
        states = steps.indices.map { Self.state(seed: 3, spoiled: $0 == spoiled) }
        locks = steps.map { step in
            let lock = StateLock()
            lock.endWriting(
                step: step, report: StepReport(step: step, report: ["loss": 2], updateSeconds: 1))
            return lock
        }
        self.refusals = Locked(refusals)
        joiner = Self.state(seed: 4, spoiled: false)
    }

    /// Three pieces: a tensor of two, and one smaller than a piece.
    private static func state(seed: UInt64, spoiled: Bool) -> [NamedTensor] {
        var random = SeededRandom(seed: seed)
        return [5_000_000, 77].map { count in
            let tensor = Tensor(.uint8, shape: [count])
            for index in 0..<count { tensor.bytes[index] = UInt8(random.next() >> 56) }
            if spoiled { tensor.bytes[count / 2] ^= 1 }
            return NamedTensor("tensor of \(count)", tensor)
        }
    }

    func digest(of index: Int) -> Digest { StateDigest.digest(of: states[index]) }

    /// A fetch whose connections are pairs of sockets with a server at the other end.
    ///
    /// - Parameters:
    ///   - step: The one whose state is wanted.
    ///   - runID: The run that the joiner names.
    ///   - onConnect: Gets a source's number among all and the server's end.
    ///   - startThread: Starts the joiner's threads.
    /// - Returns: The fetch.
    func fetch(
        step: UInt64, runID: String = "run",
        onConnect: @escaping @Sendable (Int, MessageConnection) -> Void = { _, _ in },
        startThread: @escaping ThreadStarter = startSystemThread
    ) -> StateFetch {
        StateFetch(
            generation: 2, pieces: StatePieces(joiner), step: step, sources: members, runID: runID,
            patience: Patience(.seconds(20)), startThread: startThread
        ) { [self] source in
            let index = Int(source.number) - 1
            let isRefused = refusals.withLock { refusals in
                refusals[index, default: 0] -= 1
                return refusals[index, default: 0] >= 0
            }
            if isRefused {
                throw TransportError.closedByPeer(peer: "worker \(source.number)")
            }
            let (near, far) = try Socket.pair()
            let served = MessageConnection(far)
            let server = StateServer(
                pieces: StatePieces(states[index]), lock: locks[index], runID: "run",
                patience: Patience(.seconds(20)))
            onConnect(index, served)
            _ = try NamedThread("server") {
                if let first = try? served.receive(timeout: .seconds(20)) {
                    server.serve(served, first)
                }
            }
            return MessageConnection(near)
        }
    }
}

@Suite struct StateTransferTests {
    @Test(arguments: 1...4)
    func theStateComesWholeFromAllWhoHaveIt(count: Int) throws {
        let transfer = Transfer(steps: Array(repeating: 7, count: count))
        let report = try transfer.fetch(step: 7).run()
        #expect(report == StepReport(step: 7, report: ["loss": 2], updateSeconds: 1))
        #expect(StateDigest.digest(of: transfer.joiner) == transfer.digest(of: 0))
    }

    @Test func membersThatFailAreMadeUpForByOthers() throws {
        let transfer = Transfer(steps: [7, 8, 7, 7], refusals: [2: .max])
        // The first one dies on every connection, at once or after some pieces.
        let fetch = transfer.fetch(step: 7) { index, connection in
            if index == 0 { connection.shutDown() }
        }
        _ = try fetch.run()
        #expect(StateDigest.digest(of: transfer.joiner) == transfer.digest(of: 3))
    }

    @Test func whatNobodyGivesIsToldWithEveryReason() throws {
        let transfer = Transfer(steps: [8, 7], refusals: [1: .max])
        let error = #expect(throws: StateTransferError.self) {
            try transfer.fetch(step: 7).run()
        }
        let text = try #require(error?.description)
        #expect(text.contains("worker 1: ") && text.contains("step 7 is not held any more"))
        #expect(text.contains("worker 2: "))
    }

    @Test func strangersGetNothing() throws {
        let transfer = Transfer(steps: [7])
        let error = #expect(throws: StateTransferError.self) {
            try transfer.fetch(step: 7, runID: "other").run()
        }
        #expect(error?.description.contains("another run") == true)
    }

    @Test func otherBytesAreFoundByTheWholeDigest() throws {
        // The first is reached only once the other one has given every piece, each with a digest of its own.
        let transfer = Transfer(steps: [7, 7], spoiled: 1, refusals: [0: 1])
        let error = #expect(throws: StateTransferError.self) {
            try transfer.fetch(step: 7).run()
        }
        guard case .otherDigest? = error else {
            Issue.record("\(String(describing: error)) instead of another digest")
            return
        }
    }

    @Test func anAbandonedTransferEndsWithoutWaiting() throws {
        let transfer = Transfer(steps: [7, 7])
        let fetch = transfer.fetch(step: 7)
        fetch.abandon()
        #expect(throws: StateTransferError.self) { try fetch.run() }
    }

    /// Whoever has begun to copy has ended before the failure is told: the state is somebody else's then.
    @Test(arguments: 0..<3) func aThreadThatCannotBeStartedLeavesNoneBehind(started: Int) throws {
        let transfer = Transfer(steps: [7, 7, 7])
        let (begun, running) = (Locked(0), Locked(0))
        let fetch = transfer.fetch(
            step: 7,
            startThread: { (name, stackBytes, body) throws(SystemError) in
                guard begun.withLock({ $0 }) < started else {
                    throw SystemError(call: "pthread_create", subject: name, code: EAGAIN)
                }
                begun.withLock { $0 += 1 }
                running.withLock { $0 += 1 }
                try startSystemThread(name, stackBytes) {
                    body()
                    running.withLock { $0 -= 1 }
                }
            })
        let error = #expect(throws: SystemError.self) { try fetch.run() }
        #expect(error?.code == EAGAIN)
        let state = StateDigest.digest(of: transfer.joiner)
        // Nothing changes any more, and the threads have but to return.
        while running.withLock({ $0 }) > 0 { sched_yield() }
        #expect(StateDigest.digest(of: transfer.joiner) == state)
    }

    @Test func aJoinerThatAsksForNothingIsLetGo() throws {
        let (near, far) = MemoryStream.pair()
        let waiter = SimulatedWaiter()
        let tensor = Tensor(.uint8, shape: [10])
        let lock = StateLock()
        lock.endWriting(step: 7, report: nil)
        let patience = Patience(.seconds(2))
        var request = FieldWriter()
        request.append(1, "run")
        request.append(2, UInt64(7))
        let first = Frame(
            header: FrameHeader(type: ControlType.stateRequest.frameType), payload: request.bytes)
        let start = waiter.clock.now
        StateServer(
            pieces: StatePieces([NamedTensor("a", tensor)]), lock: lock, runID: "run",
            patience: patience
        ).serve(MessageConnection(far, waiter: waiter), first)
        #expect(waiter.clock.now - start == patience.stateDigest)
        let joiner = MessageConnection(near, waiter: waiter)
        let offer = try #require(try joiner.receive(timeout: .zero))
        #expect(try FieldReader(offer.payload).count(2) == 1)
        #expect(throws: TransportError.closedByPeer(peer: "memory 1")) {
            try joiner.receive(timeout: .zero)
        }
    }
}
