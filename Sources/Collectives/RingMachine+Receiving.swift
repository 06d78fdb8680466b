import Runtime
import Transport

extension RingMachine {
    // MARK: Requests

    func begin(_ request: ReductionRequest) throws(CollectiveError) {
        if geometry?.layout != request.layout {
            geometry = ReductionGeometry(
                layout: request.layout, rank: rank, worldSize: worldSize,
                largestChunkBytes: options.largestChunkBytes)
        }
        guard let geometry, let local = request.local.baseAddress,
            let reduced = request.reduced.baseAddress
        else {
            // Nothing to add up.
            lastReduction = request.key
            isReduced = true
            return
        }
        reduction = Reduction(
            key: request.key, geometry: geometry, local: local, reduced: reduced,
            isSubmitted: Array(repeating: false, count: geometry.buckets.count),
            hasArrived: Array(repeating: false, count: geometry.markCount),
            awaitedFrames: geometry.receivedFrames, unsentFrames: geometry.sentFrames)
        for index in held.indices where held[index].key == request.key {
            held[index].place = try place(of: held[index].header, isWhole: false)
        }
        dropStaleHeldFrames(before: request.key)
    }

    private func dropStaleHeldFrames(before key: ExchangeKey) {
        held.removeAll { frame in
            guard frame.key.isOlder(than: key) else { return false }
            statistics.staleFrames += 1
            giveBack(frame.buffer)
            return true
        }
    }

    func submit(_ bucket: Int) throws(CollectiveError) {
        guard let reduction, !reduction.isSubmitted[bucket] else { return }
        self.reduction?.isSubmitted[bucket] = true
        var waiting: [HeldFrame] = []
        held.removeAll { frame in
            guard frame.key == reduction.key, frame.place?.bucket == bucket else { return false }
            waiting.append(frame)
            return true
        }
        for frame in waiting { try addHeld(frame) }
    }

    // MARK: From the previous rank

    /// Takes what has come.
    ///
    /// - Returns: Whether the turn ended before the bytes.
    func receiveFromPrevious() throws(CollectiveError) -> Bool {
        guard previous.isOpen else { return false }
        for _ in 0..<2 * Self.turnLimit {
            let event: FrameReader.Event
            do throws(TransportError) {
                event = try previous.stream.reader.next()
            } catch .closedByPeer where previous.hasLeft {
                previous.isOpen = false
                return false
            } catch {
                throw CollectiveError(error, rank: previous.rank)
            }
            if case .blocked = event { return false }
            previous.lastHeard = clock.now
            switch event {
            case .blocked: return false
            case .header(let header): try accept(header)
            case .payload(let count): addArrived(byteCount: count)
            case .frame(let checksum): try complete(checksum)
            }
        }
        return true
    }

    private func violation(_ what: String) -> CollectiveError {
        .violation(rank: previous.rank, peer: previous.stream.peer, what: what)
    }

    private func accept(_ header: FrameHeader) throws(CollectiveError) {
        arrivingHeader = header
        switch header.type {
        case .alive, .farewell: arrival = .control
        case .tensor: arrival = try arrival(of: header)
        case .small: arrival = .small(pool.take())
        default: throw violation("a \(header.type) frame")
        }
        switch arrival {
        case .control: previous.stream.reader.supply(decoded.start)
        case .discarded(let buffer), .held(let buffer, _), .added(_, let buffer, _),
            .decodedAndAdded(_, let buffer), .decoded(_, let buffer), .small(let buffer):
            previous.stream.reader.supply(buffer.start)
        case .stored(let place):
            guard let reduction else { preconditionFailure("a whole sum without a reduction") }
            let offset = reduction.geometry.bytes(place).lowerBound
            previous.stream.reader.supply(reduction.reduced + offset)
        }
    }

    private func arrival(of header: FrameHeader) throws(CollectiveError) -> Arrival {
        let isWhole = header.phase == FrameHeader.Phase.allGather
        guard isWhole || header.phase == FrameHeader.Phase.reduceScatter else {
            throw violation("a sum of phase \(header.phase)")
        }
        guard header.generation == generation else { return discard() }
        let key = ExchangeKey(step: header.step, round: header.round)
        if let reduction, reduction.key == key {
            let place = try place(of: header, isWhole: isWhole)
            let isCompressed = header.flags.contains(.compressed)
            if isWhole { return isCompressed ? .decoded(place, pool.take()) : .stored(place) }
            if !reduction.isSubmitted[place.bucket] { return .held(try takeForHolding(), place) }
            let buffer = pool.take()
            return isCompressed
                ? .decodedAndAdded(place, buffer) : .added(place, buffer, lanes: 0)
        }
        guard let newest = reduction?.key ?? lastReduction, !newest.isOlder(than: key) else {
            guard !isWhole else { throw violation("a whole sum of \(key), which has not begun") }
            return .held(try takeForHolding(), nil)
        }
        return discard()
    }

