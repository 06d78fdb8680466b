import Runtime

/// Takes frames from a stream without ever waiting.
///
/// Payloads go straight into the caller's memory, and the caller sees them grow, so that it can work on bytes
/// while they are in the cache. Not for several threads at once.
public final class FrameReader {
    /// What the reader has come to.
    public enum Event {
        /// Nothing more is there now.
        case blocked
        /// A header arrived and was checked; `supply` must say where the payload goes.
        case header(FrameHeader)
        /// So many bytes of the payload are there; the checksum is not yet known to be right.
        case payload(arrivedBytes: Int)
        /// The frame is whole and its checksum right.
        case frame(payloadChecksum: UInt32)
    }

    private enum State {
        case header
        case destination(FrameHeader, checksum: UInt32)
        case payload(FrameHeader, checksum: UInt32, UnsafeMutableRawPointer)
    }

    /// Bytes of the payload that one call reads: what fits into a core's own cache with what is done to it.
    public var pieceBytes = 256 << 10
    /// A limit below those of the frame types, while the peer is not known.
    public var payloadLimitBytes = Int.max
    /// Whether frames may come whose checksum covers the header alone.
    public var acceptsUncheckedPayloads = false
    /// Bytes of all frames so far.
    public private(set) var receivedBytes: UInt64 = 0

    private let stream: any ByteStream
    private let staging = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 64)
    private var staged = 0..<0
    private var state = State.header
    private var arrived = 0
    private var headerChecksum: UInt32 = 0
    private var payloadChecksum: UInt32 = 0
    private var nextSequence: UInt64 = 0

    /// A reader at the start of a stream.
    public init(_ stream: any ByteStream) { self.stream = stream }

    deinit { staging.deallocate() }

    /// Goes on reading.
    ///
    /// - Throws: `TransportError.badFrame` and `.closedByPeer`; the stream is then of no more use.
    public func next() throws(TransportError) -> Event {
        switch state {
        case .header: return try nextHeader()
        case .destination: preconditionFailure("the reader was not told where the payload goes")
        case .payload(let header, let checksum, let destination):
            if arrived == header.payloadBytes { return try finish(header, checksum) }
            return try nextPiece(header, destination)
        }
    }

    /// Says where the payload of the frame goes whose header was the last event.
    ///
    /// - Parameter destination: Room for the header's `payloadBytes`, until the frame is whole.
    public func supply(_ destination: UnsafeMutableRawPointer) {
        guard case .destination(let header, let checksum) = state else {
            preconditionFailure("no frame waits for its destination")
        }
        state = .payload(header, checksum: checksum, destination)
        arrived = 0
        payloadChecksum = 0
    }

    private func nextHeader() throws(TransportError) -> Event {
        while staged.count < FrameHeader.byteCount {
            if staged.lowerBound > 0 {
                staging.copyMemory(from: UnsafeRawBufferPointer(rebasing: staging[staged]))
                staged = 0..<staged.count
            }
            let room = UnsafeMutableRawBufferPointer(rebasing: staging[staged.upperBound...])
            let none = UnsafeMutableRawBufferPointer(start: nil, count: 0)
            guard let count = try stream.read(into: room, and: none) else {
                if !staged.isEmpty { try refuseEarly() }
                return .blocked
            }
            staged = 0..<staged.upperBound + count
        }
        let decoded = try decodeHeader()
        staged = staged.lowerBound + FrameHeader.byteCount..<staged.upperBound
        nextSequence += 1
        state = .destination(decoded.header, checksum: decoded.checksum)
        return .header(decoded.header)
    }

    /// Refuses a stranger's few bytes at once instead of waiting for the rest of a header.
    private func refuseEarly() throws(TransportError) {
        let expected = [FrameHeader.magic.0, FrameHeader.magic.1, FrameHeader.magic.2]
        let bytes = Array(staging[staged])
        guard !zip(bytes, expected).allSatisfy(==) else { return }
        throw .badFrame(peer: stream.peer, .notOurProtocol(firstBytes: bytes))
    }

    private func decodeHeader() throws(TransportError) -> (header: FrameHeader, checksum: UInt32) {
        do throws(FrameError) {
            let bytes = UnsafeRawBufferPointer(rebasing: staging[staged])
            let decoded = try FrameHeader.decode(bytes, payloadLimitBytes: payloadLimitBytes)
            let header = decoded.header
            if header.payloadBytes > 0, header.flags.contains(.headerChecksumOnly),
                !acceptsUncheckedPayloads
            {
                throw .uncheckedPayload(type: header.type)
            }
            headerChecksum = CRC32.checksum(
                of: UnsafeRawBufferPointer(rebasing: bytes[..<FrameHeader.checkedByteCount]))
            if header.flags.contains(.headerChecksumOnly) { try check(header, decoded.checksum) }
            guard header.sequence == nextSequence else {
                throw .outOfSequence(expected: nextSequence, found: header.sequence)
            }
            return decoded
        } catch {
            throw .badFrame(peer: stream.peer, error)
        }
    }

    private func nextPiece(_ header: FrameHeader, _ destination: UnsafeMutableRawPointer)
        throws(TransportError) -> Event
    {
        let missing = header.payloadBytes - arrived
        let target = destination + arrived
        let count: Int
        if !staged.isEmpty {
            count = min(missing, staged.count)
            UnsafeMutableRawBufferPointer(start: target, count: count).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: staging[staged].prefix(count)))
            staged = staged.lowerBound + count..<staged.upperBound
        } else {
            let piece = UnsafeMutableRawBufferPointer(
                start: target, count: min(missing, pieceBytes))
            // The next header may come with the end of this payload.
            let after = UnsafeMutableRawBufferPointer(
                start: staging.baseAddress, count: piece.count == missing ? staging.count : 0)
            guard let read = try stream.read(into: piece, and: after) else { return .blocked }
            count = min(read, piece.count)
            staged = 0..<read - count
        }
        arrived += count
        receivedBytes += UInt64(count)
        if !header.flags.contains(.headerChecksumOnly) {
            let piece = UnsafeRawBufferPointer(start: target, count: count)
            payloadChecksum = CRC32.checksum(of: piece, after: payloadChecksum)
        }
        return .payload(arrivedBytes: arrived)
    }

    private func finish(_ header: FrameHeader, _ checksum: UInt32) throws(TransportError) -> Event {
        state = .header
        receivedBytes += UInt64(FrameHeader.byteCount)
        do throws(FrameError) {
            try check(header, checksum)
        } catch {
            throw .badFrame(peer: stream.peer, error)
        }
        return .frame(payloadChecksum: payloadChecksum)
    }

    private func check(_ header: FrameHeader, _ checksum: UInt32) throws(FrameError) {
        let found = header.frameChecksum(
            headerChecksum: headerChecksum, payloadChecksum: payloadChecksum)
        guard found == checksum else {
            throw .checksumMismatch(type: header.type, expected: checksum, found: found)
        }
    }
}
