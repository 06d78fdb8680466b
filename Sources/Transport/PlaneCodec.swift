import CZlib
import Foundation

/// Compresses chunks of lanes: byte planes are parted, and those that gain are Huffman-coded.
///
/// Matching finds nothing in numbers, so deflate runs as `Z_HUFFMAN_ONLY`, raw, and only over planes whose bytes
/// are unevenly spread (the exponents of floats, the upper bytes of fixed-point sums). Not for several threads.
///
/// The form: a byte with a bit for each coded plane (bit 0 the least significant); the planes from the least
/// significant on, a coded one with four bytes of length before it; bytes beyond the last whole lane.
public final class PlaneEncoder {
    /// A plane is coded when a sample promises that it shrinks below this share.
    private static let worthwhileShare = 0.94
    private let stream: UnsafeMutablePointer<z_stream>
    private var planes = PlaneBuffer()
    private var counts = [UInt32](repeating: 0, count: 256)

    /// An encoder with its deflate state, which every chunk resets.
    public init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let code = deflateInit2_(
            stream, 1, Z_DEFLATED, -15, 9, Z_HUFFMAN_ONLY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        precondition(code == Z_OK, "deflate cannot start: \(code)")
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Compresses one chunk.
    ///
    /// - Parameters:
    ///   - raw: The lanes.
    ///   - codec: Any but `none`.
    ///   - output: At least as long as `raw`.
    /// - Returns: Bytes of output, always fewer than of input; `nil` when the chunk does not shrink.
    public func encode(
        _ raw: UnsafeRawBufferPointer, codec: Codec, into output: UnsafeMutableRawBufferPointer
    ) -> Int? {
        precondition(output.count >= raw.count, "the output is shorter than the input")
        let planeCount = codec.planeCount
        let planeBytes = raw.count / max(1, planeCount)
        guard planeBytes > 0 else { return nil }
        var written = 1
        var coded: UInt8 = 0
        planes.part(raw, codec: codec)
        for index in 0..<planeCount {
            let plane = planes.plane(index, byteCount: planeBytes)
            if isWorthwhile(plane), written + 4 < raw.count,
                let count = deflatePlane(
                    plane, into: UnsafeMutableRawBufferPointer(rebasing: output[(written + 4)...]))
            {
                coded |= 1 << UInt8(index)
                output.storeBytes(
                    of: UInt32(count).littleEndian, toByteOffset: written, as: UInt32.self)
                written += 4 + count
            } else {
                guard written + planeBytes < raw.count else { return nil }
                UnsafeMutableRawBufferPointer(rebasing: output[written...]).copyMemory(from: plane)
                written += planeBytes
            }
        }
        let rest = UnsafeRawBufferPointer(rebasing: raw[(planeBytes * planeCount)...])
        guard coded != 0, written + rest.count < raw.count else { return nil }
        UnsafeMutableRawBufferPointer(rebasing: output[written...]).copyMemory(from: rest)
        output[0] = coded
        return written + rest.count
    }

    /// Estimates from up to 4096 bytes of the plane what an ideal Huffman code would leave of it.
    private func isWorthwhile(_ plane: UnsafeRawBufferPointer) -> Bool {
        let stride = max(1, plane.count / 4096)
        var sampled = 0
        for index in counts.indices { counts[index] = 0 }
        var offset = 0
        while offset < plane.count {
            counts[Int(plane[offset])] += 1
            sampled += 1
            offset += stride
        }
        var bits = 0.0
        for count in counts where count > 0 {
            bits += Double(count) * log2(Double(sampled) / Double(count))
        }
        return bits / Double(8 * sampled) < Self.worthwhileShare
    }

    private func deflatePlane(
        _ plane: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) -> Int? {
        let limit = min(output.count, plane.count - 4)
        guard limit > 0, deflateReset(stream) == Z_OK else { return nil }
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: plane.assumingMemoryBound(to: UInt8.self).baseAddress)
        stream.pointee.avail_in = UInt32(plane.count)
        stream.pointee.next_out = output.assumingMemoryBound(to: UInt8.self).baseAddress
        stream.pointee.avail_out = UInt32(limit)
        guard deflate(stream, Z_FINISH) == Z_STREAM_END else { return nil }
        return limit - Int(stream.pointee.avail_out)
    }
}

