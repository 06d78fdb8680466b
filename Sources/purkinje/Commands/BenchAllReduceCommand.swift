import Collectives
import Launching
import CommandLineInterface
import Foundation
import Runtime
import Transport

private let workers = Option(
    "workers", .integer(1...4096), default: 2, help: "Processes that take part.")
private let sizes = Option(
    "sizes", .list(of: .bytes), default: [1 << 10, 1 << 20, 16 << 20, 100 << 20, 340 << 20],
    help: "Bytes of each rank's buffer.")
private let compression = Option(
    "compression", .oneOf(Compression.self), default: .none,
    help: "How chunks travel; auto compresses where it is faster.")
private let bucket = Option(
    "bucket", .bytes, default: 16 << 20, help: "Bytes that travel as one bucket.")
private let frameChecksum = Option(
    "frame-crc", .oneOf(PayloadChecks.self), default: .auto,
    help: "What the checksum of a frame covers; auto leaves the payload out on loopback.")
private let listen = Option(
    "listen", .text.named("HOST:PORT"), otherwise: "loopback, with workers started here",
    help: "Wait here for workers that are started elsewhere with --join.")
private let joined = Option(
    "join", .text.named("HOST:PORT"), otherwise: "leads the measurement",
    help: "Take part in a measurement that listens there; it says all the rest.")

/// `purkinje bench allreduce`.
let benchAllReduceCommand = Command(
    "bench allreduce", summary: "measures the sums over all workers",
    discussion: """
        Sums buffers of 32-bit integers in real processes over TCP and prints a line a size: the median time, the algorithm \
        bandwidth (bytes of the buffer per second) and the bytes that one rank sent. On this machine's loopback unless \
        --listen and --join connect several. Figures where workers outnumber cores say little about a network.
        """,
    parameters: [
        workers, sizes, compression, bucket, frameChecksum, listen, joined, Flag.json,
    ],
    example: "purkinje bench allreduce --workers 4 --sizes 1M,100M --compression auto"
) { given in
    if let leader = given[joined] {
        try given.refuse(
            [workers, sizes, compression, bucket, frameChecksum, listen, Flag.json],
            "with --join: who listens there says it")
        try AllReduceRank.follow(NetworkAddress(parsing: leader)).run { _ in }
        return .success
    }
    let settings = AllReduceSettings(
        sizes: given[sizes], compression: given[compression], bucketBytes: given[bucket],
        payloadChecks: given[frameChecksum])
    let address = try NetworkAddress(parsing: given[listen] ?? "127.0.0.1:0")
    let listener = try TCPListener(on: address, failureTimeout: .seconds(10))
    var children: [ChildProcess] = []
    defer { for child in children { _ = child.wait() } }
    if given[listen] == nil {
        for _ in 1..<given[workers] { children.append(try startFollower(listener.address)) }
    } else {
        Log().info("waiting for \(given[workers] - 1) workers with --join \(listener.address)")
    }
    let cores = ProcessInfo.processInfo.activeProcessorCount
    if given[listen] == nil, given[workers] > cores {
        Log().warning("\(given[workers]) workers share \(cores) cores")
    }
    do {
        try AllReduceRank.lead(settings, workers: given[workers], on: listener).run { result in
            write(result, workers: given[workers], asJSON: given[.json])
        }
    } catch {
        for child in children { child.send(signal: SIGTERM) }
        throw error
    }
    return .success
}

private func startFollower(_ leader: NetworkAddress) throws(SystemError) -> ChildProcess {
    try ChildProcess(
        executable: FilePath("/proc/self/exe").linkTarget(),
        arguments: ["bench", "allreduce", "--join", "\(leader)"], name: "follower",
        receive: { Log(prefix: "follower").info($0) })
}

private func write(_ result: AllReduceResult, workers: Int, asJSON: Bool) {
    let bandwidth = Double(result.bytes) / result.medianSeconds / 1e9
    if asJSON {
        Output.write([
            "bytes": .integer(Int64(result.bytes)),
            "workers": .integer(Int64(workers)),
            "median_seconds": .measured(result.medianSeconds),
            "algorithm_gigabytes_per_second": .measured(bandwidth),
            "wire_bytes": .integer(Int64(result.wireBytes)),
            "compression": .string(result.compressionReason),
        ])
    } else {
        Output.write(
            "\(sizeText(result.bytes)): \(decimals(result.medianSeconds * 1000, 3)) ms, "
                + "\(decimals(bandwidth, 3)) GB/s, \(result.wireBytes) bytes sent a rank; "
                + "compression \(result.compressionReason)")
    }
}
