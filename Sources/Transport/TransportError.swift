import Runtime

/// What can go wrong between two processes.
public enum TransportError: Error, Equatable, CustomStringConvertible {
    case unresolved(address: NetworkAddress, reason: String)
    case cannotListen(address: NetworkAddress, reason: String)
    case unreachable(address: NetworkAddress, tries: [String])
    case closedByPeer(peer: String)
    case timedOut(peer: String, waitingFor: String, after: Duration)
    case refusedByPeer(peer: String, reason: String)
    case shutDown(peer: String)
    case badFrame(peer: String, FrameError)
    case system(SystemError)

    /// What happened, the values, and what to do.
    public var description: String {
        switch self {
        case .unresolved(let address, let reason):
            "cannot resolve host \"\(address.host)\" of \(address): \(reason)"
        case .cannotListen(let address, let reason):
            "cannot listen on \(address): \(reason)"
        case .unreachable(let address, let tries):
            "cannot reach \(address): " + tries.joined(separator: "; ")
        case .closedByPeer(let peer):
            "\(peer) closed the connection"
        case .timedOut(let peer, let waitingFor, let after):
            "\(peer): \(waitingFor) took longer than \(after)"
        case .refusedByPeer(let peer, let reason):
            "\(peer) refused the connection: \(reason)"
        case .shutDown(let peer):
            "the connection to \(peer) was shut down on this side"
        case .badFrame(let peer, let error):
            "\(peer): \(error)"
        case .system(let error):
            error.description
        }
    }
}
