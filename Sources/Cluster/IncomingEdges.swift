import Runtime
import Transport

/// Edges of rings that others have dialled, until the generation that they belong to asks for them.
public final class IncomingEdges: Sendable {
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
    public func take(generation: UInt32, rank: Int, timeout: Duration) -> MessageConnection? {
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
