import Runtime
import Tensors

/// A tensor's name, type, shape and the hashes of its pieces: all that the digest of a state needs
/// to know of it.
public struct TensorDigest: Sendable, Equatable {
    /// The tensor's name.
    public let name: String
    /// What the elements are.
    public let elementType: ElementType
    /// Sizes of the axes.
    public let shape: [Int]
    /// SHA-256 of each piece of `StateDigest.pieceBytes`, the last one shorter; none for an empty
    /// tensor.
    public let pieces: [Digest]

    /// A digest whose pieces are known.
    ///
    /// - Precondition: As many pieces as the shape has.
    public init(name: String, elementType: ElementType, shape: [Int], pieces: [Digest]) {
        let byteCount = shape.reduce(elementType.byteCount, *)
        precondition(
            pieces.count == StateDigest.pieceCount(of: byteCount),
            "\(name): \(pieces.count) pieces do not make \(byteCount) bytes")
        self.name = name
        self.elementType = elementType
        self.shape = shape
        self.pieces = pieces
    }

    /// Hashes a tensor.
    public init(_ named: NamedTensor) {
        name = named.name
        elementType = named.tensor.elementType
        shape = named.tensor.shape
        pieces = StateDigest.pieces(of: UnsafeRawBufferPointer(named.tensor.bytes))
    }
}

/// The two-level SHA-256 of a training state.
///
/// Every tensor is cut into pieces, each with a hash of its own; the digest is the hash of the list
/// of all tensors, sorted by name. So whoever has a part of the state hashes that part, and nobody
/// needs the whole twice. How the state lies in files does not show.
///
/// The list, byte by byte: the 16 bytes `purkinje.state.1`; then for each tensor the length of its
/// name (UInt32), the name in UTF-8, the length of its type's name (UInt32), that name, the number
/// of axes (UInt32), each axis (UInt64), the number of pieces (UInt64), and 32 bytes a piece.
/// Numbers are little-endian; names sort by their bytes.
public enum StateDigest {
    /// Bytes of a piece.
    public static let pieceBytes = 4 << 20

    /// Number of pieces of a tensor.
    public static func pieceCount(of byteCount: Int) -> Int {
        (byteCount + pieceBytes - 1) / pieceBytes
    }

    /// Hashes the pieces of a tensor's bytes.
    public static func pieces(of bytes: UnsafeRawBufferPointer) -> [Digest] {
        stride(from: 0, to: bytes.count, by: pieceBytes).map { start in
            let end = min(start + pieceBytes, bytes.count)
            return SHA256.digest(of: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
        }
    }

    /// The digest of a state whose tensors' digests are known, in any order.
    ///
    /// - Precondition: Names are unique.
    public static func combine(_ tensors: [TensorDigest]) -> Digest {
        var hash = SHA256()
        hash.update("purkinje.state.1".utf8)
        var former: String?
        for tensor in tensors.sorted(by: { precedes($0.name, $1.name) }) {
            precondition(tensor.name != former, "two tensors are named \(tensor.name)")
            former = tensor.name
            var record: [UInt8] = []
            append(tensor.name, to: &record)
            append(tensor.elementType.rawValue, to: &record)
            append(UInt32(tensor.shape.count), to: &record)
            for size in tensor.shape { append(UInt64(size), to: &record) }
            append(UInt64(tensor.pieces.count), to: &record)
            for piece in tensor.pieces { record.append(contentsOf: piece.bytes) }
            record.withUnsafeBytes { hash.update($0) }
        }
        return hash.finish()
    }

    /// The digest of a state at hand, its tensors in any order.
    public static func digest(of tensors: [NamedTensor]) -> Digest {
        combine(tensors.map { TensorDigest($0) })
    }

    private static func append(_ text: String, to record: inout [UInt8]) {
        append(UInt32(text.utf8.count), to: &record)
        record.append(contentsOf: text.utf8)
    }

    private static func append(_ number: some FixedWidthInteger, to record: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { record.append(contentsOf: $0) }
    }
}
