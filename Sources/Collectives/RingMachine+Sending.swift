import Runtime
import Transport

extension RingMachine {
    /// Sends what may be sent.
    ///
    /// - Returns: Whether the turn ended before the work.
    func sendToNext() throws(CollectiveError) -> Bool {
        let writer = next.stream.writer
        guard next.isOpen else { return false }
        for _ in 0..<Self.turnLimit {
            if writer.isIdle && !startNextFrame() { return false }
            let (before, began) = (writer.sentBytes, clock.now)
            let isSent: Bool
            do throws(TransportError) {
                isSent = try writer.flush()
            } catch {
                throw CollectiveError(error, rank: next.rank)
            }
            let now = clock.now
            next.lastSent = now
            policy.sent(
                bytes: Int(writer.sentBytes - before), seconds: began.duration(to: now).seconds)
            guard isSent else { return false }
            finishFrame()
        }
        return true
    }

    private func finishFrame() {
        if isSendingSum { reduction?.unsentFrames -= 1 }
        isSendingSum = false
        if let compressed = sending?.compressed {
            pool.give(compressed.buffer)
            forwardedBuffers -= 1
        }
        sending = nil
        sendingSmall = nil
    }

    /// Begins the frame that is most urgent: what is furthest on its way goes first, so that early buckets are
    /// done early and partial sums leave while they are in the cache.
    private func startNextFrame() -> Bool {
        if let job = wholeSums.popFirst() {
            startSum(job, phase: FrameHeader.Phase.allGather)
        } else if credits > 0, let job = partialSums.popFirst() {
            credits -= 1
            startSum(job, phase: FrameHeader.Phase.reduceScatter)
        } else if credits > 0, let place = nextFreshChunk() {
            credits -= 1
            startSum(
                SendJob(place: place), phase: FrameHeader.Phase.reduceScatter, isFresh: true)
        } else if let small = outbox.popFirst() {
            sendingSmall = small.buffer
            next.stream.writer.start(
                small.header,
                payload: UnsafeRawBufferPointer(
                    start: small.buffer.start, count: small.buffer.byteCount))
        } else {
            return false
        }
        return true
    }

    /// The next chunk of this rank's own slices, bucket by bucket in travelling order.
    private func nextFreshChunk() -> ChunkPlace? {
        while let reduction, reduction.freshBucket < reduction.geometry.buckets.count {
            let bucket = reduction.freshBucket
            guard reduction.isSubmitted[bucket] else { return nil }
            let chunk = reduction.freshChunk
            if chunk < reduction.geometry.chunkCount(bucket: bucket, slice: rank) {
                if chunk == 0 { policy.decide() }
                self.reduction?.freshChunk += 1
                return ChunkPlace(bucket: bucket, slice: rank, chunk: chunk)
            }
            self.reduction?.freshBucket += 1
            self.reduction?.freshChunk = 0
        }
        return nil
    }

    private func startSum(_ job: SendJob, phase: UInt8, isFresh: Bool = false) {
        guard let reduction else { preconditionFailure("a sum is sent without a reduction") }
        let geometry = reduction.geometry
        let bytes = geometry.bytes(job.place)
        var head = header(.tensor)
        head.round = reduction.key.round
        head.step = reduction.key.step
        head.bucket = UInt16(job.place.bucket)
        head.phase = phase
        head.chunk = geometry.number(job.place)
        sending = job
        isSendingSum = true
        if let compressed = job.compressed {
            mark(&head, rawBytes: bytes.count)
            let payload = UnsafeRawBufferPointer(
                start: compressed.buffer.start, count: compressed.byteCount)
            next.stream.writer.start(head, payload: payload, payloadChecksum: job.checksum)
            return
        }
        let source = isFresh ? reduction.local : UnsafeRawPointer(reduction.reduced)
        let raw = UnsafeRawBufferPointer(start: source + bytes.lowerBound, count: bytes.count)
        if let payload = encode(raw) {
            mark(&head, rawBytes: bytes.count)
            statistics.compressedChunks += 1
            next.stream.writer.start(head, payload: payload)
        } else {
            statistics.rawChunks += 1
            next.stream.writer.start(head, payload: raw, payloadChecksum: job.checksum)
        }
    }

    private var codec: Codec {
        Codec(laneBytes: (reduction?.geometry.layout.laneBits ?? 8) / 8)
    }

    private func mark(_ head: inout FrameHeader, rawBytes: Int) {
        head.flags.insert(.compressed)
        head.codec = codec
        head.rawBytes = rawBytes
    }

    /// The chunk compressed, where the policy wants it and it shrinks.
    private func encode(_ raw: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let (encodes, isProbe) = policy.next()
        guard encodes else { return nil }
        let began = clock.now
        let output = UnsafeMutableRawBufferPointer(start: encoded.start, count: raw.count)
        let count = encoder.encode(raw, codec: codec, into: output)
        let encodedAt = clock.now
        policy.encoded(
            rawBytes: raw.count, payloadBytes: count ?? raw.count,
            seconds: began.duration(to: encodedAt).seconds)
        guard let count else { return nil }
        let payload = UnsafeRawBufferPointer(start: encoded.start, count: count)
        if isProbe {
            // What the next rank will spend on decoding is measured here, where the decision is made.
            let target = UnsafeMutableRawBufferPointer(start: decoded.start, count: raw.count)
            _ = decoder.decode(payload, codec: codec, into: target)
            let seconds = clock.seconds(since: encodedAt)
            policy.decoded(rawBytes: raw.count, seconds: seconds)
        }
        return payload
    }

    /// Sends credits and signs of life back.
    func sendToPrevious() throws(CollectiveError) {
        let writer = previous.stream.writer
        guard previous.isOpen else { return }
        // Half of the credits at once: a frame for each would wake the neighbour too often.
        if writer.isIdle, creditsToReturn >= Self.creditCount / 2 {
            var head = header(.credit)
            head.chunk = UInt32(creditsToReturn)
            creditsToReturn = 0
            previous.lastSent = clock.now
            writer.start(head, payload: UnsafeRawBufferPointer(start: nil, count: 0))
        }
        do throws(TransportError) {
            if !writer.isIdle { _ = try writer.flush() }
        } catch {
            throw CollectiveError(error, rank: previous.rank)
        }
    }
}
