/// A frame that has been received whole.
public struct Frame: Sendable, Equatable {
    /// What it is about.
    public var header: FrameHeader
    /// The payload as it travelled.
    public var payload: [UInt8]

    /// A frame to look at in tests or to hand on.
    public init(header: FrameHeader, payload: [UInt8]) {
        self.header = header
        self.payload = payload
    }

    /// The payload after decompression.
    ///
    /// - Throws: `FrameError.undecodable`.
    public func rawPayload() throws(FrameError) -> [UInt8] {
        guard header.flags.contains(.compressed) else { return payload }
        var raw = [UInt8](repeating: 0, count: header.rawBytes)
        let codec = header.codec
        let isDecoded = raw.withUnsafeMutableBytes { raw in
            payload.withUnsafeBytes { PlaneDecoder().decode($0, codec: codec, into: raw) }
        }
        guard isDecoded else {
            throw .undecodable(codec: codec, rawBytes: raw.count, payloadBytes: payload.count)
        }
        return raw
    }
}