    private func discard() -> Arrival {
        statistics.staleFrames += 1
        return .discarded(pool.take())
    }

    private func takeForHolding() throws(CollectiveError) -> ChunkBuffer {
        guard held.count < Self.creditCount else {
            throw violation("more than the \(Self.creditCount) chunks that it had credit for")
        }
        return pool.take()
    }

    /// Finds and marks the chunk that a header of the reduction under way announces.
    private func place(of header: FrameHeader, isWhole: Bool) throws(CollectiveError) -> ChunkPlace
    {
        guard let reduction else { preconditionFailure("a chunk without a reduction") }
        let geometry = reduction.geometry
        let place = geometry.place(bucket: Int(header.bucket), number: Int(header.chunk))
        guard let place, place.slice != (isWhole ? (rank + 1) % worldSize : rank) else {
            throw violation(
                "chunk \(header.chunk) of bucket \(header.bucket), which is not due here")
        }
        guard header.rawBytes == geometry.bytes(place).count else {
            throw violation(
                "a chunk of \(header.rawBytes) bytes where \(geometry.bytes(place).count) are due")
        }
        let codec = Codec(laneBytes: geometry.layout.laneBits / 8)
        guard header.codec == .none || header.codec == codec else {
            throw violation("a chunk in codec \(header.codec)")
        }
        let mark = geometry.mark(place, isWhole: isWhole)
        guard !reduction.hasArrived[mark] else {
            throw violation("chunk \(header.chunk) of bucket \(header.bucket) twice")
        }
        self.reduction?.hasArrived[mark] = true
        return place
    }

    // MARK: Adding

    /// Adds the lanes that have arrived while they are in the cache.
    ///
    /// Should the checksum turn out wrong, the
    /// whole reduction fails, and the local sums are as they were.
    private func addArrived(byteCount: Int) {
        guard case .added(let place, let buffer, let done) = arrival, let reduction else { return }
        let laneBytes = reduction.geometry.layout.laneBits / 8
        let lanes = byteCount / laneBytes
        add(place, buffer.start, from: done, to: lanes)
        arrival = .added(place, buffer, lanes: lanes)
    }

    private func add(
        _ place: ChunkPlace, _ sums: UnsafeRawPointer, from first: Int, to last: Int
    ) {
        guard let reduction else { preconditionFailure("a chunk without a reduction") }
        let laneBits = reduction.geometry.layout.laneBits
        let skipped = first * laneBits / 8
        let offset = reduction.geometry.bytes(place).lowerBound + skipped
        LaneAddition.add(
            sums + skipped, reduction.local + offset, into: reduction.reduced + offset,
            laneCount: last - first, laneBits: laneBits)
    }

    private func complete(_ checksum: UInt32) throws(CollectiveError) {
        let header = arrivingHeader
        let finished = arrival
        arrival = .control
        switch finished {
        case .control: if header.type == .farewell { previous.hasLeft = true }
        case .discarded(let buffer):
            pool.give(buffer)
            if header.phase == FrameHeader.Phase.reduceScatter { creditsToReturn += 1 }
        case .held(let buffer, let place): try completeHeld(header, buffer, place)
        case .added(let place, let buffer, _):
            giveBack(buffer)
            passOn(summed: place)
        case .decodedAndAdded(let place, let buffer):
            try addDecoded(place, header, buffer)
        case .stored(let place):
            passOn(whole: place, checksum: checksum, compressed: nil)
        case .decoded(let place, let buffer):
            try storeDecoded(place, header, buffer, checksum)
        case .small(let buffer):
            try takeSmall(header, buffer)
            pool.give(buffer)
        }
    }

    /// Keeps or adds partial sums; the reduction may have begun, or given way to a later one, since their header came.
    private func completeHeld(
        _ header: FrameHeader, _ buffer: ChunkBuffer, _ known: ChunkPlace?
    ) throws(CollectiveError) {
        let key = ExchangeKey(step: header.step, round: header.round)
        var frame = HeldFrame(key: key, header: header, buffer: buffer, place: known)
        if let reduction, key.isOlder(than: reduction.key) {
            statistics.staleFrames += 1
            giveBack(buffer)
            return
        }
        if let reduction, reduction.key == key {
            let place: ChunkPlace
            if let known {
                place = known
            } else {
                place = try self.place(of: header, isWhole: false)
            }
            frame.place = place
            if reduction.isSubmitted[place.bucket] { return try addHeld(frame) }
        }
        held.append(frame)
    }

