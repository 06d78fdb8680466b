import Foundation
import Runtime
import Testing

/// A file of numbers computed by the published PyTorch code.
public struct GoldenCase: Sendable, CustomTestStringConvertible {
    /// The file's name without `.safetensors`.
    public let name: String
    /// Sizes and settings.
    public let config: JSONValue
    private let tensors: [String: GoldenTensor]

    /// The name.
    public var testDescription: String { name }

    /// Names of all tensors, sorted.
    public var names: [String] { tensors.keys.sorted() }

    /// A tensor that the case must have.
    public func callAsFunction(_ name: String) -> GoldenTensor {
        guard let tensor = tensors[name] else {
            fatalError("\(self.name) has no tensor \(name)")
        }
        return tensor
    }

    /// A tensor that the case may have.
    public func optional(_ name: String) -> GoldenTensor? { tensors[name] }

    /// A number of the configuration, by a path such as `adamw.lr`.
    public func number(_ path: String) -> Double {
        var value: JSONValue? = config
        for key in path.split(separator: ".") { value = value?[String(key)] }
        guard let number = value?.doubleValue else {
            fatalError("\(name) has no number \(path)")
        }
        return number
    }

    /// A whole number of the configuration.
    public func integer(_ path: String) -> Int { Int(number(path)) }

    /// Every case whose file's name begins with one of some prefixes: those of the package, and others of the further folder.
    ///
    /// Stops the tests where the package has none, so that none can pass by having nothing to compare.
    public static func all(_ prefixes: String...) -> [GoldenCase] {
        let own = files(in: Fixtures.goldenFolder, prefixes)
        guard !own.isEmpty else {
            fatalError("\(Fixtures.goldenFolder) has no case that begins with one of \(prefixes)")
        }
        let further =
            FileManager.default.fileExists(atPath: "\(Fixtures.furtherGoldenFolder)/manifest.json")
            ? files(in: Fixtures.furtherGoldenFolder, prefixes) : []
        let others = further.filter { file in
            !own.contains { $0.name == file.name && $0.bytes == file.bytes }
        }
        return (own + others).map { file in
            GoldenCase(
                name: String(file.name.dropLast(".safetensors".count)), config: file.config,
                tensors: GoldenTensor.parse(file.bytes))
        }
    }

    private static func files(
        in folder: String, _ prefixes: [String]
    ) -> [(name: String, config: JSONValue, bytes: Data)] {
        let manifest = FileManager.default.contents(atPath: "\(folder)/manifest.json") ?? Data()
        guard let entries = try? JSONValue(parsing: manifest).arrayValue else {
            fatalError("\(folder)/manifest.json is no list of cases")
        }
        return entries.compactMap { entry in
            guard let file = entry["file"]?.stringValue, let config = entry["config"] else {
                fatalError("\(folder)/manifest.json has an entry without file or config")
            }
            guard prefixes.contains(where: file.hasPrefix) else { return nil }
            guard let bytes = FileManager.default.contents(atPath: "\(folder)/\(file)") else {
                fatalError("\(folder)/\(file) is in the manifest and cannot be read")
            }
            return (file, config, bytes)
        }
    }
}

/// Numbers of a golden file, whatever type they were stored in.
public struct GoldenTensor: Sendable {
    /// Sizes of the axes.
    public let shape: [Int]
    /// The numbers in double.
    public let doubles: [Double]

    /// Numbers under a shape.
    public init(shape: [Int], doubles: [Double]) {
        self.shape = shape
        self.doubles = doubles
    }

    /// The numbers as they go into a model.
    public var floats: [Float] { doubles.map { Float($0) } }
    /// The numbers as indices.
    public var integers: [Int] { doubles.map { Int($0) } }

    /// Reads a safetensors file, on its own so that tests do not lean on what they test.
    static func parse(_ data: Data) -> [String: GoldenTensor] {
        let bytes = [UInt8](data)
        let length = bytes.prefix(8).enumerated().reduce(0) {
            $0 | Int($1.element) << (8 * $1.offset)
        }
        guard let header = try? JSONValue(parsing: bytes[8..<(8 + length)]).objectValue else {
            return [:]
        }
        var result: [String: GoldenTensor] = [:]
        for (name, entry) in header where name != "__metadata__" {
            guard let shape = entry["shape"]?.arrayValue?.compactMap(\.integerValue),
                let type = entry["dtype"]?.stringValue,
                let offsets = entry["data_offsets"]?.arrayValue?.compactMap(\.integerValue)
            else { continue }
            let part = bytes[(8 + length + offsets[0])..<(8 + length + offsets[1])]
            result[name] = GoldenTensor(shape: shape, doubles: numbers(Array(part), type))
        }
        return result
    }

    private static func numbers(_ bytes: [UInt8], _ type: String) -> [Double] {
        bytes.withUnsafeBytes { raw in
            switch type {
            case "F32":
                stride(from: 0, to: raw.count, by: 4).map {
                    Double(raw.loadUnaligned(fromByteOffset: $0, as: Float.self))
                }
            case "F64":
                stride(from: 0, to: raw.count, by: 8).map {
                    raw.loadUnaligned(fromByteOffset: $0, as: Double.self)
                }
            case "I32":
                stride(from: 0, to: raw.count, by: 4).map {
                    Double(raw.loadUnaligned(fromByteOffset: $0, as: Int32.self))
                }
            default: raw.map { Double($0) }
            }
        }
    }
}

/// Largest difference between numbers and the expected ones, as a share of the largest expected magnitude.
public func relativeError(_ actual: some Sequence<Float>, _ expected: GoldenTensor) -> Double {
    let actual = Array(actual)
    guard actual.count == expected.doubles.count else { return .infinity }
    let largest = expected.doubles.map(abs).max() ?? 0
    let difference = zip(actual, expected.doubles).map { abs(Double($0) - $1) }.max() ?? 0
    return difference.isNaN ? .infinity : difference / max(largest, .leastNormalMagnitude)
}
