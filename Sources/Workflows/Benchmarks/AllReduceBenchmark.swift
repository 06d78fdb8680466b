import Collectives
import Foundation
import Runtime
import Transport

/// What `bench allreduce` measures, the same for every rank.
public struct AllReduceSettings: Sendable {
    /// Bytes of each rank's buffer.
    public var sizes: [Int]
    /// How chunks travel.
    public var compression: Compression
    /// Bytes that travel as one bucket.
    public var bucketBytes: Int
    /// What the checksum of a frame covers.
    public var payloadChecks: PayloadChecks

    /// Settings by name.
    public init(
        sizes: [Int], compression: Compression, bucketBytes: Int, payloadChecks: PayloadChecks
    ) {
        self.sizes = sizes
        self.compression = compression
        self.bucketBytes = bucketBytes
        self.payloadChecks = payloadChecks
    }

    init(_ fields: FieldReader) throws {
        sizes = try fields.all(Tag.size).map { value in
            var field = FieldWriter()
            field.append(Tag.size, value)
            return try FieldReader(field.bytes).count(Tag.size, in: 4...(1 << 34))
        }
        compression = try fields.choice(Tag.compression)
        bucketBytes = try fields.count(Tag.bucketBytes, in: 4...(1 << 34))
        payloadChecks = try fields.choice(Tag.payloadChecks)
    }

    func append(to fields: inout FieldWriter) {
        for size in sizes { fields.append(Tag.size, size) }
        fields.append(Tag.compression, compression.rawValue)
        fields.append(Tag.bucketBytes, bucketBytes)
        fields.append(Tag.payloadChecks, payloadChecks.rawValue)
    }
}

extension FieldReader {
    /// A word of an enumeration.
    fileprivate func choice<Choice: RawRepresentable<String>>(_ tag: UInt16) throws -> Choice {
        let word = try text(tag)
        guard let choice = Choice(rawValue: word) else {
            throw AllReduceError("the leader wants '\(word)', which this version does not know")
        }
        return choice
    }
}

/// Fields of the benchmark's own messages.
private enum Tag {
    static let size: UInt16 = 1
    static let compression: UInt16 = 2
    static let bucketBytes: UInt16 = 3
    static let payloadChecks: UInt16 = 4
    static let rank: UInt16 = 5
    static let worldSize: UInt16 = 6
    static let nextAddress: UInt16 = 7
    static let ownAddress: UInt16 = 8
}

private let join = FrameType(rawValue: 1)
private let plan = FrameType(rawValue: 2)
private let edge = FrameType(rawValue: 3)
private let timeout = Duration.seconds(30)

/// The figures of one size.
public struct AllReduceResult: Sendable {
    let bytes: Int
    let workers: Int
    let medianSeconds: Double
    let wireBytes: UInt64
    let compressionReason: String
}

/// One rank of the benchmark: it finds its neighbours and sums buffers of growing size with them.
struct AllReduceRank {
    let settings: AllReduceSettings
    let exchange: any Exchange

    /// Rank 0: waits for the others and tells each its place.
    static func lead(
        _ settings: AllReduceSettings, workers: Int, on listener: TCPListener
    ) throws -> AllReduceRank {
        let data = try TCPListener(
            on: NetworkAddress(host: listener.address.host, port: 0), failureTimeout: timeout)
        var others: [(connection: MessageConnection, address: String)] = []
        while others.count < workers - 1 {
            guard let socket = try listener.accept(timeout: timeout) else {
                throw AllReduceError("only \(others.count + 1) of \(workers) workers came in time")
            }
            let connection = MessageConnection(socket)
            connection.limitPayloads(toBytes: 4096)
            guard let frame = try? connection.receive(timeout: timeout), frame.header.type == join
            else { continue }
            let port = try FieldReader(frame.payload).text(Tag.ownAddress)
            others.append((connection, port))
        }
        let addresses = ["\(data.address)"] + others.map(\.address)
        for (index, other) in others.enumerated() {
            var fields = FieldWriter()
            settings.append(to: &fields)
            fields.append(Tag.rank, index + 1)
            fields.append(Tag.worldSize, workers)
            fields.append(Tag.nextAddress, addresses[(index + 2) % workers])
            try other.connection.send(plan, payload: fields.bytes, timeout: timeout)
        }
        return try AllReduceRank(
            settings, rank: 0, worldSize: workers, next: addresses[1 % workers], listener: data)
    }

    /// Any other rank: asks rank 0 for its place.
    static func follow(_ leader: NetworkAddress) throws -> AllReduceRank {
        let socket = try TCPConnector.connect(
            to: leader, timeout: timeout, failureTimeout: timeout)
        guard let local = socket.localAddress else { throw AllReduceError("no local address") }
        let data = try TCPListener(
            on: NetworkAddress(host: local.host, port: 0), failureTimeout: timeout)
        let connection = MessageConnection(socket)
        var fields = FieldWriter()
        fields.append(Tag.ownAddress, "\(data.address)")
        try connection.send(join, payload: fields.bytes, timeout: timeout)
        guard let frame = try connection.receive(timeout: timeout * 10), frame.header.type == plan
        else { throw AllReduceError("\(leader) sent no plan in time") }
        let answer = try FieldReader(frame.payload)
        return try AllReduceRank(
            AllReduceSettings(answer), rank: answer.count(Tag.rank, in: 0...4096),
            worldSize: answer.count(Tag.worldSize, in: 1...4096),
            next: answer.text(Tag.nextAddress), listener: data)
    }

