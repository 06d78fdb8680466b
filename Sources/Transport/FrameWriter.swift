import Runtime

/// Puts frames into a stream without ever waiting.
///
/// Header and payload leave in one system call where the kernel takes them. Not for several threads at once.
public final class FrameWriter {
    /// Leaves payloads without checksum (`--frame-crc header`); the reader has to agree.
    public var leavesPayloadsUnchecked = false
    /// Bytes of all frames that the kernel has taken.
    public private(set) var sentBytes: UInt64 = 0

    private let stream: any ByteStream
    private let header = UnsafeMutableRawPointer.allocate(
        byteCount: FrameHeader.byteCount, alignment: 8)
    private var payload = UnsafeRawBufferPointer(start: nil, count: 0)
    private var written = 0
    private var total = 0
    private var nextSequence: UInt64 = 0

    /// A writer at the start of a stream.
    public init(_ stream: any ByteStream) { self.stream = stream }

    deinit { header.deallocate() }

    /// Whether the kernel has taken the last frame whole.
    public var isIdle: Bool { written == total }

    /// Begins a frame; `flush` puts it into the stream.
    ///
    /// - Parameters:
    ///   - head: What the frame is; lengths and sequence are filled in, `rawBytes` only where nothing is compressed.
    ///   - payload: Stays untouched until `isIdle`.
    ///   - payloadChecksum: The payload's CRC-32 if it is known.
    /// - Precondition: `isIdle`, and the payload is within the type's limit.
    public func start(
        _ head: FrameHeader, payload: UnsafeRawBufferPointer, payloadChecksum: UInt32? = nil
    ) {
        precondition(isIdle, "the frame before is not yet sent")
        precondition(
            payload.count <= head.type.payloadLimitBytes,
            "\(head.type) frame with \(payload.count) bytes of payload")
        var head = head
        head.payloadBytes = payload.count
        if !head.flags.contains(.compressed) { head.rawBytes = payload.count }
        if leavesPayloadsUnchecked { head.flags.insert(.headerChecksumOnly) }
        head.sequence = nextSequence
        nextSequence += 1
        let needsChecksum = !payload.isEmpty && !head.flags.contains(.headerChecksumOnly)
        let checksum = needsChecksum ? payloadChecksum ?? CRC32.checksum(of: payload) : 0
        head.encode(into: header, payloadChecksum: checksum)
        self.payload = payload
        written = 0
        total = FrameHeader.byteCount + payload.count
    }

    /// Puts as much into the stream as it takes.
    ///
    /// - Returns: Whether the frame is sent whole.
    public func flush() throws(TransportError) -> Bool {
        while written < total {
            let count: Int?
            if written < FrameHeader.byteCount {
                let head = UnsafeRawBufferPointer(
                    start: header + written, count: FrameHeader.byteCount - written)
                count = try stream.write(head, and: payload)
            } else {
                let sent = written - FrameHeader.byteCount
                let rest = UnsafeRawBufferPointer(rebasing: payload[sent...])
                count = try stream.write(rest, and: UnsafeRawBufferPointer(start: nil, count: 0))
            }
            guard let count else { return false }
            written += count
            sentBytes += UInt64(count)
        }
        return true
    }
}
