/// Memory for the bytes of one frame.
final class ChunkBuffer {
    let start: UnsafeMutableRawPointer
    let byteCount: Int

    init(byteCount: Int) {
        self.byteCount = byteCount
        start = .allocate(byteCount: max(1, byteCount), alignment: 64)
    }

    deinit { start.deallocate() }
}

/// Chunk buffers that are used again, the warmest first.
struct ChunkPool {
    let chunkBytes: Int
    private var free: [ChunkBuffer] = []

    init(chunkBytes: Int) { self.chunkBytes = chunkBytes }

    mutating func take() -> ChunkBuffer { free.popLast() ?? ChunkBuffer(byteCount: chunkBytes) }

    mutating func give(_ buffer: ChunkBuffer) { free.append(buffer) }
}

/// First in, first out, without moving what waits.
struct Queue<Element> {
    private var elements: [Element] = []
    private var head = 0

    var isEmpty: Bool { head == elements.count }
    var first: Element? { isEmpty ? nil : elements[head] }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        defer {
            head += 1
            if head == elements.count {
                elements.removeAll(keepingCapacity: true)
                head = 0
            }
        }
        return elements[head]
    }
}
