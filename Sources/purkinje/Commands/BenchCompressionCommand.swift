import CommandLineInterface
import Workflows

private let input = Option(required: "input", .file, help: "A safetensors file.")

/// `purkinje bench compression`.
let benchCompressionCommand = Command(
    "bench compression", summary: "measures every codec on given tensors",
    discussion: """
        Compresses all tensors of a file in chunks of 1 MiB, as they travel, and prints ratio and speed of each codec: \
        floatPlanes is made for 4-byte floats, planes4, planes2 and planes1 for integer lanes of that many bytes. \
        Every chunk is decompressed and compared. Speeds are of one core.
        """,
    parameters: [input, Flag.json],
    example: "purkinje bench compression --input encoder.safetensors"
) { given in
    try CodecMeasurement.ofAll(tensorsOf: given[input]) {
        Output.write($0, asJSON: given[.json])
    }
    return .success
}