    private func addHeld(_ frame: HeldFrame) throws(CollectiveError) {
        guard let place = frame.place, let reduction else { return }
        if frame.header.flags.contains(.compressed) {
            return try addDecoded(place, frame.header, frame.buffer)
        }
        add(place, frame.buffer.start, from: 0, to: reduction.geometry.lanes(place).count)
        giveBack(frame.buffer)
        passOn(summed: place)
    }

    private func addDecoded(_ place: ChunkPlace, _ header: FrameHeader, _ buffer: ChunkBuffer)
        throws(CollectiveError)
    {
        guard let reduction else { return }
        let lanes = UnsafeMutableRawBufferPointer(start: decoded.start, count: header.rawBytes)
        try decode(header, buffer, into: lanes)
        add(place, decoded.start, from: 0, to: reduction.geometry.lanes(place).count)
        giveBack(buffer)
        passOn(summed: place)
    }

    private func storeDecoded(
        _ place: ChunkPlace, _ header: FrameHeader, _ buffer: ChunkBuffer, _ checksum: UInt32
    ) throws(CollectiveError) {
        guard let reduction else { return }
        let offset = reduction.geometry.bytes(place).lowerBound
        try decode(
            header, buffer,
            into: UnsafeMutableRawBufferPointer(
                start: reduction.reduced + offset, count: header.rawBytes))
        // A neighbour that takes them slowly must not make these buffers pile up: then it gets the raw chunk.
        let isKept = place.slice != (rank + 2) % worldSize && forwardedBuffers < Self.creditCount
        if isKept {
            forwardedBuffers += 1
            passOn(
                whole: place, checksum: checksum, compressed: (buffer, header.payloadBytes))
        } else {
            pool.give(buffer)
            passOn(whole: place, checksum: nil, compressed: nil)
        }
    }

    private func decode(
        _ header: FrameHeader, _ buffer: ChunkBuffer, into raw: UnsafeMutableRawBufferPointer
    ) throws(CollectiveError) {
        let began = clock.now
        let payload = UnsafeRawBufferPointer(start: buffer.start, count: header.payloadBytes)
        guard decoder.decode(payload, codec: header.codec, into: raw) else {
            let error = FrameError.undecodable(
                codec: header.codec, rawBytes: header.rawBytes, payloadBytes: header.payloadBytes)
            throw .transport(
                rank: previous.rank, .badFrame(peer: previous.stream.peer, error))
        }
        policy.decoded(rawBytes: raw.count, seconds: clock.seconds(since: began))
    }

    private func giveBack(_ buffer: ChunkBuffer) {
        pool.give(buffer)
        creditsToReturn += 1
    }

    private func passOn(summed place: ChunkPlace) {
        reduction?.awaitedFrames -= 1
        if place.slice == (rank + 1) % worldSize {
            wholeSums.append(SendJob(place: place))
        } else {
            partialSums.append(SendJob(place: place))
        }
    }

    private func passOn(
        whole place: ChunkPlace, checksum: UInt32?,
        compressed: (buffer: ChunkBuffer, byteCount: Int)?
    ) {
        reduction?.awaitedFrames -= 1
        // The slice's owner is where it began its second way round.
        guard place.slice != (rank + 2) % worldSize else { return }
        wholeSums.append(SendJob(place: place, checksum: checksum, compressed: compressed))
    }

    // MARK: From the next rank

    /// Takes credits and signs of life.
    func receiveFromNext() throws(CollectiveError) {
        guard next.isOpen else { return }
        while true {
            let event: FrameReader.Event
            do throws(TransportError) {
                event = try next.stream.reader.next()
            } catch .closedByPeer where next.hasLeft {
                next.isOpen = false
                return
            } catch {
                throw CollectiveError(error, rank: next.rank)
            }
            switch event {
            case .blocked: return
            case .payload, .frame: continue
            case .header(let header):
                next.lastHeard = clock.now
                next.stream.reader.supply(encoded.start)
                switch header.type {
                case .alive: continue
                case .farewell: next.hasLeft = true
                case .credit where credits + Int(header.chunk) <= Self.creditCount:
                    credits += Int(header.chunk)
                default:
                    throw .violation(
                        rank: next.rank, peer: next.stream.peer,
                        what: "a \(header.type) frame against the ring's direction")
                }
            }
        }
    }
}
