/// Whether what travels between workers is compressed; never a matter of bits, since every codec is lossless.
///
/// Configurations say it and the ring does it, which have no other room in common.
public enum Compression: String, Sendable, CaseIterable {
    /// Never.
    case none
    /// Every chunk that shrinks.
    case zlib
    /// Where measurements say that it is faster.
    case auto
}
