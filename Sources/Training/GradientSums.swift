import Collectives
import Kernels
import NeuralNetworks
import Runtime
import Tensors

/// A part of the gradient whose numbers share an exponent.
struct GradientBlock: Sendable {
    /// First lane.
    let offset: Int
    /// Number of lanes.
    let count: Int
}

/// How gradients lie in integer lanes: blocks, buckets, and what one contribution may fill.
struct GradientLayout: Sendable {
    /// For each trained parameter and statistic (by index) its blocks; empty for what is frozen.
    let blocksOfParameter: [Range<Int>]
    /// All blocks in lane order.
    let blocks: [GradientBlock]
    /// For each of these its bucket.
    let bucketOfParameter: [Int]
    /// Parameters in each bucket.
    let parametersInBucket: [Int]
    /// What travels.
    let reduction: ReductionLayout
    /// Bits of the magnitude of one shard's contribution.
    let contributionBits: Int

    /// Bytes of a bucket, at least, where the model is large enough.
    static let bucketBytes = 4 << 20

    init(parameters: Parameters, laneBits: Int, logicalShards: Int) {
        var blocksOfParameter = Array(repeating: 0..<0, count: parameters.count)
        var bucketOfParameter = Array(repeating: 0, count: parameters.count)
        var blocks: [GradientBlock] = []
        var buckets: [Range<Int>] = []
        var parametersInBucket: [Int] = []
        var (bucketStart, members) = (0, 0)
        let summed = parameters.specifications.indices
            .filter { parameters[$0].role != .frozen }
            .sorted { parameters.offsets[$0] < parameters.offsets[$1] }
        for (place, index) in summed.enumerated() {
            let (first, start) = (blocks.count, parameters.offsets[index])
            for offset in stride(from: 0, to: parameters[index].count, by: FixedPoint.blockSize) {
                let count = min(FixedPoint.blockSize, parameters[index].count - offset)
                blocks.append(GradientBlock(offset: start + offset, count: count))
            }
            blocksOfParameter[index] = first..<blocks.count
            bucketOfParameter[index] = buckets.count
            members += 1
            let isLast = place == summed.count - 1
            let end = isLast ? parameters.summedCount : parameters.offsets[summed[place + 1]]
            if isLast || (end - bucketStart) * laneBits / 8 >= Self.bucketBytes {
                buckets.append(bucketStart..<end)
                parametersInBucket.append(members)
                (bucketStart, members) = (end, 0)
            }
        }
        self.blocksOfParameter = blocksOfParameter
        self.bucketOfParameter = bucketOfParameter
        self.parametersInBucket = parametersInBucket
        self.blocks = blocks
        reduction = ReductionLayout(
            laneBits: laneBits, elementCount: parameters.summedCount, buckets: buckets)
        let shardBits = Int.bitWidth - (logicalShards - 1).leadingZeroBitCount
        contributionBits = laneBits - 1 - shardBits
    }
}

/// The integer sums of the shards that were computed here, filled by several threads at once.
///
/// `@unchecked Sendable`: a parameter's lanes and maxima are touched under its lock only; between rounds one thread
/// has the whole.
final class GradientSums: @unchecked Sendable {
    let layout: GradientLayout
    /// The lanes.
    let local: TensorStorage
    /// The exponents that lanes are scaled by, one a block; beyond a byte where a margin was added.
    private(set) var exponents: [Int]
    /// The largest exponent of any contribution so far, one a block.
    var maxima: [UInt8] { Array(largest) }
    /// Bare memory: threads under different locks may write their blocks, but no two may write one array.
    private let largest: UnsafeMutableBufferPointer<UInt8>
    private let locks: [Locked<Void>]

    init(layout: GradientLayout) {
        self.layout = layout
        local = TensorStorage(byteCount: layout.reduction.byteCount)
        exponents = Array(repeating: 0, count: layout.blocks.count)
        largest = .allocate(capacity: layout.blocks.count)
        largest.initialize(repeating: 0)
        locks = layout.blocksOfParameter.map { _ in Locked(()) }
    }

    deinit { largest.deallocate() }

    /// Empties the sums and fixes the exponents for a round.
    func begin(exponents: [Int]) {
        self.exponents = exponents
        largest.update(repeating: 0)
        local.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    /// Adds a shard's gradient of one parameter.
    ///
    /// - Parameters:
    ///   - gradient: All of the parameter's numbers.
    ///   - parameter: Its index.
    ///   - random: The stream for stochastic rounding of a block; used with lanes below 32 bits.
    func add(
        _ gradient: UnsafePointer<Float>, of parameter: Int,
        random: (_ block: Int) -> RandomStream
    ) {
        guard let lanes = local.bytes.baseAddress else { return }
        let blocks = layout.blocksOfParameter[parameter]
        guard let first = blocks.first.map({ layout.blocks[$0].offset }) else { return }
        locks[parameter].withLock { _ in
            for index in blocks {
                let block = layout.blocks[index]
                let x = gradient + (block.offset - first)
                let exponent = FixedPoint.exponent(of: x, count: block.count)
                if exponent > largest[index] { largest[index] = exponent }
                guard exponent < 255 else { continue }
                let scale = FixedPoint.scale(
                    exponent: exponents[index], bits: layout.contributionBits)
                add(x, block: block, scale: scale, to: lanes) { random(index) }
            }
        }
    }

    private func add(
        _ x: UnsafePointer<Float>, block: GradientBlock, scale: Double,
        to lanes: UnsafeMutableRawPointer, random: () -> RandomStream
    ) {
        let bits = layout.contributionBits
        switch layout.reduction.laneBits {
        case 32:
            FixedPoint.accumulate(
                x, scale: scale, bits: bits, count: block.count,
                into: lanes.assumingMemoryBound(to: Int32.self) + block.offset)
        case 16:
            var stream = random()
            FixedPoint.accumulateStochastically(
                x, scale: scale, bits: bits, count: block.count, random: &stream,
                into: lanes.assumingMemoryBound(to: Int16.self) + block.offset)
        default:
            var stream = random()
            FixedPoint.accumulateStochastically(
                x, scale: scale, bits: bits, count: block.count, random: &stream,
                into: lanes.assumingMemoryBound(to: Int8.self) + block.offset)
        }
    }

    /// Turns a block of sums back into the mean gradient over the shards.
    func restore(
        _ index: Int, from lanes: UnsafeRawPointer, logicalShards: Int,
        into gradient: UnsafeMutablePointer<Float>
    ) {
        let block = layout.blocks[index]
        let scale = FixedPoint.scale(exponent: exponents[index], bits: layout.contributionBits)
        let factor = Float(1 / (scale * Double(logicalShards)))
        switch layout.reduction.laneBits {
        case 32:
            FixedPoint.restore(
                lanes.assumingMemoryBound(to: Int32.self) + block.offset, factor: factor,
                count: block.count, into: gradient)
        case 16:
            FixedPoint.restore(
                lanes.assumingMemoryBound(to: Int16.self) + block.offset, factor: factor,
                count: block.count, into: gradient)
        default:
            FixedPoint.restore(
                lanes.assumingMemoryBound(to: Int8.self) + block.offset, factor: factor,
                count: block.count, into: gradient)
        }
    }
}
