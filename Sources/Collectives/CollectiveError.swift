import Runtime
import Transport

/// Why an exchange between ranks did not come to its end.
public enum CollectiveError: Error, Equatable, CustomStringConvertible {
    case peerClosed(rank: Int, peer: String)
    case peerLeft(rank: Int, peer: String)
    case silent(rank: Int, peer: String, after: Duration)
    case transport(rank: Int, TransportError)
    case violation(rank: Int, peer: String, what: String)
    case unformed(rank: Int?, reason: String)
    case aborted
    case system(SystemError)

    /// The rank whose edge failed; `nil` where the cause is on this side.
    public var suspect: Int? {
        switch self {
        case .peerClosed(let rank, _), .peerLeft(let rank, _), .silent(let rank, _, _),
            .transport(let rank, _), .violation(let rank, _, _):
            rank
        case .unformed(let rank, _): rank
        case .aborted, .system: nil
        }
    }

    /// What happened, with whom, and where.
    public var description: String {
        switch self {
        case .peerClosed(let rank, let peer):
            "rank \(rank) (\(peer)) closed its edge of the ring: its process has ended or left"
        case .peerLeft(let rank, let peer):
            "rank \(rank) (\(peer)) left the ring"
        case .silent(let rank, let peer, let after):
            "rank \(rank) (\(peer)) was silent for \(after) while bytes were due "
                + "(--failure-timeout)"
        case .transport(let rank, let error):
            "edge to rank \(rank): \(error)"
        case .violation(let rank, let peer, let what):
            "rank \(rank) (\(peer)) sent what cannot be: \(what)"
        case .unformed(_, let reason):
            reason
        case .aborted:
            "the exchange was given up on this side"
        case .system(let error):
            error.description
        }
    }

    init(_ error: TransportError, rank: Int) {
        if case .closedByPeer(let peer) = error {
            self = .peerClosed(rank: rank, peer: peer)
        } else {
            self = .transport(rank: rank, error)
        }
    }
}

/// Which exchange a frame belongs to.
struct ExchangeKey: Equatable, CustomStringConvertible {
    let step: UInt32
    let round: UInt8

    /// Steps wrap at 32 bits, so the order is that of their distance.
    func isOlder(than other: ExchangeKey) -> Bool {
        step == other.step ? round < other.round : Int32(bitPattern: step &- other.step) < 0
    }

    var description: String { "step \(step) round \(round)" }
}
