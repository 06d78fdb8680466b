import Tensors
import Testing

struct ArenaTests {
    @Test func givesAlignedPiecesAndTheSameOnesAfterAReset() {
        let arena = Arena(minimumChunkBytes: 4096)
        let sizes = [1, 100, 3, 5000, 17]
        let first = sizes.map { arena.floats($0) }
        for piece in first { #expect(UInt(bitPattern: piece) % 64 == 0) }
        for (piece, size) in zip(first, sizes) { piece.update(repeating: Float(size), count: size) }
        for (piece, size) in zip(first, sizes) {
            #expect(piece[0] == Float(size) && piece[size - 1] == Float(size))
        }
        let capacity = arena.capacityBytes
        arena.reset()
        #expect(sizes.map { arena.floats($0) } == first)
        #expect(arena.capacityBytes == capacity)
    }
}
