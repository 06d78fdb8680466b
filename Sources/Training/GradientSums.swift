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
    /// The lanes.
    var range: Range<Int> { offset..<offset + count }
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

extension ReductionLayout {
    /// Zeroed lanes for all elements.
    func makeLanes() -> IntegerLanes { IntegerLanes(bits: laneBits, count: elementCount) }
}

/// The integer sums of the shards that were computed here, filled by several threads at once.
///
/// `@unchecked Sendable`: a parameter's lanes and maxima are touched under its lock only; between rounds one thread
/// has the whole.
final class GradientSums: @unchecked Sendable {
    let layout: GradientLayout
    /// The lanes.
    let local: IntegerLanes
    /// The exponents that lanes are scaled by, one a block; beyond a byte where a margin was added.
    private(set) var exponents: [Int]
    /// The largest exponent of any contribution so far, one a block.
    var maxima: [UInt8] { Array(largest.numbers(of: UInt8.self)) }
    /// Bare memory: threads under different locks may write their blocks, but no two may write one array.
    private let largest: Tensor
    private let locks: [Locked<Void>]

    init(layout: GradientLayout) {
        self.layout = layout
        local = layout.reduction.makeLanes()
        exponents = Array(repeating: 0, count: layout.blocks.count)
        largest = Tensor(.uint8, shape: [layout.blocks.count])
        locks = layout.blocksOfParameter.map { _ in Locked(()) }
    }

    /// Empties the sums and fixes the exponents for a round.
    func begin(exponents: [Int]) {
        self.exponents = exponents
        largest.numbers(of: UInt8.self).update(repeating: 0)
        local.clear()
    }

    /// Adds a shard's gradient of one parameter.
    ///
    /// - Parameters:
    ///   - gradient: All of the parameter's numbers.
    ///   - parameter: Its index.
    ///   - random: The stream for stochastic rounding of a block; used with lanes below 32 bits.
    func add(
        _ gradient: Numbers<Float>, of parameter: Int, random: (_ block: Int) -> RandomStream
    ) {
        let blocks = layout.blocksOfParameter[parameter]
        guard let first = blocks.first.map({ layout.blocks[$0].offset }) else { return }
        let largest = largest.numbers(of: UInt8.self)
        locks[parameter].withLock { _ in
            for index in blocks {
                let block = layout.blocks[index]
                let start = block.offset - first
                let x = gradient.part(start..<start + block.count)
                let exponent = FixedPoint.exponent(of: x)
                if exponent > largest[index] { largest[index] = exponent }
                guard exponent < 255 else { continue }
                let scale = FixedPoint.scale(
                    exponent: exponents[index], bits: layout.contributionBits)
                local.add(
                    x, at: block.offset, scale: scale,
                    contributionBits: layout.contributionBits
                ) { random(index) }
            }
        }
    }

    /// Turns a block of sums back into the mean gradient over the shards.
    ///
    /// - Parameters:
    ///   - index: The block.
    ///   - lanes: The sums.
    ///   - logicalShards: Shards that they are of.
    ///   - gradient: As many numbers as the block has.
    func restore(
        _ index: Int, from lanes: IntegerLanes, logicalShards: Int,
        into gradient: Numbers<Float>
    ) {
        let block = layout.blocks[index]
        precondition(
            gradient.count == block.count, "\(gradient.count) numbers for \(block.count) lanes")
        let scale = FixedPoint.scale(exponent: exponents[index], bits: layout.contributionBits)
        lanes.restore(
            from: block.offset, factor: Float(1 / (scale * Double(logicalShards))),
            into: gradient)
    }
}
