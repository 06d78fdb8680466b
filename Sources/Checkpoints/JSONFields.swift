import Runtime
import Tensors

/// The fields of a JSON object that came from outside; every one that is not what it should be is
/// named.
struct JSONFields {
    private let members: [String: JSONValue]
    private let file: String
    private let path: String

    init(_ value: JSONValue, file: String, path: String = "") throws(CheckpointError) {
        guard case .object(let members) = value else {
            throw .damaged(
                file: file, problem: "\(path.isEmpty ? "the content" : path) is not an object")
        }
        self.members = members
        self.file = file
        self.path = path
    }

    func failure(_ key: String, _ problem: String) -> CheckpointError {
        .damaged(file: file, problem: (path.isEmpty ? key : "\(path).\(key)") + " \(problem)")
    }

    func value(_ key: String) throws(CheckpointError) -> JSONValue {
        guard let value = members[key] else { throw failure(key, "is absent") }
        return value
    }

    func text(_ key: String) throws(CheckpointError) -> String {
        guard let text = try value(key).stringValue else { throw failure(key, "is not a string") }
        return text
    }

    func count(_ key: String) throws(CheckpointError) -> Int {
        guard let number = try value(key).integerValue, number >= 0 else {
            throw failure(key, "is not a whole number from 0")
        }
        return number
    }

    func digest(_ key: String) throws(CheckpointError) -> Digest {
        guard let digest = Digest(hexadecimal: try text(key)) else {
            throw failure(key, "is not 64 hexadecimal digits")
        }
        return digest
    }

    func optionalDigest(_ key: String) throws(CheckpointError) -> Digest? {
        try value(key) == .null ? nil : try digest(key)
    }

    func array(_ key: String) throws(CheckpointError) -> [JSONValue] {
        guard let array = try value(key).arrayValue else { throw failure(key, "is not an array") }
        return array
    }

    func objects(_ key: String) throws(CheckpointError) -> [JSONFields] {
        var objects: [JSONFields] = []
        for (index, value) in try array(key).enumerated() {
            objects.append(try JSONFields(value, file: file, path: "\(key)[\(index)]"))
        }
        return objects
    }

    /// A plain name within the folder, never a path out of it.
    func fileName(_ key: String) throws(CheckpointError) -> String {
        let name = try text(key)
        guard !name.isEmpty, !name.contains("/"), !name.contains("\0"), !name.hasPrefix(".") else {
            throw failure(key, "is not the name of a file")
        }
        return name
    }
}

extension TensorDigest {
    /// The members of a manifest's or a receipt's entry.
    var json: [String: JSONValue] {
        [
            "name": .string(name), "dtype": .string(elementType.rawValue),
            "shape": .array(shape.map { .integer(Int64($0)) }),
            "pieces": .array(pieces.map { .string($0.description) }),
        ]
    }

    init(_ fields: JSONFields) throws(CheckpointError) {
        guard let elementType = ElementType(rawValue: try fields.text("dtype")) else {
            throw fields.failure("dtype", "is not a known type")
        }
        var byteCount = elementType.byteCount
        var shape: [Int] = []
        for axis in try fields.array("shape") {
            guard let size = axis.integerValue, size >= 0 else {
                throw fields.failure("shape", "has an axis that is not a size")
            }
            let (product, overflow) = byteCount.multipliedReportingOverflow(by: size)
            guard !overflow, product < Int.max - StateDigest.pieceBytes else {
                throw fields.failure("shape", "overflows")
            }
            byteCount = product
            shape.append(size)
        }
        var pieces: [Digest] = []
        for value in try fields.array("pieces") {
            guard let piece = value.stringValue.flatMap({ Digest(hexadecimal: $0) }) else {
                throw fields.failure("pieces", "has one that is not 64 hexadecimal digits")
            }
            pieces.append(piece)
        }
        guard pieces.count == StateDigest.pieceCount(of: byteCount) else {
            throw fields.failure("pieces", "has \(pieces.count) of them for \(byteCount) bytes")
        }
        self.init(
            name: try fields.text("name"), elementType: elementType, shape: shape, pieces: pieces)
    }

    /// Bytes of the tensor.
    public var byteCount: Int { shape.reduce(elementType.byteCount, *) }
}
