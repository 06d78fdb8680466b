import Collectives
import Foundation
import Runtime
import Tensors

@testable import Cluster

/// A trainer of whole numbers: quick, exact, and different for every order of steps.
final class ToyReplica: Replica {
    let logicalShards: Int
    let layout: ReductionLayout
    let finalStep: UInt64
    let state: [NamedTensor]
    private let count = 600
    private let secondsPerShard: Double
    private let local: TensorStorage
    private let reduced: TensorStorage
    private var round: UInt8 = 0

    init(
        shards: Int = 6, steps: UInt64 = 20, ballastBytes: Int = 0, secondsPerShard: Double = 0,
        gathersEmbeddings: Bool = false
    ) {
        self.gathersEmbeddings = gathersEmbeddings
        logicalShards = shards
        finalStep = steps
        self.secondsPerShard = secondsPerShard
        layout = ReductionLayout(
            laneBits: 32, elementCount: count,
            buckets: [count / 2..<count, count / 4..<count / 2, 0..<count / 4])
        let ballast = Tensor(.uint8, shape: [ballastBytes])
        for i in 0..<ballastBytes { ballast.bytes[i] = UInt8(truncatingIfNeeded: i &* i >> 7) }
        state = [
            NamedTensor("ballast", ballast),
            NamedTensor("state.step", Tensor(.int64, shape: [1])),
            NamedTensor("weights", Tensor(.int32, shape: [count])),
        ]
        local = TensorStorage(byteCount: layout.byteCount)
        reduced = TensorStorage(byteCount: layout.byteCount)
    }

    var step: UInt64 {
        get { UInt64(state[1].tensor.bytes.load(as: Int64.self)) }
        set { state[1].tensor.bytes.storeBytes(of: Int64(newValue), as: Int64.self) }
    }
    var localSums: UnsafeMutableRawBufferPointer { local.bytes }
    var reducedSums: UnsafeMutableRawBufferPointer { reduced.bytes }
    private var weights: UnsafeMutableBufferPointer<Int32> {
        state[2].tensor.bytes.assumingMemoryBound(to: Int32.self)
    }
    private var needsSecondRound: Bool { step % 3 == 1 }

    let gathersEmbeddings: Bool
    /// Called between the exchange of embeddings and the adding of shards.
    var afterEmbeddings: () -> Void = {}
    private var knownEmbeddings: [Int: UInt64] = [:]
    private var embeddingsAreWhole = false

    func adoptState() {
        knownEmbeddings = [:]
        embeddingsAreWhole = false
    }

    func embeddings(of shards: [Int]) -> [UInt8] {
        for shard in shards where knownEmbeddings[shard] == nil {
            knownEmbeddings[shard] = mix(UInt64(truncatingIfNeeded: Int(weights[shard])) ^ step)
        }
        return shards.flatMap { shard in
            [UInt8(shard)] + withUnsafeBytes(of: knownEmbeddings[shard] ?? 0) { Array($0) }
        }
    }

    func adoptEmbeddings(_ payloads: [[UInt8]]) {
        for payload in payloads {
            for start in stride(from: 0, to: payload.count, by: 9) {
                let value = payload[start + 1..<start + 9].withUnsafeBytes {
                    $0.loadUnaligned(as: UInt64.self)
                }
                let former = knownEmbeddings.updateValue(value, forKey: Int(payload[start]))
                precondition(former == nil || former == value, "two members' embeddings differ")
            }
        }
        embeddingsAreWhole = (0..<logicalShards).allSatisfy { knownEmbeddings[$0] != nil }
        afterEmbeddings()
    }

    func beginRound(exponents: [UInt8]?) {
        round = exponents == nil ? 0 : 1
        local.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    func add(shards: [Int], bucketReady: @escaping @Sendable (Int) -> Void) throws {
        let sums = local.bytes.assumingMemoryBound(to: Int32.self)
        precondition(
            embeddingsAreWhole || !gathersEmbeddings,
            "shards are added before all embeddings are known")
        let all = knownEmbeddings.values.reduce(0, &+)
        for shard in shards {
            // What computing takes, not a wait for anything.
            if secondsPerShard > 0 { usleep(UInt32(secondsPerShard * 1e6)) }
            for i in 0..<count {
                let seed = UInt64(truncatingIfNeeded: Int(weights[i]))
                let value = mix(
                    seed ^ all
                        ^ mix(step &* 31 &+ UInt64(shard * 7 + Int(round)) &+ UInt64(i) << 20))
                sums[i] &+= Int32(truncatingIfNeeded: value) >> 8
            }
        }
        for bucket in layout.buckets.indices { bucketReady(bucket) }
    }

    func summary(rank: Int, worldSize: Int) -> [UInt8] { [UInt8(rank), UInt8(worldSize)] }

    func conclude(summaries: [[UInt8]]) -> RoundOutcome {
        precondition(
            summaries.enumerated().allSatisfy { $1 == [UInt8($0), UInt8(summaries.count)] })
        return round == 0 && needsSecondRound ? .recompute(exponents: [1, 2, 3]) : .whole
    }

    func reducedChecksum() -> UInt32 { CRC32.checksum(of: UnsafeRawBufferPointer(reduced.bytes)) }

    func apply() -> JSONValue {
        let sums = reduced.bytes.assumingMemoryBound(to: Int32.self)
        for i in 0..<count {
            weights[i] = Int32(
                truncatingIfNeeded: mix(
                    UInt64(truncatingIfNeeded: Int(weights[i] &+ sums[i])) &+ step))
        }
        step += 1
        adoptState()
        return ["loss": .number(1 / Double(step)), "learning_rate": 0.1]
    }

    func closingSummary(rank: Int, worldSize: Int) -> [UInt8]? { [7] }
    func close(summaries: [[UInt8]]) -> JSONValue {
        ["validation_loss": .number(Double(summaries.count))]
    }
}
