/// How the bytes of one chunk are written; the number is the one on the wire.
public enum Codec: UInt8, Sendable, Equatable, CaseIterable {
    /// As they are.
    case none = 0
    /// Byte planes of 4-byte lanes, each raw or Huffman-coded by deflate.
    case planes4 = 1
    /// Byte planes of 2-byte lanes, each raw or Huffman-coded by deflate.
    case planes2 = 2
    /// One plane of single bytes, Huffman-coded by deflate.
    case planes1 = 3
    /// As `planes4`, each lane rotated left by one bit first, so that a float's exponent fills the top plane.
    case floatPlanes = 4

    /// The compressing codec for lanes of a width.
    ///
    /// - Precondition: 4, 2 or 1 bytes.
    public init(laneBytes: Int) {
        switch laneBytes {
        case 4: self = .planes4
        case 2: self = .planes2
        case 1: self = .planes1
        default: preconditionFailure("lanes have 1, 2 or 4 bytes, not \(laneBytes)")
        }
    }

    /// Planes that the bytes are parted into; 0 where they are left as they are.
    public var planeCount: Int {
        switch self {
        case .none: 0
        case .planes4, .floatPlanes: 4
        case .planes2: 2
        case .planes1: 1
        }
    }
}
