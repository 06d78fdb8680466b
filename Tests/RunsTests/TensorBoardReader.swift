import Foundation

/// Reads event files bit by bit as their description has it, with nothing of the writer's code.
struct TensorBoardReader {
    struct Event {
        var step: Int64 = 0
        var version: String?
        var session: [UInt8]?
        var scalars: [String: Float] = [:]
    }

    private(set) var events: [Event] = []

    init(_ file: [UInt8]) throws {
        var rest = file[...]
        while !rest.isEmpty {
            let length = try Self.number(rest.prefix(8))
            try Self.check(rest.prefix(8), against: rest.dropFirst(8).prefix(4))
            let data = rest.dropFirst(12).prefix(Int(length))
            try Self.check(data, against: rest.dropFirst(12 + Int(length)).prefix(4))
            events.append(try Self.event(data))
            rest = rest.dropFirst(16 + Int(length))
        }
    }

    struct Malformed: Error { let what: String }

    private static func number(_ bytes: ArraySlice<UInt8>) throws -> UInt64 {
        guard bytes.count == 8 || bytes.count == 4 else { throw Malformed(what: "cut") }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func check(_ bytes: ArraySlice<UInt8>, against sum: ArraySlice<UInt8>) throws {
        let masked = UInt32(try number(sum))
        let rotated = masked &- 0xA282_EAD8
        guard rotated << 15 | rotated >> 17 == crc32c(bytes) else {
            throw Malformed(what: "checksum")
        }
    }

    /// One bit at a time.
    static func crc32c(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var crc = UInt32.max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
        }
        return crc ^ .max
    }

    private static func fields(_ data: ArraySlice<UInt8>) throws -> [(Int, [UInt8])] {
        var fields: [(Int, [UInt8])] = []
        var rest = data
        func variable() throws -> UInt64 {
            var value: UInt64 = 0
            for shift in stride(from: 0, to: 70, by: 7) {
                guard let byte = rest.popFirst() else { throw Malformed(what: "varint") }
                value |= UInt64(byte & 0x7F) << UInt64(shift)
                if byte < 0x80 { return value }
            }
            throw Malformed(what: "varint")
        }
        while !rest.isEmpty {
            let key = try variable()
            let count: Int
            switch key & 7 {
            case 0:
                let value = try variable()
                fields.append((Int(key >> 3), withUnsafeBytes(of: value) { Array($0) }))
                continue
            case 1: count = 8
            case 2: count = Int(try variable())
            case 5: count = 4
            default: throw Malformed(what: "wire type")
            }
            guard rest.count >= count else { throw Malformed(what: "field") }
            fields.append((Int(key >> 3), Array(rest.prefix(count))))
            rest = rest.dropFirst(count)
        }
        return fields
    }

    private static func event(_ data: ArraySlice<UInt8>) throws -> Event {
        var event = Event()
        for (field, content) in try fields(data) {
            switch field {
            case 2: event.step = Int64(bitPattern: try number(content[...]))
            case 3: event.version = String(decoding: content, as: UTF8.self)
            case 5:
                for (_, value) in try fields(content[...]) {
                    var (tag, scalar) = ("", Float.nan)
                    for (part, bytes) in try fields(value[...]) {
                        if part == 1 { tag = String(decoding: bytes, as: UTF8.self) }
                        if part == 2 { scalar = Float(bitPattern: UInt32(try number(bytes[...]))) }
                    }
                    event.scalars[tag] = scalar
                }
            case 7: event.session = content
            default: break
            }
        }
        return event
    }
}
