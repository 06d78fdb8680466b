import Checkpoints
import CommandLineInterface
import Runtime
import Transport

/// How well and how fast a codec compresses given tensors, on one core.
public struct CodecMeasurement: CommandResult {
    private let codec: Codec
    private var rawBytes = 0
    private var payloadBytes = 0
    private var encodeSeconds = 0.0
    private var decodedBytes = 0
    private var decodeSeconds = 0.0

    /// Bytes before for each byte after.
    public var ratio: Double { Double(rawBytes) / Double(payloadBytes) }
    private var encodeSpeed: Double { Double(rawBytes) / encodeSeconds }
    /// Not measured where no chunk shrinks.
    private var decodeSpeed: Double { Double(decodedBytes) / decodeSeconds }

    /// Measures every codec on a file's tensors, in chunks as they travel.
    ///
    /// - Parameters:
    ///   - path: A safetensors file.
    ///   - report: Gets each codec's figures as soon as they are there.
    /// - Throws: `SafetensorsError`, and `CommandError` where a codec does not give back what it was given.
    public static func ofAll(tensorsOf path: FilePath, report: (CodecMeasurement) -> Void) throws {
        let file = try SafetensorsFile(path: path)
        let chunks = try file.tensors().flatMap { tensor in
            let bytes = Array(UnsafeRawBufferPointer(tensor.tensor.bytes))
            return stride(from: 0, to: bytes.count, by: chunkBytes).map {
                Array(bytes[$0..<min($0 + chunkBytes, bytes.count)])
            }
        }
        for codec in Codec.allCases where codec != .none {
            report(try CodecMeasurement(codec, chunks))
        }
    }

    private static let chunkBytes = 1 << 20

    private init(_ codec: Codec, _ chunks: [[UInt8]]) throws(CommandError) {
        self.codec = codec
        let (encoder, decoder) = (PlaneEncoder(), PlaneDecoder())
        var output = [UInt8](repeating: 0, count: Self.chunkBytes)
        var back = output
        for chunk in chunks {
            let start = ContinuousClock.now
            let count = chunk.withUnsafeBytes { chunk in
                output.withUnsafeMutableBytes { encoder.encode(chunk, codec: codec, into: $0) }
            }
            encodeSeconds += start.duration(to: .now).seconds
            rawBytes += chunk.count
            payloadBytes += count ?? chunk.count
            guard let count else { continue }
            let encoded = ContinuousClock.now
            let isSound = output.withUnsafeBytes { output in
                back.withUnsafeMutableBytes { back in
                    decoder.decode(
                        UnsafeRawBufferPointer(rebasing: output[..<count]), codec: codec,
                        into: UnsafeMutableRawBufferPointer(rebasing: back[..<chunk.count]))
                }
            }
            decodeSeconds += encoded.duration(to: .now).seconds
            decodedBytes += chunk.count
            guard isSound, back[..<chunk.count] == chunk[...] else {
                throw CommandError(.failure, "codec \(codec) does not give back what it was given")
            }
        }
    }

    /// Sizes and speeds.
    public var json: JSONValue {
        [
            "codec": .string("\(codec)"), "raw_bytes": .integer(Int64(rawBytes)),
            "payload_bytes": .integer(Int64(payloadBytes)), "ratio": .measured(ratio),
            "encode_bytes_per_second": .measured(encodeSpeed),
            "decode_bytes_per_second": .measured(decodeSpeed),
        ]
    }

    /// The same in a line.
    public var text: String {
        "\(codec): ratio \(decimals(ratio, 3)), encodes \(decimals(encodeSpeed / 1e6, 0)) MB/s, "
            + "decodes \(decimals(decodeSpeed / 1e6, 0)) MB/s"
    }
}
