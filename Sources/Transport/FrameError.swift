/// Bytes that are no frame of this protocol, or not the one that may come next.
public enum FrameError: Error, Equatable, CustomStringConvertible {
    case truncated(neededBytes: Int, availableBytes: Int)
    case notOurProtocol(firstBytes: [UInt8])
    case unknownVersion(theirs: UInt8, ours: UInt8)
    case unknownCodec(UInt8)
    case unknownFlags(UInt8)
    case payloadTooLarge(type: FrameType, bytes: Int, limitBytes: Int)
    case rawLengthTooLarge(type: FrameType, bytes: Int, limitBytes: Int)
    case lengthsDisagree(type: FrameType, payloadBytes: Int, rawBytes: Int)
    case outOfSequence(expected: UInt64, found: UInt64)
    case checksumMismatch(type: FrameType, expected: UInt32, found: UInt32)
    case uncheckedPayload(type: FrameType)
    case undecodable(codec: Codec, rawBytes: Int, payloadBytes: Int)

    /// What happened, the values, and what to do.
    public var description: String {
        switch self {
        case .truncated(let needed, let available):
            "frame needs \(needed) bytes, only \(available) arrived"
        case .notOurProtocol(let bytes):
            "the peer does not speak this protocol: it began with bytes "
                + bytes.map { String($0, radix: 16) }.joined(separator: " ")
                + "; is the port that of another service?"
        case .unknownVersion(let theirs, let ours):
            "the peer speaks protocol version \(theirs), this build speaks version \(ours); "
                + "run the same build on every machine"
        case .unknownCodec(let codec):
            "frame names codec \(codec), which this build does not know"
        case .unknownFlags(let flags):
            "frame has flags \(flags), of which this build does not know all"
        case .payloadTooLarge(let type, let bytes, let limit):
            "\(type) frame announces a payload of \(bytes) bytes, the limit is \(limit)"
        case .rawLengthTooLarge(let type, let bytes, let limit):
            "\(type) frame announces \(bytes) bytes after decompression, the limit is \(limit)"
        case .lengthsDisagree(let type, let payload, let raw):
            "\(type) frame has a payload of \(payload) bytes that stands for \(raw): "
                + "an uncompressed frame has both equal, a compressed one shrinks"
        case .outOfSequence(let expected, let found):
            "frame number \(found) came where \(expected) was due: frames were lost or repeated"
        case .checksumMismatch(let type, let expected, let found):
            "\(type) frame is damaged: its checksum is \(found), the header says \(expected)"
        case .uncheckedPayload(let type):
            "\(type) frame leaves its payload unchecked, which this side did not agree to "
                + "(--frame-crc header on both)"
        case .undecodable(let codec, let raw, let payload):
            "\(payload) bytes of codec \(codec) do not decode to the \(raw) that were announced"
        }
    }
}
