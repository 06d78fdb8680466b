/// How the sums of a step lie in one buffer of integer lanes, and in which pieces they travel.
public struct ReductionLayout: Sendable, Equatable {
    /// Width of a lane: 32, 16 or 8 bits.
    public let laneBits: Int
    /// Number of lanes.
    public let elementCount: Int
    /// Element ranges in travelling order; they cover all lanes and do not overlap.
    public let buckets: [Range<Int>]

    /// A layout.
    ///
    /// - Precondition: `laneBits` is 32, 16 or 8; the buckets cover all lanes without overlap.
    public init(laneBits: Int, elementCount: Int, buckets: [Range<Int>]) {
        precondition(
            [8, 16, 32].contains(laneBits), "a lane has 8, 16 or 32 bits, not \(laneBits)")
        var end = 0
        let inOrder = buckets.sorted {
            ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound)
        }
        for bucket in inOrder {
            precondition(bucket.lowerBound == end, "bucket \(bucket) does not begin at lane \(end)")
            end = bucket.upperBound
        }
        precondition(end == elementCount, "buckets cover \(end) of \(elementCount) lanes")
        self.laneBits = laneBits
        self.elementCount = elementCount
        self.buckets = buckets
    }

    /// Bytes of the whole buffer.
    public var byteCount: Int { elementCount * laneBits / 8 }
}
