/// Memory for the intermediate results of one thread: taken piece by piece, given back all at once.
///
/// Pieces are aligned to 64 bytes and keep their place until `reset()`. The chunks behind them are kept, so a
/// step that asks for what the step before asked for takes nothing from the heap, and gets the same addresses.
public final class Arena {
    private var chunks: [UnsafeMutableRawBufferPointer] = []
    private var chunk = 0
    private var used = 0
    private let minimumChunkBytes: Int

    /// An empty arena.
    ///
    /// - Parameter minimumChunkBytes: What is taken from the heap at a time.
    public init(minimumChunkBytes: Int = 16 << 20) {
        self.minimumChunkBytes = minimumChunkBytes
    }

    deinit { for chunk in chunks { chunk.deallocate() } }

    /// Bytes taken from the heap so far.
    public var capacityBytes: Int { chunks.reduce(0) { $0 + $1.count } }

    /// Numbers with undefined content.
    package func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
        bytes(count * 4).assumingMemoryBound(to: Float.self)
    }

    /// Integers with undefined content.
    package func integers(_ count: Int) -> UnsafeMutablePointer<Int32> {
        bytes(count * 4).assumingMemoryBound(to: Int32.self)
    }

    /// Bytes with undefined content, aligned to 64.
    package func bytes(_ count: Int) -> UnsafeMutableRawPointer {
        let size = max(64, (count + 63) & ~63)
        while chunk < chunks.count, used + size > chunks[chunk].count {
            chunk += 1
            used = 0
        }
        if chunk == chunks.count {
            chunks.append(.allocatePages(byteCount: max(size, minimumChunkBytes)))
        }
        defer { used += size }
        return UnsafeMutableRawPointer(rebasing: chunks[chunk], at: used)
    }

    /// Takes every piece back.
    public func reset() {
        chunk = 0
        used = 0
    }

    /// Runs something and takes back the pieces that it asked for.
    public func rewinding<Result>(_ body: () throws -> Result) rethrows -> Result {
        let mark = (chunk, used)
        defer { (chunk, used) = mark }
        return try body()
    }
}

extension UnsafeMutableRawPointer {
    /// The address of a byte within a buffer that is not empty.
    fileprivate init(rebasing buffer: UnsafeMutableRawBufferPointer, at offset: Int) {
        guard let start = buffer.baseAddress else { preconditionFailure("an empty chunk") }
        self = start + offset
    }
}
