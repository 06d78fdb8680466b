import TestSupport
import Testing

@testable import Transport

private func encode(_ raw: [UInt8], _ codec: Codec) -> [UInt8]? {
    var output = [UInt8](repeating: 0, count: raw.count)
    let count = raw.withUnsafeBytes { raw in
        output.withUnsafeMutableBytes { PlaneEncoder().encode(raw, codec: codec, into: $0) }
    }
    return count.map { Array(output[..<$0]) }
}

private func decode(_ payload: [UInt8], _ codec: Codec, count: Int) -> [UInt8]? {
    var raw = [UInt8](repeating: 0, count: count)
    let isSound = payload.withUnsafeBytes { payload in
        raw.withUnsafeMutableBytes { PlaneDecoder().decode(payload, codec: codec, into: $0) }
    }
    return isSound ? raw : nil
}

/// Bytes of lanes that are small against their type, as sums mostly are.
private func smallLanes(byteCount: Int, codec: Codec, seed: UInt64) -> [UInt8] {
    var random = SeededRandom(seed: seed)
    let width = max(1, codec.planeCount)
    return (0..<byteCount).map { offset in
        offset % width == width - 1
            ? UInt8.random(in: 0...2, using: &random) : UInt8.random(in: 0...255, using: &random)
    }
}

private let compressing = Codec.allCases.filter { $0 != .none }

@Suite("Plane codec")
struct PlaneCodecTests {
    @Test(
        "chunks of every size come back", arguments: compressing,
        [0, 1, 2, 3, 4, 5, 31, 63, 64, 65, 4095, 4096, 4099, 100_000])
    func roundTrip(codec: Codec, byteCount: Int) {
        let raw = smallLanes(byteCount: byteCount, codec: codec, seed: UInt64(byteCount + 1))
        guard let payload = encode(raw, codec) else {
            #expect(byteCount < 200, "\(byteCount) bytes of small lanes do not shrink")
            return
        }
        #expect(payload.count < byteCount)
        #expect(decode(payload, codec, count: byteCount) == raw)
    }

    @Test("noise is left as it is", arguments: compressing)
    func leavesNoise(codec: Codec) {
        var random = SeededRandom(seed: 5)
        let raw = (0..<50_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        #expect(encode(raw, codec) == nil)
    }

    @Test("floats shrink by their exponents")
    func floatsShrink() throws {
        var random = SeededRandom(seed: 6)
        let values = (0..<20_000).map { _ in Float.random(in: -1...1, using: &random) }
        let raw = values.withUnsafeBytes { Array($0) }
        let payload = try #require(encode(raw, .floatPlanes))
        #expect(Double(raw.count) / Double(payload.count) > 1.15)
        #expect(decode(payload, .floatPlanes, count: raw.count) == raw)
    }

    @Test("another length than that of the chunk is refused", arguments: compressing)
    func refusesOtherLengths(codec: Codec) throws {
        let raw = smallLanes(byteCount: 4096, codec: codec, seed: 9)
        let payload = try #require(encode(raw, codec))
        for count in [0, 1, 4, 4000, 4095, 4097, 8192] {
            #expect(decode(payload, codec, count: count) == nil, "decoded to \(count) bytes")
        }
        #expect(decode(payload + [0], codec, count: 4096) == nil)
    }

    @Test("damaged payloads never crash the decoder", arguments: compressing)
    func survivesDamage(codec: Codec) throws {
        var random = SeededRandom(seed: 10)
        let sound = try #require(
            encode(smallLanes(byteCount: 2048, codec: codec, seed: 11), codec))
        for _ in 0..<3000 {
            var payload = sound
            switch Int.random(in: 0..<3, using: &random) {
            case 0: payload[Int.random(in: 0..<payload.count, using: &random)] ^= 1 << 3
            case 1: payload.removeLast(Int.random(in: 1...payload.count, using: &random))
            default:
                payload = (0..<200).map { _ in UInt8.random(in: 0...255, using: &random) }
            }
            // Whether it decodes is chance; that it writes nothing outside the buffer is not.
            _ = decode(payload, codec, count: 2048)
        }
    }
}