    private init(
        _ settings: AllReduceSettings, rank: Int, worldSize: Int, next: String,
        listener: TCPListener
    ) throws {
        self.settings = settings
        var options = RingOptions()
        options.compression = settings.compression
        options.payloadChecks = settings.payloadChecks
        options.failureTimeout = .seconds(10)
        guard worldSize > 1 else {
            exchange = SingleProcessExchange()
            return
        }
        let outgoing = MessageConnection(
            try TCPConnector.connect(
                to: NetworkAddress(parsing: next), timeout: timeout, failureTimeout: timeout))
        try outgoing.send(edge, timeout: timeout)
        guard let socket = try listener.accept(timeout: timeout) else {
            throw AllReduceError("rank \((rank + worldSize - 1) % worldSize) did not connect")
        }
        let incoming = MessageConnection(socket)
        guard try incoming.receive(timeout: timeout)?.header.type == edge else {
            throw AllReduceError("\(incoming.peer) is no rank of this measurement")
        }
        exchange = try Ring(
            rank: rank, worldSize: worldSize, generation: 1, previous: incoming.intoStream(),
            next: outgoing.intoStream(), options: options)
    }

    /// Measures every size and hands each result over as soon as it is there.
    func run(report: (AllReduceResult) -> Void) throws {
        var step: UInt64 = 0
        for bytes in settings.sizes {
            report(try measure(bytes / 4 * 4, &step))
        }
        exchange.close()
    }

    private func measure(_ bytes: Int, _ step: inout UInt64) throws -> AllReduceResult {
        let lanes = bytes / 4
        let perBucket = max(1, settings.bucketBytes / 4)
        let buckets = stride(from: 0, to: lanes, by: perBucket).map {
            $0..<min($0 + perBucket, lanes)
        }
        let layout = ReductionLayout(laneBits: 32, elementCount: lanes, buckets: buckets)
        let local = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 64)
        let reduced = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 64)
        defer {
            local.deallocate()
            reduced.deallocate()
        }
        fillLikeGradients(local, seed: UInt64(exchange.rank))
        reduced.initializeMemory(as: UInt8.self, repeating: 0)
        var seconds: [Double] = []
        var wireBytes: UInt64 = 0
        var planned = 3
        while true {
            step += 1
            // Everybody starts together, and rank 0 says how often.
            let plans = try exchange.allGather(
                Array("\(planned)".utf8), step: step, round: 0)
            planned = Int(String(decoding: plans[0], as: UTF8.self)) ?? planned
            guard seconds.count < planned else { break }
            let before = exchange.statistics.sentBytes
            let start = ContinuousClock.now
            exchange.begin(
                step: step, round: 0, layout: layout, local: UnsafeRawBufferPointer(local),
                reduced: reduced)
            for bucket in buckets.indices { exchange.submit(bucket: bucket) }
            try exchange.finish()
            seconds.append(start.duration(to: .now).seconds)
            wireBytes = exchange.statistics.sentBytes - before
            if seconds.count == 3, exchange.rank == 0 {
                planned = min(1000, max(8, Int(1.5 / max(seconds[2], 1e-6))))
            }
        }
        try check(local, reduced, step)
        let sorted = seconds.dropFirst(2).sorted()
        return AllReduceResult(
            bytes: bytes, workers: exchange.worldSize, medianSeconds: sorted[sorted.count / 2],
            wireBytes: wireBytes,
            compressionReason: exchange.statistics.compressionReason)
    }

    /// Numbers of the size and spread of fixed-point gradients: bell-shaped, with an almost empty top byte.
    private func fillLikeGradients(_ bytes: UnsafeMutableRawBufferPointer, seed: UInt64) {
        var state = (seed &+ 1) &* 0x9E37_79B9_7F4A_7C15
        for offset in stride(from: 0, to: bytes.count, by: 4) {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            let sum = (state & 0xFFFF) &+ (state >> 16 & 0xFFFF) &+ (state >> 32 & 0xFFFF)
            let lane = Int32(truncatingIfNeeded: Int64(sum) - 98_304) << 8 | Int32(state >> 56)
            bytes.storeBytes(of: lane, toByteOffset: offset, as: Int32.self)
        }
    }

    /// A benchmark of wrong sums would be worth nothing: the first lanes are summed again from everybody's.
    private func check(
        _ local: UnsafeMutableRawBufferPointer, _ reduced: UnsafeMutableRawBufferPointer,
        _ step: UInt64
    ) throws {
        let count = min(4096, local.count)
        let all = try exchange.allGather(Array(local[..<count]), step: step, round: 1)
        for offset in stride(from: 0, to: count, by: 4) {
            let sum = all.reduce(Int32(0)) { sum, lanes in
                sum
                    &+ lanes.withUnsafeBytes {
                        $0.loadUnaligned(fromByteOffset: offset, as: Int32.self)
                    }
            }
            guard reduced.loadUnaligned(fromByteOffset: offset, as: Int32.self) == sum else {
                throw AllReduceError("the sum at byte \(offset) is wrong")
            }
        }
    }
}

/// Why a measurement could not be made.
public struct AllReduceError: Error, CustomStringConvertible {
    /// What went wrong.
    public let description: String
    init(_ description: String) { self.description = description }
}
