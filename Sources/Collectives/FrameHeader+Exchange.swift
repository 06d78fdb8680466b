import Transport

/// What the label of a frame says where sums, contributions and pieces of a state travel; docs/protocol.md has it byte by
/// byte.
///
/// The label's first half holds round, generation and the low 24 bits of the step, its second half the rest of the step,
/// bucket, phase and chunk.
extension FrameHeader {
    /// Which part of an exchange a frame belongs to.
    public enum Phase {
        /// Partial sums on their way to the slice's owner.
        public static let reduceScatter: UInt8 = 0
        /// Whole sums on their way to everybody.
        public static let allGather: UInt8 = 1
        /// Training state for a joiner.
        public static let state: UInt8 = 2
        /// The small exchange of a step.
        public static let small: UInt8 = 3
    }

    /// 0, or 1 when the step is computed again with true exponents.
    public var round: UInt8 {
        get { UInt8(truncatingIfNeeded: label.first) }
        set { label.first = label.first & ~0xFF | UInt64(newValue) }
    }

    /// The generation's low 32 bits.
    public var generation: UInt32 {
        get { UInt32(truncatingIfNeeded: label.first >> 8) }
        set { label.first = label.first & ~(0xFFFF_FFFF << 8) | UInt64(newValue) << 8 }
    }

    /// The step's low 32 bits.
    public var step: UInt32 {
        get {
            UInt32(truncatingIfNeeded: label.first >> 40)
                | UInt32(truncatingIfNeeded: label.second) << 24
        }
        set {
            label.first = label.first & ~(0xFF_FFFF << 40) | UInt64(newValue) << 40
            label.second = label.second & ~0xFF | UInt64(newValue >> 24)
        }
    }

    /// Which bucket, or which rank's share of a small exchange.
    public var bucket: UInt16 {
        get { UInt16(truncatingIfNeeded: label.second >> 8) }
        set { label.second = label.second & ~(0xFFFF << 8) | UInt64(newValue) << 8 }
    }

    /// One of `Phase`.
    public var phase: UInt8 {
        get { UInt8(truncatingIfNeeded: label.second >> 24) }
        set { label.second = label.second & ~(0xFF << 24) | UInt64(newValue) << 24 }
    }

    /// Which chunk; 24 bits, of which further ones are dropped.
    public var chunk: UInt32 {
        get { UInt32(truncatingIfNeeded: label.second >> 32) & 0xFF_FFFF }
        set {
            label.second = label.second & 0xFFFF_FFFF | UInt64(newValue & 0xFF_FFFF) << 32
        }
    }
}
