import Checkpoints
import CommandLineInterface
import Foundation
import Runtime
import Transport

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
    let file = try SafetensorsFile(path: given[input])
    let chunks = try file.tensors().flatMap { tensor in
        let bytes = Array(UnsafeRawBufferPointer(tensor.tensor.bytes))
        return stride(from: 0, to: bytes.count, by: 1 << 20).map {
            Array(bytes[$0..<min($0 + 1 << 20, bytes.count)])
        }
    }
    for codec in Codec.allCases where codec != .none {
        let result = try measure(codec, chunks)
        if given[.json] {
            Output.write([
                "codec": .string("\(codec)"), "raw_bytes": .integer(Int64(result.rawBytes)),
                "payload_bytes": .integer(Int64(result.payloadBytes)),
                "ratio": .measured(result.ratio),
                "encode_bytes_per_second": .measured(result.encodeSpeed),
                "decode_bytes_per_second": .measured(result.decodeSpeed),
            ])
        } else {
            Output.write(
                "\(codec): ratio \(decimals(result.ratio, 3)), "
                    + "encodes \(decimals(result.encodeSpeed / 1e6, 0)) MB/s, "
                    + "decodes \(decimals(result.decodeSpeed / 1e6, 0)) MB/s")
        }
    }
    return .success
}

private struct CodecResult {
    var rawBytes = 0
    var payloadBytes = 0
    var encodeSeconds = 0.0
    var decodedBytes = 0
    var decodeSeconds = 0.0
    var ratio: Double { Double(rawBytes) / Double(payloadBytes) }
    var encodeSpeed: Double { Double(rawBytes) / encodeSeconds }
    /// Not measured where no chunk shrinks.
    var decodeSpeed: Double { Double(decodedBytes) / decodeSeconds }
}

private func measure(_ codec: Codec, _ chunks: [[UInt8]]) throws -> CodecResult {
    let (encoder, decoder) = (PlaneEncoder(), PlaneDecoder())
    var output = [UInt8](repeating: 0, count: 1 << 20)
    var back = output
    var result = CodecResult()
    for chunk in chunks {
        let start = ContinuousClock.now
        let count = chunk.withUnsafeBytes { chunk in
            output.withUnsafeMutableBytes { encoder.encode(chunk, codec: codec, into: $0) }
        }
        result.encodeSeconds += start.duration(to: .now).seconds
        result.rawBytes += chunk.count
        result.payloadBytes += count ?? chunk.count
        guard let count else { continue }
        let encoded = ContinuousClock.now
        let isSound = output.withUnsafeBytes { output in
            back.withUnsafeMutableBytes { back in
                decoder.decode(
                    UnsafeRawBufferPointer(rebasing: output[..<count]), codec: codec,
                    into: UnsafeMutableRawBufferPointer(rebasing: back[..<chunk.count]))
            }
        }
        result.decodeSeconds += encoded.duration(to: .now).seconds
        result.decodedBytes += chunk.count
        guard isSound, back[..<chunk.count] == chunk[...] else {
            throw CommandError(.failure, "codec \(codec) does not give back what it was given")
        }
    }
    return result
}
