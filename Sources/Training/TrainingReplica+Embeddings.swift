import Pretraining

/// What shards give to each other before their losses, for one step.
struct GatheredEmbeddings {
    /// Each known shard's embeddings.
    var shards: [Int: [Float]] = [:]
    /// All of them in order, once all are known.
    var batch: GatheredBatch?
}

/// The first phase of a step whose loss looks at the whole batch.
///
/// Embeddings are computed without keeping what the backward pass needs, exchanged, and computed again in the second
/// phase: one forward pass more, but a shard can be assigned to anybody at any time, and memory is that of one shard.
extension TrainingReplica {
    /// Whether a step has this phase.
    public var gathersEmbeddings: Bool { gathering != nil }

    /// The embeddings of shards as they travel; what is known already is not computed again.
    ///
    /// - Throws: When a window cannot be read.
    public func embeddings(of shards: [Int]) throws -> [UInt8] {
        let missing = shards.filter { gathered.shards[$0] == nil }
        let count = configuration.shardSize * (gathering?.numbersPerSample ?? 0)
        let computed = try pool.map(missing.count) { [self] task, thread in
            let embeddings = try threads[thread].embeddings(
                of: trainingShard(missing[task]), from: source)
            precondition(
                embeddings.count == count,
                "\(embeddings.count) numbers of embeddings instead of \(count)")
            return embeddings
        }
        gathered.shards.merge(zip(missing, computed)) { _, new in new }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(shards.count * (8 + count * 4))
        for shard in shards.sorted() {
            withUnsafeBytes(of: UInt64(shard).littleEndian) { bytes += $0 }
            for value in gathered.shards[shard] ?? [] {
                withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
            }
        }
        return bytes
    }

    /// Takes all members' embeddings.
    ///
    /// - Throws: `RoundError` where they are damaged or a shard is missing.
    public func adoptEmbeddings(_ payloads: [[UInt8]]) throws {
        let count = configuration.shardSize * (gathering?.numbersPerSample ?? 0)
        let length = 8 + count * 4
        for payload in payloads {
            guard payload.count.isMultiple(of: length) else {
                throw RoundError.damagedSummary(
                    "\(payload.count) bytes of embeddings are not whole shards of \(length)")
            }
            try payload.withUnsafeBytes { bytes in
                for start in stride(from: 0, to: payload.count, by: length) {
                    let word = bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self)
                    guard let shard = Int(exactly: UInt64(littleEndian: word)),
                        shard < logicalShards
                    else { throw RoundError.damagedSummary("embeddings of shard \(word)") }
                    guard gathered.shards[shard] == nil else { continue }
                    gathered.shards[shard] = (0..<count).map {
                        let bits = bytes.loadUnaligned(
                            fromByteOffset: start + 8 + $0 * 4, as: UInt32.self)
                        return Float(bitPattern: UInt32(littleEndian: bits))
                    }
                }
            }
        }
        guard gathered.batch == nil else { return }
        var embeddings: [Float] = []
        embeddings.reserveCapacity(count * logicalShards)
        for shard in 0..<logicalShards {
            guard let part = gathered.shards[shard] else { throw RoundError.shardMissing(shard) }
            embeddings += part
        }
        gathered.batch = GatheredBatch(
            rows: embeddings, windows: trainingWindows(0..<configuration.batchSize),
            logicalShards: logicalShards)
    }
}