/// Undoes what a `PlaneEncoder` did, and believes nothing of it unchecked.
///
/// Not for several threads.
public final class PlaneDecoder {
    private let stream: UnsafeMutablePointer<z_stream>
    private var planes = PlaneBuffer()

    /// A decoder with its inflate state, which every chunk resets.
    public init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let code = inflateInit2_(
            stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(code == Z_OK, "inflate cannot start: \(code)")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Decompresses one chunk.
    ///
    /// - Parameters:
    ///   - payload: What the encoder wrote.
    ///   - codec: With which codec.
    ///   - raw: Exactly as long as the chunk was; no byte beyond is written, whatever the payload says.
    /// - Returns: Whether the payload was sound; if not, the output holds anything.
    public func decode(
        _ payload: UnsafeRawBufferPointer, codec: Codec, into raw: UnsafeMutableRawBufferPointer
    ) -> Bool {
        let planeCount = codec.planeCount
        guard planeCount > 0, let coded = payload.first, Int(coded) < 1 << planeCount else {
            return false
        }
        let planeBytes = raw.count / planeCount
        planes.reserve(planeBytes * planeCount)
        var offset = 1
        for index in 0..<planeCount {
            let plane = planes.mutablePlane(index, byteCount: planeBytes)
            if coded & 1 << UInt8(index) == 0 {
                guard payload.count - offset >= planeBytes else { return false }
                plane.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: payload[offset..<offset + planeBytes]))
                offset += planeBytes
            } else {
                guard payload.count - offset >= 4 else { return false }
                let length = Int(
                    UInt32(
                        littleEndian: payload.loadUnaligned(
                            fromByteOffset: offset, as: UInt32.self)))
                offset += 4
                guard payload.count - offset >= length else { return false }
                let input = UnsafeRawBufferPointer(rebasing: payload[offset..<offset + length])
                guard inflatePlane(input, into: plane) else { return false }
                offset += length
            }
        }
        let rest = UnsafeMutableRawBufferPointer(rebasing: raw[(planeBytes * planeCount)...])
        guard payload.count - offset == rest.count else { return false }
        rest.copyMemory(from: UnsafeRawBufferPointer(rebasing: payload[offset...]))
        planes.join(into: raw, codec: codec)
        return true
    }

    private func inflatePlane(
        _ input: UnsafeRawBufferPointer, into plane: UnsafeMutableRawBufferPointer
    ) -> Bool {
        guard inflateReset(stream) == Z_OK else { return false }
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.assumingMemoryBound(to: UInt8.self).baseAddress)
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = plane.assumingMemoryBound(to: UInt8.self).baseAddress
        stream.pointee.avail_out = UInt32(plane.count)
        guard inflate(stream, Z_FINISH) == Z_STREAM_END else { return false }
        return stream.pointee.avail_out == 0 && stream.pointee.avail_in == 0
    }
}

