import Collectives
import Runtime
import Transport

/// Connects members to a ring: each makes the edge to the next one, and takes that of the one before.
public struct RingConnector: ExchangeConnector {
    private let compression: Compression

    /// A connector.
    ///
    /// - Parameter compression: Whether sums are compressed on their way; the sums are the same.
    public init(compression: Compression = .auto) { self.compression = compression }

    /// Makes the ring, or what a lone member has in its place.
    ///
    /// - Throws: `CollectiveError.unformed` naming both ends of the edge that could not be made, or `.system`.
    public func connect(
        _ generation: ExchangeGeneration,
        onFailure: @escaping @Sendable (CollectiveError) -> Void
    ) throws(CollectiveError) -> any Exchange {
        let (members, rank) = (generation.members, generation.rank)
        let patience = Patience(generation.failureTimeout)
        var options = RingOptions()
        options.compression = compression
        options.failureTimeout = generation.failureTimeout
        let count = members.count
        guard count > 1 else { return SingleProcessExchange() }
        let next = try dial((rank + 1) % count, generation)
        let before = (rank + count - 1) % count
        guard
            let previous = generation.incoming.take(
                generation: generation.number, rank: before, timeout: patience.connection)
        else {
            next.shutDown()
            throw .unformed(
                rank: before,
                reason: "worker \(members[before].number) at \(members[before].endpoint) did not "
                    + "connect to worker \(members[rank].number) within \(patience.connection)")
        }
        do throws(SystemError) {
            return try Ring(
                rank: rank, worldSize: count, generation: UInt64(generation.number),
                previous: previous.intoStream(), next: next.intoStream(), options: options,
                waiter: generation.waiter, onFailure: onFailure)
        } catch {
            throw .system(error)
        }
    }

    private func dial(_ peer: Int, _ generation: ExchangeGeneration) throws(CollectiveError)
        -> MessageConnection
    {
        let (members, rank) = (generation.members, generation.rank)
        let patience = Patience(generation.failureTimeout)
        let member = members[peer]
        do throws(TransportError) {
            let socket = try TCPConnector.connect(
                to: member.endpoint, timeout: patience.connection,
                failureTimeout: generation.failureTimeout, waiter: generation.waiter)
            let connection = MessageConnection(socket, waiter: generation.waiter)
            var fields = FieldWriter()
            fields.append(1, generation.runID)
            fields.append(2, generation.number)
            fields.append(3, rank)
            try connection.send(
                ControlType.ringEdge.frameType, payload: fields.bytes,
                timeout: patience.message)
            return connection
        } catch {
            throw .unformed(
                rank: peer,
                reason: "worker \(members[rank].number) could not reach worker \(member.number) at "
                    + "\(member.endpoint): \(error)")
        }
    }
}
