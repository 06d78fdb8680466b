/// How a WFDB signal file stores its samples.
public enum SignalFormat: Int, Sendable, CaseIterable {
    /// First differences in 8 bits.
    case differences8 = 8
    /// 16-bit two's complement, low byte first.
    case integer16 = 16
    /// 24-bit two's complement, low byte first.
    case integer24 = 24
    /// 32-bit two's complement, low byte first.
    case integer32 = 32
    /// 16-bit two's complement, high byte first.
    case bigEndian61 = 61
    /// 8-bit offset binary.
    case offset80 = 80
    /// 16-bit offset binary.
    case offset160 = 160
    /// Two 12-bit samples in three bytes.
    case packed212 = 212
    /// Three 10-bit samples in four bytes, in 15 of 16 bits each.
    case packed310 = 310
    /// Three 10-bit samples in four bytes, in 30 of 32 bits.
    case packed311 = 311

    /// The value that stands for a sample that was not measured; format 8 has none.
    public var invalidSample: Int32? {
        switch self {
        case .differences8: nil
        case .offset80: -128
        case .packed310, .packed311: -512
        case .packed212: -2048
        case .integer16, .bigEndian61, .offset160: -32768
        case .integer24: -8_388_608
        case .integer32: .min
        }
    }

    /// Bytes that hold a number of samples.
    ///
    /// - Precondition: `sampleCount` is below 2^60.
    public func byteCount(sampleCount: Int) -> Int {
        switch self {
        case .differences8, .offset80: sampleCount
        case .integer16, .bigEndian61, .offset160: 2 * sampleCount
        case .integer24: 3 * sampleCount
        case .integer32: 4 * sampleCount
        case .packed212: sampleCount / 2 * 3 + sampleCount % 2 * 2
        case .packed310: sampleCount / 3 * 4 + sampleCount % 3 * 2
        case .packed311: sampleCount / 3 * 4 + (sampleCount % 3 == 0 ? 0 : sampleCount % 3 + 1)
        }
    }

    /// Whole samples in a number of bytes.
    public func sampleCount(byteCount: Int) -> Int {
        switch self {
        case .differences8, .offset80: byteCount
        case .integer16, .bigEndian61, .offset160: byteCount / 2
        case .integer24: byteCount / 3
        case .integer32: byteCount / 4
        case .packed212: byteCount / 3 * 2 + (byteCount % 3 == 2 ? 1 : 0)
        case .packed310: byteCount / 4 * 3 + byteCount % 4 / 2
        case .packed311: byteCount / 4 * 3 + max(0, byteCount % 4 - 1)
        }
    }

    /// Decodes a run of samples.
    ///
    /// - Parameters:
    ///   - bytes: The signals' bytes from sample 0 on.
    ///   - first: Number of the first sample wanted.
    ///   - samples: Where they go. Format 8 gives the differences themselves.
    /// - Precondition: `bytes` holds `first + samples.count` samples.
    func decode(
        _ bytes: UnsafeRawBufferPointer, from first: Int,
        into samples: UnsafeMutableBufferPointer<Int32>
    ) {
        let count = samples.count
        precondition(
            bytes.count >= byteCount(sampleCount: first + count),
            "\(bytes.count) bytes cannot hold \(first + count) samples of format \(rawValue)")
        func byte(_ i: Int) -> Int32 { Int32(bytes[i]) }
        switch self {
        case .differences8:
            for i in 0..<count { samples[i] = Int32(Int8(bitPattern: bytes[first + i])) }
        case .offset80:
            for i in 0..<count { samples[i] = byte(first + i) - 128 }
        case .integer16:
            for i in 0..<count {
                let word = bytes.loadUnaligned(fromByteOffset: 2 * (first + i), as: Int16.self)
                samples[i] = Int32(Int16(littleEndian: word))
            }
        case .bigEndian61:
            for i in 0..<count {
                let word = bytes.loadUnaligned(fromByteOffset: 2 * (first + i), as: Int16.self)
                samples[i] = Int32(Int16(bigEndian: word))
            }
        case .offset160:
            for i in 0..<count {
                let at = 2 * (first + i)
                samples[i] = (byte(at) | byte(at + 1) << 8) - 32768
            }
        case .integer24:
            for i in 0..<count {
                let at = 3 * (first + i)
                let word = byte(at) << 8 | byte(at + 1) << 16 | byte(at + 2) << 24
                samples[i] = word >> 8
            }
        case .integer32:
            for i in 0..<count {
                let word = bytes.loadUnaligned(fromByteOffset: 4 * (first + i), as: Int32.self)
                samples[i] = Int32(littleEndian: word)
            }
        case .packed212:
            for i in 0..<count {
                let (pair, second) = (first + i).quotientAndRemainder(dividingBy: 2)
                let middle = byte(3 * pair + 1)
                let word =
                    second == 0
                    ? byte(3 * pair) | (middle & 0x0F) << 8
                    : byte(3 * pair + 2) | (middle & 0xF0) << 4
                samples[i] = (word << 20) >> 20
            }
        case .packed310, .packed311:
            decodeTriples(bytes, from: first, into: samples)
        }
    }

    private func decodeTriples(
        _ bytes: UnsafeRawBufferPointer, from first: Int,
        into samples: UnsafeMutableBufferPointer<Int32>
    ) {
        for i in 0..<samples.count {
            let (triple, place) = (first + i).quotientAndRemainder(dividingBy: 3)
            func byte(_ offset: Int) -> Int32 { Int32(bytes[4 * triple + offset]) }
            let word: Int32
            switch (self, place) {
            case (.packed310, 0): word = byte(0) >> 1 | (byte(1) & 7) << 7
            case (.packed310, 1): word = byte(2) >> 1 | (byte(3) & 7) << 7
            case (.packed310, _): word = byte(1) >> 3 | (byte(3) >> 3) << 5
            case (_, 0): word = byte(0) | (byte(1) & 3) << 8
            case (_, 1): word = byte(1) >> 2 | (byte(2) & 15) << 6
            default: word = byte(2) >> 4 | (byte(3) & 63) << 4
            }
            samples[i] = (word << 22) >> 22
        }
    }
}