/// Memory for the planes of one chunk, one plane after the other.
private struct PlaneBuffer: ~Copyable {
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)

    deinit { memory.deallocate() }

    mutating func reserve(_ byteCount: Int) {
        guard byteCount > memory.count else { return }
        memory.deallocate()
        memory = .allocate(byteCount: byteCount, alignment: 64)
    }

    func plane(_ index: Int, byteCount: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(mutablePlane(index, byteCount: byteCount))
    }

    func mutablePlane(_ index: Int, byteCount: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(
            rebasing: memory[index * byteCount..<(index + 1) * byteCount])
    }

    mutating func part(_ raw: UnsafeRawBufferPointer, codec: Codec) {
        reserve(raw.count)
        guard let source = raw.baseAddress, let target = memory.baseAddress else { return }
        switch codec {
        case .none: break
        case .planes1: target.copyMemory(from: source, byteCount: raw.count)
        case .planes2: Self.part2(source, target, laneCount: raw.count / 2)
        case .planes4: Self.part4(source, target, laneCount: raw.count / 4, rotation: 0)
        case .floatPlanes: Self.part4(source, target, laneCount: raw.count / 4, rotation: 1)
        }
    }

    func join(into raw: UnsafeMutableRawBufferPointer, codec: Codec) {
        guard let target = raw.baseAddress, let source = memory.baseAddress else { return }
        switch codec {
        case .none: break
        case .planes1: target.copyMemory(from: source, byteCount: raw.count)
        case .planes2: Self.join2(source, target, laneCount: raw.count / 2)
        case .planes4: Self.join4(source, target, laneCount: raw.count / 4, rotation: 0)
        case .floatPlanes: Self.join4(source, target, laneCount: raw.count / 4, rotation: 1)
        }
    }

    private static func part4(
        _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, laneCount: Int,
        rotation: UInt32
    ) {
        let (left, right) = (rotation, (32 &- rotation) & 31)
        var i = 0
        while i &+ 16 <= laneCount {
            var lanes = source.loadUnaligned(fromByteOffset: 4 &* i, as: SIMD16<UInt32>.self)
            if rotation != 0 { lanes = lanes &<< left | lanes &>> right }
            for plane in 0..<4 {
                let bytes = SIMD16<UInt8>(
                    truncatingIfNeeded: lanes &>> UInt32(truncatingIfNeeded: 8 &* plane))
                target.storeBytes(
                    of: bytes, toByteOffset: plane &* laneCount &+ i, as: SIMD16<UInt8>.self)
            }
            i &+= 16
        }
        while i < laneCount {
            var lane = source.loadUnaligned(fromByteOffset: 4 &* i, as: UInt32.self).littleEndian
            if rotation != 0 { lane = lane &<< left | lane &>> right }
            for plane in 0..<4 {
                target.storeBytes(
                    of: UInt8(truncatingIfNeeded: lane &>> UInt32(truncatingIfNeeded: 8 &* plane)),
                    toByteOffset: plane &* laneCount &+ i, as: UInt8.self)
            }
            i &+= 1
        }
    }

    private static func join4(
        _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, laneCount: Int,
        rotation: UInt32
    ) {
        let (right, left) = (rotation, (32 &- rotation) & 31)
        var i = 0
        while i &+ 16 <= laneCount {
            var lanes = SIMD16<UInt32>()
            for plane in 0..<4 {
                let bytes = source.loadUnaligned(
                    fromByteOffset: plane &* laneCount &+ i, as: SIMD16<UInt8>.self)
                lanes |=
                    SIMD16<UInt32>(truncatingIfNeeded: bytes)
                    &<< UInt32(truncatingIfNeeded: 8 &* plane)
            }
            if rotation != 0 { lanes = lanes &>> right | lanes &<< left }
            target.storeBytes(of: lanes, toByteOffset: 4 &* i, as: SIMD16<UInt32>.self)
            i &+= 16
        }
        while i < laneCount {
            var lane: UInt32 = 0
            for plane in 0..<4 {
                let byte = source.load(
                    fromByteOffset: plane &* laneCount &+ i, as: UInt8.self)
                lane |= UInt32(byte) &<< UInt32(truncatingIfNeeded: 8 &* plane)
            }
            if rotation != 0 { lane = lane &>> right | lane &<< left }
            target.storeBytes(of: lane.littleEndian, toByteOffset: 4 &* i, as: UInt32.self)
            i &+= 1
        }
    }

    private static func part2(
        _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, laneCount: Int
    ) {
        for i in 0..<laneCount {
            let lane = source.loadUnaligned(fromByteOffset: 2 &* i, as: UInt16.self).littleEndian
            target.storeBytes(
                of: UInt8(truncatingIfNeeded: lane), toByteOffset: i, as: UInt8.self)
            target.storeBytes(
                of: UInt8(truncatingIfNeeded: lane &>> 8), toByteOffset: laneCount &+ i,
                as: UInt8.self)
        }
    }

    private static func join2(
        _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, laneCount: Int
    ) {
        for i in 0..<laneCount {
            let low = source.load(fromByteOffset: i, as: UInt8.self)
            let high = source.load(fromByteOffset: laneCount &+ i, as: UInt8.self)
            let lane = UInt16(low) | UInt16(high) &<< 8
            target.storeBytes(of: lane.littleEndian, toByteOffset: 2 &* i, as: UInt16.self)
        }
    }
}
