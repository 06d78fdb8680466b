import Runtime

/// What a member knows of a round beside its sums; small, and exchanged with all others.
struct RoundSummary: Equatable {
    /// 0, or 1 when the step is computed again with the true exponents.
    var round: UInt8
    /// Each added shard's numbers, by shard.
    var shards: [Int: [Double]]
    /// The largest exponent of any contribution, one a block.
    var maxima: [UInt8]
    /// Each validated batch's numbers, by its number.
    var validation: [Int: [Double]]

    /// Little-endian: round, shards, maxima, validation; lists with their counts before them.
    func encoded() -> [UInt8] {
        var bytes: [UInt8] = [round]
        func append(_ value: UInt64) {
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: value >> shift))
            }
        }
        func append(_ entries: [Int: [Double]]) {
            append(UInt64(entries.count))
            for (key, numbers) in entries.sorted(by: { $0.key < $1.key }) {
                append(UInt64(key))
                append(UInt64(numbers.count))
                for number in numbers { append(number.bitPattern) }
            }
        }
        append(shards)
        append(UInt64(maxima.count))
        bytes += maxima
        append(validation)
        return bytes
    }

    /// Reads what a member sent.
    ///
    /// - Throws: `RoundError.damagedSummary` for anything that `encoded()` does not write.
    init(decoding bytes: [UInt8]) throws(RoundError) {
        var position = 1
        func next() throws(RoundError) -> UInt64 {
            guard position + 8 <= bytes.count else {
                throw .damagedSummary("cut off at byte \(bytes.count)")
            }
            defer { position += 8 }
            return (0..<8).reduce(0) { $0 | UInt64(bytes[position + $1]) << (8 * UInt64($1)) }
        }
        func count(of size: Int) throws(RoundError) -> Int {
            let count = try next()
            guard count <= UInt64((bytes.count - position) / size) else {
                throw .damagedSummary("\(count) entries do not fit \(bytes.count) bytes")
            }
            return Int(count)
        }
        func entries() throws(RoundError) -> [Int: [Double]] {
            var result: [Int: [Double]] = [:]
            for _ in 0..<(try count(of: 16)) {
                let key = Int(truncatingIfNeeded: try next())
                var numbers: [Double] = []
                for _ in 0..<(try count(of: 8)) { numbers.append(Double(bitPattern: try next())) }
                result[key] = numbers
            }
            return result
        }
        guard let round = bytes.first else { throw .damagedSummary("empty") }
        self.round = round
        shards = try entries()
        let blocks = try count(of: 1)
        maxima = Array(bytes[position..<position + blocks])
        position += blocks
        validation = try entries()
        guard position == bytes.count else {
            throw .damagedSummary("\(bytes.count - position) bytes too many")
        }
    }

    /// Refuses what no member of this run sends: other shards or batches than there are, or other counts of numbers.
    ///
    /// - Parameters:
    ///   - shardCount: Shards of a step.
    ///   - shardNumbers: Numbers of each.
    ///   - batchCount: Batches of a validation.
    ///   - batchNumbers: Numbers of each.
    /// - Throws: `RoundError.damagedSummary`.
    func check(
        shardCount: Int, shardNumbers: Int, batchCount: Int, batchNumbers: Int
    ) throws(RoundError) {
        for (what, entries, count, numbers) in [
            ("shard", shards, shardCount, shardNumbers),
            ("validation batch", validation, batchCount, batchNumbers),
        ] {
            for (key, list) in entries.sorted(by: { $0.key < $1.key }) {
                guard (0..<count).contains(key) else {
                    throw .damagedSummary("it has \(what) \(key), and there are \(count)")
                }
                guard list.count == numbers else {
                    throw .damagedSummary(
                        "\(what) \(key) has \(list.count) numbers instead of \(numbers)")
                }
            }
        }
    }

    init(
        round: UInt8, shards: [Int: [Double]], maxima: [UInt8], validation: [Int: [Double]]
    ) {
        self.round = round
        self.shards = shards
        self.maxima = maxima
        self.validation = validation
    }
}

/// Why a round cannot be concluded.
public enum RoundError: Error, Equatable, CustomStringConvertible {
    case damagedSummary(String)
    case differentRounds([UInt8])
    case shardMissing(Int)
    case shardTwice(Int)
    case blockCountDiffers(Int, expected: Int)
    case exponentsDiffer(block: Int)

    /// What is wrong, and what it means.
    public var description: String {
        switch self {
        case .damagedSummary(let reason): "a member's summary is damaged: \(reason)"
        case .differentRounds(let rounds): "members concluded different rounds: \(rounds)"
        case .shardMissing(let shard): "nobody computed shard \(shard)"
        case .shardTwice(let shard): "shard \(shard) was added twice"
        case .blockCountDiffers(let count, let expected):
            "a member has \(count) gradient blocks instead of \(expected): it trains another model"
        case .exponentsDiffer(let block):
            "block \(block) was larger when it was computed again: the computation is not the same "
                + "twice on some member (faulty memory or another math library?)"
        }
    }
}
