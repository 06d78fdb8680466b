/// What a frame is about, with the most bytes that its payload may have.
///
/// 1 to 127 are control messages, whose meanings belong to the room that sends them; 128 to 255 carry tensors.
public struct FrameType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number on the wire.
    public let rawValue: UInt8

    /// The type with a number.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Why the sender of this frame closes the connection, as text.
    public static let refused = FrameType(rawValue: 0x7F)
    /// A chunk of a bucket on its way round the ring.
    public static let tensor = FrameType(rawValue: 0x80)
    /// A piece of what one rank adds to a small exchange.
    public static let small = FrameType(rawValue: 0x81)
    /// The receiver's permission to send more reduce-scatter chunks.
    public static let credit = FrameType(rawValue: 0x82)
    /// The sender lives and has nothing to send.
    public static let alive = FrameType(rawValue: 0x83)
    /// The sender leaves on purpose; the end of the stream follows.
    public static let farewell = FrameType(rawValue: 0x84)
    /// A range of the training state.
    public static let state = FrameType(rawValue: 0x88)

    /// The hard limit of a payload of this type, checked before anything is allocated.
    public var payloadLimitBytes: Int {
        switch self {
        case .refused: 64 << 10
        case .tensor: 1 << 20
        case .small: 1 << 20
        case .credit, .alive, .farewell: 0
        case .state: 4 << 20
        default: rawValue < 0x80 ? 8 << 20 : 0
        }
    }

    /// The name in messages.
    public var description: String {
        switch self {
        case .refused: "refused"
        case .tensor: "tensor"
        case .small: "small"
        case .credit: "credit"
        case .alive: "alive"
        case .farewell: "farewell"
        case .state: "state"
        default: "type \(rawValue)"
        }
    }
}
