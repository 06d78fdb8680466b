import Collectives
import Foundation
import Runtime
import Transport

/// Edges of rings that others have dialled, until the generation that they belong to asks for them.
final class IncomingEdges: Sendable {
    private struct Key: Hashable {
        let generation: UInt32
        let rank: Int
    }

    private struct State {
        var edges: [Key: MessageConnection] = [:]
        /// Generations below this one are over.
        var oldest: UInt32 = 0
    }

    private let state = Monitor(State())

    /// Keeps an edge that the member of a rank has dialled.
    func add(_ connection: MessageConnection, generation: UInt32, rank: Int) {
        let isWanted = state.update { state in
            guard generation >= state.oldest, state.edges.count < 64 else { return false }
            state.edges[Key(generation: generation, rank: rank)] = connection
            return true
        }
        if !isWanted { connection.shutDown() }
    }

    /// Waits for an edge.
    ///
    /// - Returns: The edge; `nil` when the time is up or the generation is over.
    func take(generation: UInt32, rank: Int, timeout: Duration) -> MessageConnection? {
        let key = Key(generation: generation, rank: rank)
        return state.wait(
            timeout: timeout, until: { $0.edges[key] != nil || $0.oldest > generation }
        ) { $0.edges.removeValue(forKey: key) } ?? nil
    }

    /// Drops the edges of older generations and wakes who waits for them.
    func abandon(below generation: UInt32) {
        let stale = state.update { state in
            state.oldest = max(state.oldest, generation)
            let stale = state.edges.filter { $0.key.generation < generation }
            state.edges = state.edges.filter { $0.key.generation >= generation }
            return stale.map(\.value)
        }
        for edge in stale { edge.shutDown() }
    }
}

/// Why a generation's ring is of no use.
struct RingFailure: Error {
    /// Number of the member whose edge failed, if it is one's fault.
    let peer: UInt32?
    let reason: String
}

/// A generation's ring, from the moment that its members are known: edges are made on a thread of its own, while
/// the main thread may compute already.
final class RingFormation: Sendable {
    let generation: UInt32
    let rank: Int
    let members: [RingMember]

    private struct State {
        var ring: Ring?
        var failure: RingFailure?
    }

    private let state = Monitor(State())

    /// Begins to make the ring.
    ///
    /// - Parameters:
    ///   - generation: The one that the ring is for.
    ///   - members: In ring order.
    ///   - rank: This worker's place.
    ///   - runID: The run, so that strangers are told apart.
    ///   - incoming: Where dialled edges arrive.
    ///   - options: How the ring works.
    ///   - onFailure: Called once, from some thread, when an edge cannot be made or fails later.
    init(
        generation: UInt32, members: [RingMember], rank: Int, runID: String,
        incoming: IncomingEdges, options: RingOptions,
        onFailure: @escaping @Sendable (RingFailure) -> Void
    ) {
        self.generation = generation
        self.members = members
        self.rank = rank
        let state = state
        let dial = Dial(
            generation: generation, members: members, rank: rank, runID: runID,
            incoming: incoming, options: options)
        do throws(SystemError) {
            _ = try NamedThread("form \(generation)", stackBytes: 512 << 10) {
                let result = dial.ring { error in
                    guard error != .aborted else { return }
                    let failure = dial.failure(error)
                    onFailure(failure)
                }
                let isLate = state.update { state -> Bool in
                    switch result {
                    case .success(let ring):
                        guard state.failure == nil else {
                            ring.abort()
                            return true
                        }
                        state.ring = ring
                        return false
                    case .failure(let failure):
                        let isLate = state.failure != nil
                        if !isLate { state.failure = failure }
                        return isLate
                    }
                }
                if case .failure(let failure) = result, !isLate { onFailure(failure) }
            }
        } catch {
            state.update { $0.failure = RingFailure(peer: nil, reason: error.description) }
        }
    }

    /// Waits until the ring stands.
    func ring() throws(RingFailure) -> Ring {
        let result: Result<Ring, RingFailure>? = state.wait(
            until: { $0.ring != nil || $0.failure != nil }
        ) { state in
            if let failure = state.failure { return .failure(failure) }
            return state.ring.map { .success($0) }
                ?? .failure(RingFailure(peer: nil, reason: "no ring"))
        }
        guard let result else { throw RingFailure(peer: nil, reason: "no ring") }
        return try result.get()
    }

    /// The ring, if it stands by now.
    var standing: Ring? { state.withLock { $0.failure == nil ? $0.ring : nil } }

    /// Makes everything that waits for this ring fail.
    func abandon() {
        let ring = state.update { state in
            state.failure =
                state.failure ?? RingFailure(peer: nil, reason: "the generation is over")
            return state.ring
        }
        ring?.abort()
    }

    func failure(_ error: CollectiveError) -> RingFailure {
        let peer = error.suspect.flatMap { members.indices.contains($0) ? members[$0] : nil }
        return RingFailure(peer: peer?.number, reason: error.description)
    }
}

/// Makes the two edges of one member.
private struct Dial: Sendable {
    let generation: UInt32
    let members: [RingMember]
    let rank: Int
    let runID: String
    let incoming: IncomingEdges
    let options: RingOptions

    func failure(_ error: CollectiveError) -> RingFailure {
        let peer = error.suspect.flatMap { members.indices.contains($0) ? members[$0] : nil }
        let text = "worker \(members[rank].number): \(error)"
        return RingFailure(peer: peer?.number, reason: text)
    }

    func ring(
        onFailure: @escaping @Sendable (CollectiveError) -> Void
    ) -> Result<Ring, RingFailure> {
        let count = members.count
        do {
            guard count > 1 else {
                return .success(
                    try Ring(
                        rank: 0, worldSize: 1, generation: UInt64(generation), previous: nil,
                        next: nil, options: options))
            }
            let next = try dial(members[(rank + 1) % count])
            let before = members[(rank + count - 1) % count]
            let patience = options.failureTimeout * 2
            guard
                let previous = incoming.take(
                    generation: generation, rank: (rank + count - 1) % count, timeout: patience)
            else {
                next.shutDown()
                return .failure(
                    RingFailure(
                        peer: before.number,
                        reason: "worker \(before.number) at \(before.endpoint) did not connect to "
                            + "worker \(members[rank].number) within \(patience)"))
            }
            return .success(
                try Ring(
                    rank: rank, worldSize: count, generation: UInt64(generation),
                    previous: previous.intoStream(), next: next.intoStream(), options: options,
                    onFailure: onFailure))
        } catch let failure as RingFailure {
            return .failure(failure)
        } catch {
            return .failure(RingFailure(peer: nil, reason: "\(error)"))
        }
    }

    private func dial(_ peer: RingMember) throws -> MessageConnection {
        do throws(TransportError) {
            let socket = try TCPConnector.connect(
                to: peer.endpoint, timeout: options.failureTimeout * 2,
                failureTimeout: options.failureTimeout)
            let connection = MessageConnection(socket)
            var fields = FieldWriter()
            fields.append(1, runID)
            fields.append(2, generation)
            fields.append(3, rank)
            try connection.send(
                ControlType.ringEdge.frameType, payload: fields.bytes,
                timeout: options.failureTimeout)
            return connection
        } catch {
            throw RingFailure(
                peer: peer.number,
                reason: "worker \(members[rank].number) could not reach worker \(peer.number) at "
                    + "\(peer.endpoint): \(error)")
        }
    }
}
