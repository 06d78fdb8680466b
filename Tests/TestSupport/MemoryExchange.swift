import Collectives
import Runtime

/// An exchange of members that share this process's memory: no bytes travel.
///
/// Made through the public seam alone, so that what runs over it runs over any other exchange.
///
/// `@unchecked Sendable`: members meet in `table`, which is behind a monitor; each touches its own buffers alone.
package final class MemoryExchange: Exchange, @unchecked Sendable {
    /// A call that fails as if the next member had died in it.
    package enum Fault: Sendable { case finish, allGather }

    private struct Table {
        var arrived = 0
        /// Meetings that are over.
        var meetings = 0
        var keys: [String]
        var payloads: [[UInt8]]
        /// What a member adds, once it has submitted all: a copy, for a member may be gone while others still add.
        var locals: [[UInt8]]
        var submitted: [Set<Int>]
        var failure: CollectiveError?
    }

    package let rank: Int
    package let worldSize: Int
    private let fault: Fault?
    private let table: Monitor<Table>
    private var local = UnsafeRawBufferPointer(start: nil, count: 0)
    private var reduced = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var layout: ReductionLayout?
    private var sentBytes: UInt64 = 0

    /// All members of an exchange, by rank.
    ///
    /// - Parameters:
    ///   - worldSize: How many.
    ///   - fault: The first such call of any member ends the exchange for all.
    /// - Returns: The members.
    package static func members(_ worldSize: Int, fault: Fault? = nil) -> [MemoryExchange] {
        let table = Monitor(
            Table(
                keys: Array(repeating: "", count: worldSize),
                payloads: Array(repeating: [], count: worldSize),
                locals: Array(repeating: [], count: worldSize),
                submitted: Array(repeating: [], count: worldSize)))
        return (0..<worldSize).map { MemoryExchange($0, worldSize, fault, table) }
    }

    private init(_ rank: Int, _ worldSize: Int, _ fault: Fault?, _ table: Monitor<Table>) {
        self.rank = rank
        self.worldSize = worldSize
        self.fault = fault
        self.table = table
    }

    package var statistics: ExchangeStatistics {
        var statistics = ExchangeStatistics()
        statistics.sentBytes = table.withLock { _ in sentBytes }
        return statistics
    }

    package func begin(
        step: UInt64, round: UInt8, layout: ReductionLayout, local: UnsafeRawBufferPointer,
        reduced: UnsafeMutableRawBufferPointer
    ) {
        self.layout = layout
        self.local = local
        self.reduced = reduced
        table.update { table in
            table.keys[rank] = "sum of step \(step) round \(round), \(layout)"
            table.submitted[rank] = []
        }
    }

    package func submit(bucket: Int) {
        let isFirst = table.update { $0.submitted[rank].insert(bucket).inserted }
        precondition(isFirst, "bucket \(bucket) is submitted twice")
    }

    package func finish() throws(CollectiveError) {
        try fail(at: .finish)
        guard let layout else { preconditionFailure("finish without begin") }
        let count = layout.buckets.count
        _ = table.wait(
            until: { $0.submitted[rank].count == count || $0.failure != nil }, then: { _ in })
        table.update { $0.locals[rank] = Array(local) }
        try meet()
        let locals = try agreed { $0.locals }
        for offset in 0..<layout.elementCount {
            switch layout.laneBits {
            case 32: add(locals, at: offset * 4, as: UInt32.self)
            case 16: add(locals, at: offset * 2, as: UInt16.self)
            default: add(locals, at: offset, as: UInt8.self)
            }
        }
        table.update { _ in sentBytes += UInt64(layout.byteCount) }
        try meet()
    }

    private func add<Lane: FixedWidthInteger & BitwiseCopyable>(
        _ locals: [[UInt8]], at offset: Int, as: Lane.Type
    ) {
        let sum = locals.reduce(Lane(0)) { sum, local in
            sum &+ local.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Lane.self) }
        }
        reduced.storeBytes(of: sum, toByteOffset: offset, as: Lane.self)
    }

    package func allGather(_ payload: [UInt8], step: UInt64, round: UInt8) throws(CollectiveError)
        -> [[UInt8]]
    {
        try fail(at: .allGather)
        table.update { table in
            table.keys[rank] = "gathering of step \(step) round \(round)"
            table.payloads[rank] = payload
            sentBytes += UInt64(payload.count)
        }
        try meet()
        let all = try agreed { $0.payloads }
        try meet()
        return all
    }

    package func abort() { table.update { $0.failure = $0.failure ?? .aborted } }

    private func fail(at call: Fault) throws(CollectiveError) {
        let failure = table.update { table in
            if call == fault {
                let next = (rank + 1) % worldSize
                table.failure = table.failure ?? .peerClosed(rank: next, peer: "member \(next)")
            }
            return table.failure
        }
        if let failure { throw failure }
    }

    /// Waits until all members have come to the same point.
    private func meet() throws(CollectiveError) {
        let meeting = table.update { table in
            table.arrived += 1
            defer {
                if table.arrived == worldSize {
                    table.arrived = 0
                    table.meetings += 1
                }
            }
            return table.meetings
        }
        let failure = table.wait(
            until: { $0.meetings > meeting || $0.failure != nil },
            then: { $0.meetings > meeting ? nil : $0.failure })
        if let failure = failure ?? nil { throw failure }
    }

    /// What all members have laid down, if all of them do the same.
    private func agreed<Part>(_ part: (Table) -> Part) throws(CollectiveError) -> Part {
        let (keys, part) = table.withLock { ($0.keys, part($0)) }
        if let other = keys.indices.first(where: { keys[$0] != keys[rank] }) {
            throw .violation(
                rank: other, peer: "member \(other)", what: "\(keys[other]), not \(keys[rank])")
        }
        return part
    }
}

/// Runs a closure for every member on a thread of its own, and waits for all.
///
/// - Returns: The results by rank.
/// - Throws: The error of the lowest rank that has one.
package func onEveryMember<Value: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
) throws -> [Value] {
    let results = Locked<[Int: Result<Value, any Error>]>([:])
    let threads = try (0..<count).map { rank in
        try NamedThread("member \(rank)") {
            let result = Result { try body(rank) }
            results.withLock { $0[rank] = result }
        }
    }
    for thread in threads { thread.join() }
    return try results.withLock { results in
        try (0..<count).compactMap { try results[$0]?.get() }
    }
}
