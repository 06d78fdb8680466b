import Collectives
import Runtime

/// Runs the steps of a replica: the one place that says what is called in which order.
///
/// A step is one or more rounds, each of which ends with whole sums, and then the update. In a cluster a round may be
/// begun again with other members, and the update waits for the commit; a process that trains alone does the same
/// without waiting. One thread uses it.
public final class StepRunner {
    /// A round as far as this member is concerned.
    public struct Round: Sendable, Equatable {
        /// 0, or 1 with the true exponents.
        public var number: UInt8
        /// Empty in round 0.
        public var exponents: [UInt8]
        /// Whether the local sums begin empty; not where a round goes on with other members.
        public var begins: Bool
        /// All shards that this member has in this step.
        public var shards: [Int]
        /// Those that are still to be added.
        public var missing: [Int]

        /// A round by its parts.
        public init(number: UInt8, exponents: [UInt8], begins: Bool, shards: [Int], missing: [Int])
        {
            self.number = number
            self.exponents = exponents
            self.begins = begins
            self.shards = shards
            self.missing = missing
        }

        /// A round that nothing has interrupted yet.
        ///
        /// - Parameters:
        ///   - shards: All that this member has.
        ///   - exponents: The true ones, for round 1.
        public init(shards: [Int], exponents: [UInt8]? = nil) {
            self.init(
                number: exponents == nil ? 0 : 1, exponents: exponents ?? [], begins: true,
                shards: shards, missing: shards)
        }
    }

    /// The exchange failed in the middle of a round, which may go on in another one.
    public struct Interruption: Error, CustomStringConvertible {
        /// What became of the exchange.
        public let error: CollectiveError
        /// Whether the shards that the round was to add are in the local sums.
        public let isAdded: Bool
        /// What became of the exchange.
        public var description: String { error.description }
    }

    /// The loss or a gradient of a step is not finite and the run's policy is to stop.
    public struct Divergence: Error, CustomStringConvertible {
        /// What is not finite, and what to do.
        public let description: String
    }

    /// A step that is done.
    public struct Outcome: Sendable {
        /// What the replica says of it.
        public let report: StepReport
        /// Whether it was computed again with the true exponents.
        public let recomputed: Bool
        /// Where its time went.
        public let timings: StepTimings
    }

    private let replica: any Replica
    private let clock: any MonotonicClock
    /// Where the time of the step in hand went, all of its rounds together.
    public private(set) var timings = StepTimings()
    private var timedStep: UInt64?
    /// Whether the replica's state is that of a finished step: no longer once an update has failed.
    public private(set) var holdsWholeState = true

    /// A runner of a replica's steps.
    public init(_ replica: any Replica, clock: any MonotonicClock = SystemClock()) {
        self.replica = replica
        self.clock = clock
    }

    // MARK: A round

    /// Makes the sums of a round whole.
    ///
    /// - Parameters:
    ///   - round: What this member has to add.
    ///   - exchange: With all members; it may still be forming, and buckets travel from the moment that it is formed.
    /// - Returns: What all members conclude.
    /// - Throws: `Interruption` where the exchange failed; whatever else kept a shard from being computed.
    public func make(_ round: Round, over exchange: any Exchange) throws -> RoundOutcome {
        if timedStep != replica.step { timings = StepTimings() }
        timedStep = replica.step
        let sentBefore = exchange.statistics.sentBytes
        defer { timings.wireBytes += exchange.statistics.sentBytes - sentBefore }
        if round.begins {
            replica.beginRound(exponents: round.number == 0 ? nil : round.exponents)
        }
        if replica.gathersEmbeddings { try gatherEmbeddings(round, exchange) }
        try add(round, exchange)
        try reduce(exchange)
        let summary = try replica.summary(rank: exchange.rank, worldSize: exchange.worldSize)
        let summaries = try allGather(summary, round, exchange, isAdded: true)
        return try replica.conclude(summaries: summaries)
    }

    /// Every member gives the embeddings of all its shards, so that one who came to know less before a failure catches up.
    private func gatherEmbeddings(_ round: Round, _ exchange: any Exchange) throws {
        let start = clock.now
        let embeddings = try replica.embeddings(of: round.shards)
        timings.compute += clock.seconds(since: start)
        let all = try allGather(embeddings, round, exchange, isAdded: false)
        let gathered = clock.now
        try replica.adoptEmbeddings(all)
        timings.compute += clock.seconds(since: gathered)
    }

    /// Computes what is missing; buckets travel while later shards are computed.
    private func add(_ round: Round, _ exchange: any Exchange) throws {
        exchange.begin(
            step: replica.step, round: round.number, layout: replica.layout,
            local: UnsafeRawBufferPointer(replica.localSums), reduced: replica.reducedSums)
        let start = clock.now
        do {
            try replica.add(shards: round.missing) { exchange.submit(bucket: $0) }
        } catch {
            // The exchange may still read the sums.
            exchange.abort()
            try? exchange.finish()
            throw error
        }
        timings.compute += clock.seconds(since: start)
    }

    private func reduce(_ exchange: any Exchange) throws(Interruption) {
        let computed = clock.now
        do throws(CollectiveError) {
            try exchange.waitUntilFormed()
            let formed = clock.now
            timings.wait += (formed - computed) / .seconds(1)
            try exchange.finish()
            timings.exchange += clock.seconds(since: formed)
        } catch {
            throw Interruption(error: error, isAdded: true)
        }
    }

    private func allGather(
        _ payload: [UInt8], _ round: Round, _ exchange: any Exchange, isAdded: Bool
    ) throws(Interruption) -> [[UInt8]] {
        let start = clock.now
        defer { timings.wait += clock.seconds(since: start) }
        do throws(CollectiveError) {
            return try exchange.allGather(payload, step: replica.step, round: round.number)
        } catch {
            throw Interruption(error: error, isAdded: isAdded)
        }
    }

    // MARK: The update

    /// Moves the state on with the sums that were concluded last.
    ///
    /// - Throws: What the replica throws; the state may then hold anything.
    public func apply() throws -> StepReport {
        let start = clock.now
        holdsWholeState = false
        let report = try replica.apply()
        holdsWholeState = true
        timedStep = nil
        return StepReport(
            step: replica.step, report: report, updateSeconds: clock.seconds(since: start))
    }

    // MARK: Without a commit

    /// A whole step where nobody has to commit it.
    ///
    /// - Parameters:
    ///   - shards: What this member adds; with those of the others, all.
    ///   - exchange: With all members.
    /// - Returns: The step, which is applied.
    /// - Throws: `Divergence`, `Interruption`, or whatever kept a shard from being computed.
    public func step(_ shards: [Int], over exchange: any Exchange) throws -> Outcome {
        var round = Round(shards: shards)
        while true {
            switch try make(round, over: exchange) {
            case .whole:
                let timings = timings
                return Outcome(
                    report: try apply(), recomputed: round.number > 0, timings: timings)
            case .recompute(let exponents): round = Round(shards: shards, exponents: exponents)
            case .diverged(let message): throw Divergence(description: message)
            }
        }
    }

    // MARK: After the last step

    /// Computes what is left after the last step.
    ///
    /// - Returns: A report like that of a step; `nil` when nothing is left.
    /// - Throws: `Interruption`, or whatever kept it from being computed.
    public func close(over exchange: any Exchange) throws -> JSONValue? {
        let summary = try replica.closingSummary(
            rank: exchange.rank, worldSize: exchange.worldSize)
        guard let summary else { return nil }
        let summaries = try allGather(
            summary, Round(shards: []), exchange, isAdded: true)
        return try replica.close(summaries: summaries)
    }
}
