import Collectives
import Transport

/// Makes the exchange of a generation: how its members find each other, and what their bytes travel on, is its own affair.
///
/// Workers of a run must have the same one.
public protocol ExchangeConnector: Sendable {
    /// Connects the members; called on a thread of its own, once a generation.
    ///
    /// - Parameters:
    ///   - generation: Who takes part.
    ///   - onFailure: Called once, from any thread, when the exchange fails after it was made; not where it was given up.
    /// - Returns: The exchange, of that rank among that many.
    /// - Throws: `CollectiveError` where the members cannot be connected.
    func connect(
        _ generation: ExchangeGeneration,
        onFailure: @escaping @Sendable (CollectiveError) -> Void
    ) throws(CollectiveError) -> any Exchange
}

/// A generation as one of its members sees it.
public struct ExchangeGeneration: Sendable {
    /// The run, which strangers do not know.
    public let runID: String
    /// Grows from generation to generation.
    public let number: UInt32
    /// By rank.
    public let members: [ExchangeMember]
    /// This member's place.
    public let rank: Int
    /// Connections that other members make to this one's data port.
    public let incoming: IncomingEdges
    /// A member that is silent for this long is dead.
    public let failureTimeout: Duration
    /// Waits for connections, and has the clock.
    public let waiter: any StreamWaiter
}
