/// Where every chunk of a layout lies for a world size; a pure function of both, the same on every rank.
///
/// A bucket is cut into one slice a rank, a slice into chunks. Slice `s` is summed along the ring from rank `s`
/// to its owner, rank `s - 1`, and travels from there once more round.
struct ReductionGeometry: Equatable {
    struct Bucket: Equatable {
        let start: Int
        let sliceLanes: Int
        let longerSlices: Int
        let chunkLanes: Int
        let chunksPerSlice: Int
        let firstMark: Int
    }

    static let smallestChunkBytes = 64 << 10

    let layout: ReductionLayout
    let rank: Int
    let worldSize: Int
    let buckets: [Bucket]
    /// Marks that tell which chunk has arrived: one a bucket, phase, slice and chunk.
    let markCount: Int
    /// Frames that this rank receives in a whole reduction.
    let receivedFrames: Int
    /// Frames that this rank sends in a whole reduction.
    let sentFrames: Int

    init(layout: ReductionLayout, rank: Int, worldSize: Int, largestChunkBytes: Int) {
        precondition(layout.buckets.count <= 1 << 16, "\(layout.buckets.count) buckets")
        self.layout = layout
        self.rank = rank
        self.worldSize = worldSize
        let laneBytes = layout.laneBits / 8
        var marks = 0
        buckets = layout.buckets.map { range in
            let longest = (range.count + worldSize - 1) / worldSize
            // Four chunks a slice keep all hops busy; less than 64 KiB does not pay its frame.
            let bytes = min(
                max(longest * laneBytes / 4, Self.smallestChunkBytes), largestChunkBytes)
            let chunkLanes = (bytes + 63) / 64 * 64 / laneBytes
            let chunksPerSlice = (longest + chunkLanes - 1) / chunkLanes
            precondition(chunksPerSlice * worldSize < 1 << 24, "bucket \(range) is too large")
            defer { marks += 2 * worldSize * chunksPerSlice }
            return Bucket(
                start: range.lowerBound, sliceLanes: range.count / worldSize,
                longerSlices: range.count % worldSize, chunkLanes: chunkLanes,
                chunksPerSlice: chunksPerSlice, firstMark: marks)
        }
        markCount = marks
        var (received, sent) = (0, 0)
        for index in buckets.indices {
            for slice in 0..<worldSize {
                let chunks = Self.chunkCount(buckets[index], slice)
                let owned = (rank + 1) % worldSize
                received += (slice == rank ? 0 : chunks) + (slice == owned ? 0 : chunks)
                sent += (slice == owned ? 0 : chunks)
                sent += (slice == (rank + 2) % worldSize ? 0 : chunks)
            }
        }
        receivedFrames = received
        sentFrames = sent
    }

    private static func sliceLanes(_ bucket: Bucket, _ slice: Int) -> Int {
        bucket.sliceLanes + (slice < bucket.longerSlices ? 1 : 0)
    }

    private static func chunkCount(_ bucket: Bucket, _ slice: Int) -> Int {
        (sliceLanes(bucket, slice) + bucket.chunkLanes - 1) / bucket.chunkLanes
    }

    func chunkCount(bucket: Int, slice: Int) -> Int { Self.chunkCount(buckets[bucket], slice) }

    /// The lanes of a chunk.
    func lanes(_ place: ChunkPlace) -> Range<Int> {
        let bucket = buckets[place.bucket]
        let start =
            bucket.start + place.slice * bucket.sliceLanes + min(place.slice, bucket.longerSlices)
        let from = place.chunk * bucket.chunkLanes
        let to = min(from + bucket.chunkLanes, Self.sliceLanes(bucket, place.slice))
        return start + from..<start + to
    }

    func bytes(_ place: ChunkPlace) -> Range<Int> {
        let lanes = lanes(place)
        let laneBytes = layout.laneBits / 8
        return lanes.lowerBound * laneBytes..<lanes.upperBound * laneBytes
    }

    /// The chunk's number in frame headers.
    func number(_ place: ChunkPlace) -> UInt32 {
        UInt32(place.slice * buckets[place.bucket].chunksPerSlice + place.chunk)
    }

    /// The chunk that a header's numbers mean, or `nil` when there is none.
    func place(bucket: Int, number: Int) -> ChunkPlace? {
        guard bucket < buckets.count, buckets[bucket].chunksPerSlice > 0 else { return nil }
        let (slice, chunk) = number.quotientAndRemainder(
            dividingBy: buckets[bucket].chunksPerSlice)
        guard slice < worldSize, chunk < chunkCount(bucket: bucket, slice: slice) else {
            return nil
        }
        return ChunkPlace(bucket: bucket, slice: slice, chunk: chunk)
    }

    func mark(_ place: ChunkPlace, isWhole: Bool) -> Int {
        let bucket = buckets[place.bucket]
        let phase = isWhole ? worldSize * bucket.chunksPerSlice : 0
        return bucket.firstMark + phase + place.slice * bucket.chunksPerSlice + place.chunk
    }
}

/// One chunk of one slice of one bucket.
struct ChunkPlace: Equatable {
    let bucket: Int
    let slice: Int
    let chunk: Int
}
