/// Assigns the logical shards of a step to the members of the exchange.
///
/// A shard that was added to somebody's sums cannot be given away, so within a step everybody keeps what it
/// has and only shards that nobody has are assigned. Who has which shard never shows in the result.
enum ShardAssignment {
    /// The shards of every member, ascending.
    ///
    /// - Parameters:
    ///   - shardCount: Number of shards of a step.
    ///   - held: The shards in every member's sums, by rank; a shard that two claim stays with the first.
    /// - Returns: By rank; every shard is in one list.
    static func assign(shardCount: Int, held: [[Int]]) -> [[Int]] {
        var owners = [Int?](repeating: nil, count: shardCount)
        for (rank, shards) in held.enumerated() {
            for shard in shards where shard < shardCount && owners[shard] == nil {
                owners[shard] = rank
            }
        }
        var counts = held.indices.map { rank in owners.count { $0 == rank } }
        let orphans = owners.indices.filter { owners[$0] == nil }
        // Whole runs of neighbours go to one member, as many as bring everybody to the same level.
        var assigned = [Int](repeating: 0, count: held.count)
        for _ in orphans {
            guard let poorest = counts.indices.min(by: { (counts[$0], $0) < (counts[$1], $1) })
            else { break }
            counts[poorest] += 1
            assigned[poorest] += 1
        }
        var next = orphans.makeIterator()
        for rank in assigned.indices {
            for _ in 0..<assigned[rank] {
                if let shard = next.next() { owners[shard] = rank }
            }
        }
        return held.indices.map { rank in owners.indices.filter { owners[$0] == rank } }
    }
}
