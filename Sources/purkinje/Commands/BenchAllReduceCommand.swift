import Collectives
import CommandLineInterface
import Runtime
import Workflows

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
        try AllReduceMeasurement.follow(leader)
        return .success
    }
    let measurement = AllReduceMeasurement(
        AllReduceSettings(
            sizes: given[sizes], compression: given[compression], bucketBytes: given[bucket],
            payloadChecks: given[frameChecksum]), workers: given[workers])
    if let address = given[listen] {
        try measurement.lead(on: address) { Output.write($0, asJSON: given[.json]) }
    } else {
        try measurement.lead { Output.write($0, asJSON: given[.json]) }
    }
    return .success
}
