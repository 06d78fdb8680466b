import Collectives
import Runtime

/// Why a generation's exchange is of no use.
struct ExchangeFailure: Equatable {
    /// Number of the member at fault, if it is one's fault.
    let peer: UInt32?
    let reason: String

    /// A failure in terms of the run's members.
    init(_ error: CollectiveError, members: [ExchangeMember]) {
        let peer = error.suspect.flatMap { members.indices.contains($0) ? members[$0] : nil }
        self.peer = peer?.number
        reason = error.description
    }
}

/// A generation's exchange, from the moment that its members are known: members find each other on a thread of its own,
/// while the main thread may compute already.
///
/// It is an exchange itself: what is begun and submitted before the members are connected is handed on the moment that
/// they are.
final class ExchangeFormation: Exchange {
    let generation: UInt32
    let rank: Int
    let members: [ExchangeMember]
    var worldSize: Int { members.count }

    private struct State {
        var formed: (any Exchange)?
        var failure: CollectiveError?
        /// Begins the reduction that waits for the members.
        var begin: ((any Exchange) -> Void)?
        var submitted: [Int] = []
    }

    private let state: Monitor<State>

    /// Begins to connect the members.
    ///
    /// - Parameters:
    ///   - generation: The one that the exchange is for.
    ///   - onFailure: Called once, from some thread, when the exchange cannot be formed or fails later.
    ///   - connect: Connects the members, on a thread of its own; what it makes calls the closure once when it fails later.
    init(
        _ generation: ExchangeGeneration,
        onFailure: @escaping @Sendable (CollectiveError) -> Void,
        connect:
            @escaping @Sendable (@escaping @Sendable (CollectiveError) -> Void)
            throws(CollectiveError) -> any Exchange
    ) {
        self.generation = generation.number
        members = generation.members
        rank = generation.rank
        let state = Monitor(State())
        self.state = state
        do throws(SystemError) {
            _ = try NamedThread("form \(generation.number)", stackBytes: 512 << 10) {
                do throws(CollectiveError) {
                    let formed = try connect { error in
                        if error != .aborted { onFailure(error) }
                    }
                    Self.adopt(formed, state)
                } catch {
                    let isLate = state.update { state in
                        defer { state.failure = state.failure ?? error }
                        return state.failure != nil
                    }
                    if !isLate { onFailure(error) }
                }
            }
        } catch {
            state.update { $0.failure = .system(error) }
        }
    }

    private static func adopt(_ formed: any Exchange, _ state: Monitor<State>) {
        let isLate = state.update { state in
            guard state.failure == nil else { return true }
            state.formed = formed
            state.begin?(formed)
            for bucket in state.submitted { formed.submit(bucket: bucket) }
            state.begin = nil
            state.submitted = []
            return false
        }
        if isLate { formed.abort() }
    }

    // MARK: As an exchange

    func waitUntilFormed() throws(CollectiveError) { _ = try formed() }

    private func formed() throws(CollectiveError) -> any Exchange {
        let result = state.wait(
            until: { $0.formed != nil || $0.failure != nil }, then: { ($0.formed, $0.failure) })
        // One that was given up after it was formed says so itself, once it touches no buffer any more.
        if let formed = result?.0 { return formed }
        throw result?.1 ?? .aborted
    }

    func begin(
        step: UInt64, round: UInt8, layout: ReductionLayout, local: UnsafeRawBufferPointer,
        reduced: UnsafeMutableRawBufferPointer
    ) {
        state.withLock { state in
            let begin = { (exchange: any Exchange) in
                exchange.begin(
                    step: step, round: round, layout: layout, local: local, reduced: reduced)
            }
            if let formed = state.formed { return begin(formed) }
            state.begin = begin
            state.submitted = []
        }
    }

    func submit(bucket: Int) {
        state.withLock { state in
            if let formed = state.formed { return formed.submit(bucket: bucket) }
            state.submitted.append(bucket)
        }
    }

    func finish() throws(CollectiveError) { try formed().finish() }

    func allGather(_ payload: [UInt8], step: UInt64, round: UInt8) throws(CollectiveError)
        -> [[UInt8]]
    {
        try formed().allGather(payload, step: step, round: round)
    }

    func abort() {
        let formed = state.update { state in
            state.failure = state.failure ?? .aborted
            return state.formed
        }
        formed?.abort()
    }

    var statistics: ExchangeStatistics {
        state.withLock { $0.formed }?.statistics ?? ExchangeStatistics()
    }
}
