import Runtime
import Tensors

/// Where a tensor lies in a safetensors file.
public struct SafetensorsEntry: Sendable, Equatable {
    /// The tensor's name.
    public let name: String
    /// What the elements are.
    public let elementType: ElementType
    /// Sizes of the axes.
    public let shape: [Int]
    /// Bytes of the tensor, counted from the start of the data.
    public let range: Range<Int>

    /// Type and shape as messages have them, such as `F32 [2, 3]`.
    var summary: String { "\(elementType.rawValue) \(shape)" }
}

/// The header of a safetensors file: eight bytes of length (little-endian), then JSON, then the
/// data.
///
/// Reading is strict. What is accepted is consistent: known element types, offsets that fit shapes,
/// and tensors that cover the data of the file without a hole, an overlap or a rest.
public struct SafetensorsHeader: Sendable, Equatable {
    /// No header is longer: the bound that the format's own library has.
    public static let longestJSONBytes = 100_000_000

    /// The tensors, in the order of their data.
    public let entries: [SafetensorsEntry]
    /// Free texts about the file.
    public let metadata: [String: String]
    /// Where the data begins in the file.
    public let dataOffset: Int

    /// The length of the JSON.
    ///
    /// - Parameters:
    ///   - prefix: The first bytes of the file, as many as there are of the first eight.
    ///   - fileBytes: Size of the whole file.
    ///   - file: For messages.
    /// - Returns: A length that is within the file and the format's bound.
    /// - Throws: `SafetensorsError.malformed`.
    static func jsonLength(
        prefix: UnsafeRawBufferPointer, fileBytes: Int, file: String
    ) throws(SafetensorsError) -> Int {
        guard fileBytes >= 8, prefix.count >= 8 else {
            throw .malformed(
                file: file, field: "header length",
                problem: "the file has \(fileBytes) bytes, fewer than the 8 of the length")
        }
        let length = UInt64(littleEndian: prefix.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(min(longestJSONBytes, fileBytes - 8)) else {
            throw .malformed(
                file: file, field: "header length",
                problem: "\(length) bytes are announced, \(fileBytes - 8) follow "
                    + "and \(longestJSONBytes) are allowed; "
                    + (length > UInt64(longestJSONBytes)
                        ? "this is no safetensors file: name one, such as 'checkpoint export' writes"
                        : "the file was cut: copy it again"))
        }
        return Int(length)
    }

    /// Reads the JSON of a header.
    ///
    /// - Parameters:
    ///   - json: The JSON's bytes.
    ///   - dataBytes: Bytes of the file after them.
    ///   - file: For messages.
    /// - Throws: `SafetensorsError.malformed`, naming the field.
    init(json: UnsafeRawBufferPointer, dataBytes: Int, file: String) throws(SafetensorsError) {
        guard json.first == UInt8(ascii: "{") else {
            throw .malformed(file: file, field: "header", problem: "it does not begin with '{'")
        }
        let value: JSONValue
        do throws(JSONSyntaxError) {
            value = try JSONValue(parsing: json)
        } catch {
            throw .malformed(file: file, field: "header", problem: "not JSON: \(error)")
        }
        var metadata: [String: String] = [:]
        var entries: [SafetensorsEntry] = []
        for (name, field) in (value.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            if name == "__metadata__" {
                metadata = try Self.metadata(field, file: file)
            } else {
                entries.append(
                    try Self.entry(name, field, dataBytes: dataBytes, file: file))
            }
        }
        entries.sort {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
        var end = 0
        for entry in entries {
            guard entry.range.lowerBound == end else {
                throw .malformed(
                    file: file, field: "\(entry.name).data_offsets",
                    problem: "the data begins at \(entry.range.lowerBound), where the tensor "
                        + "before ends at \(end)")
            }
            end = entry.range.upperBound
        }
        guard end == dataBytes else {
            throw .malformed(
                file: file, field: "data",
                problem: "the tensors have \(end) bytes, the file \(dataBytes)")
        }
        self.entries = entries
        self.metadata = metadata
        dataOffset = 8 + json.count
    }

    private static func metadata(
        _ field: JSONValue, file: String
    ) throws(SafetensorsError) -> [String: String] {
        guard case .object(let members) = field else {
            throw .malformed(file: file, field: "__metadata__", problem: "not an object")
        }
        var texts: [String: String] = [:]
        for (key, value) in members.sorted(by: { $0.key < $1.key }) {
            guard let text = value.stringValue else {
                throw .malformed(
                    file: file, field: "__metadata__.\(key)", problem: "not a string")
            }
            texts[key] = text
        }
        return texts
    }

    private static func entry(
        _ name: String, _ field: JSONValue, dataBytes: Int, file: String
    ) throws(SafetensorsError) -> SafetensorsEntry {
        func malformed(_ part: String, _ problem: String) -> SafetensorsError {
            .malformed(file: file, field: part.isEmpty ? name : "\(name).\(part)", problem: problem)
        }
        guard case .object(let members) = field else { throw malformed("", "not an object") }
        for key in members.keys.sorted() where !["dtype", "shape", "data_offsets"].contains(key) {
            throw malformed(key, "an unknown key")
        }
        guard let word = members["dtype"]?.stringValue else {
            throw malformed("dtype", "absent or not a string")
        }
        guard let elementType = ElementType(rawValue: word) else {
            let known = ElementType.allCases.map(\.rawValue).joined(separator: ", ")
            throw malformed("dtype", "'\(word)' is not one of those that can be read: \(known)")
        }
        guard let axes = members["shape"]?.arrayValue else {
            throw malformed("shape", "absent or not an array")
        }
        var shape: [Int] = []
        var byteCount = elementType.byteCount
        for axis in axes {
            guard let size = axis.integerValue, size >= 0 else {
                throw malformed("shape", "\(axis.text()) is not a size")
            }
            let (product, overflow) = byteCount.multipliedReportingOverflow(by: size)
            guard !overflow else { throw malformed("shape", "the size overflows") }
            byteCount = product
            shape.append(size)
        }
        guard let offsets = members["data_offsets"]?.arrayValue, offsets.count == 2,
            let start = offsets[0].integerValue, let end = offsets[1].integerValue
        else { throw malformed("data_offsets", "absent or not two whole numbers") }
        guard start >= 0, start <= end, end <= dataBytes else {
            throw malformed(
                "data_offsets", "[\(start), \(end)] is not within the \(dataBytes) bytes of data")
        }
        guard end - start == byteCount else {
            throw malformed(
                "data_offsets",
                "\(end - start) bytes, but \(word) \(shape) has \(byteCount)")
        }
        return SafetensorsEntry(
            name: name, elementType: elementType, shape: shape, range: start..<end)
    }
}

extension SafetensorsHeader {
    /// The header of a file to be written: larger elements first, then by name, so that every
    /// tensor is aligned to its elements, and so that equal tensors give equal bytes.
    ///
    /// - Precondition: Names are unique and none is `__metadata__`.
    init(tensors: [NamedTensor], metadata: [String: String]) {
        let ordered = tensors.sorted {
            let (first, second) = ($0.tensor.elementType.byteCount, $1.tensor.elementType.byteCount)
            return first != second ? first > second : precedes($0.name, $1.name)
        }
        var entries: [SafetensorsEntry] = []
        var end = 0
        for named in ordered {
            let range = end..<end + named.tensor.byteCount
            entries.append(
                SafetensorsEntry(
                    name: named.name, elementType: named.tensor.elementType,
                    shape: named.tensor.shape, range: range))
            end = range.upperBound
        }
        self.init(entries: entries, metadata: metadata)
    }

    private init(entries: [SafetensorsEntry], metadata: [String: String]) {
        let names = Set(entries.map(\.name))
        precondition(names.count == entries.count, "tensors of the same name in one file")
        precondition(!names.contains("__metadata__"), "a tensor cannot be named __metadata__")
        self.entries = entries
        self.metadata = metadata
        dataOffset = Self.encoded(entries: entries, metadata: metadata).count
    }

    /// Length and JSON, padded with spaces to a multiple of eight bytes.
    var encoded: [UInt8] { Self.encoded(entries: entries, metadata: metadata) }

    private static func encoded(
        entries: [SafetensorsEntry], metadata: [String: String]
    ) -> [UInt8] {
        var members: [String: JSONValue] = [:]
        if !metadata.isEmpty {
            members["__metadata__"] = .object(metadata.mapValues { .string($0) })
        }
        for entry in entries {
            members[entry.name] = [
                "dtype": .string(entry.elementType.rawValue),
                "shape": .array(entry.shape.map { .integer(Int64($0)) }),
                "data_offsets": [
                    .integer(Int64(entry.range.lowerBound)),
                    .integer(Int64(entry.range.upperBound)),
                ],
            ]
        }
        var json = Array(JSONValue.object(members).text().utf8)
        json.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - json.count % 8) % 8))
        return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json
    }
}

/// The order of names in files and digests: by their bytes in UTF-8.
func precedes(_ first: String, _ second: String) -> Bool {
    first.utf8.lexicographicallyPrecedes(second.utf8)
}
