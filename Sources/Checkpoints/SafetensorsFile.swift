import Foundation
import Runtime
import Tensors

/// A safetensors file, mapped read-only; its header is checked before anything is lent or copied.
public final class SafetensorsFile: Sendable {
    /// The file's path.
    public let path: FilePath
    /// What the file says about itself.
    public let header: SafetensorsHeader
    private let mapping: MappedFile
    private let entriesByName: [String: SafetensorsEntry]

    /// Maps a file and checks its header.
    ///
    /// - Parameter path: The file.
    /// - Throws: `SafetensorsError`, naming file and field.
    public init(path: FilePath) throws(SafetensorsError) {
        self.path = path
        do throws(SystemError) {
            mapping = try MappedFile(path: path)
        } catch {
            throw .system(error)
        }
        header = try mapping.withBytes { bytes throws(SafetensorsError) in
            try SafetensorsHeader(file: bytes, name: path.text)
        }
        entriesByName = Dictionary(uniqueKeysWithValues: header.entries.map { ($0.name, $0) })
    }

    /// Free texts about the file.
    public var metadata: [String: String] { header.metadata }

    /// The tensors' names, sorted.
    public var names: [String] { header.entries.map(\.name).sorted(by: precedes) }

    /// Type, shape and place of a tensor; `nil` where there is none of that name.
    public func entry(_ name: String) -> SafetensorsEntry? { entriesByName[name] }

    /// Lends the bytes of a tensor, which may lie at any alignment.
    ///
    /// - Parameters:
    ///   - name: The tensor.
    ///   - body: Gets the bytes for the time of the call.
    /// - Returns: What the closure returns.
    /// - Throws: `SafetensorsError.absent`.
    public func withBytes<Result>(
        of name: String, _ body: (UnsafeRawBufferPointer) -> Result
    ) throws(SafetensorsError) -> Result {
        guard let entry = entriesByName[name] else { throw .absent(file: path.text, tensor: name) }
        return mapping.withBytes { bytes in
            let start = header.dataOffset + entry.range.lowerBound
            return body(UnsafeRawBufferPointer(rebasing: bytes[start..<start + entry.range.count]))
        }
    }

    /// Copies a tensor out of the file.
    public func tensor(_ name: String) throws(SafetensorsError) -> Tensor {
        guard let entry = entriesByName[name] else { throw .absent(file: path.text, tensor: name) }
        let tensor = Tensor(entry.elementType, shape: entry.shape)
        try withBytes(of: name) { tensor.bytes.copyMemory(from: $0) }
        return tensor
    }

    /// Copies a tensor of the file into one of the same type and shape.
    public func read(_ name: String, into tensor: Tensor) throws(SafetensorsError) {
        guard let entry = entriesByName[name] else { throw .absent(file: path.text, tensor: name) }
        guard entry.elementType == tensor.elementType, entry.shape == tensor.shape else {
            throw .differs(
                file: path.text, tensor: name, found: entry.summary,
                expected: "\(tensor.elementType.rawValue) \(tensor.shape)")
        }
        try withBytes(of: name) { tensor.bytes.copyMemory(from: $0) }
    }

    /// All tensors, copied, sorted by name.
    public func tensors() throws(SafetensorsError) -> [NamedTensor] {
        var all: [NamedTensor] = []
        for name in names { all.append(NamedTensor(name, try tensor(name))) }
        return all
    }

    /// Refuses a file of weights that has a NaN or an infinity anywhere, by the tensor's name.
    ///
    /// - Throws: `SafetensorsError.notFinite` for the first such tensor by name.
    public func requireFinite() throws(SafetensorsError) {
        for name in names {
            guard let problem = try tensor(name).notFinite else { continue }
            throw .notFinite(file: path.text, tensor: name, problem: problem)
        }
    }

    /// Puts a file of tensors in place of whatever was there; equal tensors and texts give equal
    /// bytes.
    ///
    /// - Parameters:
    ///   - tensors: In any order, names unique.
    ///   - metadata: Free texts.
    ///   - path: The file; its folder exists. It is replaced when all is written and safe.
    ///   - files: Where it is.
    /// - Throws: `SafetensorsError.system`; a former file is then untouched.
    public static func write(
        _ tensors: [NamedTensor], metadata: [String: String] = [:], to path: FilePath,
        in files: any FileSystem = SystemFiles()
    ) throws(SafetensorsError) {
        do throws(SystemError) {
            try files.replace(path) { file throws(SystemError) in
                let writer = SafetensorsWriter(tensors, metadata: metadata, file: file)
                try writer.writeAll()
            }
        } catch {
            throw .system(error)
        }
    }
}

extension SafetensorsHeader {
    /// Reads and checks the header of a whole file in memory.
    init(file bytes: UnsafeRawBufferPointer, name: String) throws(SafetensorsError) {
        let length = try Self.jsonLength(prefix: bytes, fileBytes: bytes.count, file: name)
        try self.init(
            json: UnsafeRawBufferPointer(rebasing: bytes[8..<8 + length]),
            dataBytes: bytes.count - 8 - length, file: name)
    }
}

/// Writes one safetensors file from front to back, and makes it survive a power cut.
struct SafetensorsWriter {
    let header: SafetensorsHeader
    private let tensors: [String: Tensor]
    private let file: any File

    /// Takes over an open file with nothing in it.
    init(_ tensors: [NamedTensor], metadata: [String: String], file: any File) {
        header = SafetensorsHeader(tensors: tensors, metadata: metadata)
        self.tensors = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.tensor) })
        self.file = file
    }

    /// Writes header and tensors, and checks that all is on the disk.
    ///
    /// - Parameter observe: Sees every run of bytes in the order of the file, just before it is
    ///   written: the header, whose entry is `nil`, then the pieces of each tensor.
    /// - Throws: `SystemError`, also where the file is shorter than what was written.
    func writeAll(
        observe: (SafetensorsEntry?, UnsafeRawBufferPointer) -> Void = { _, _ in }
    ) throws(SystemError) {
        let front = header.encoded
        front.withUnsafeBytes { observe(nil, $0) }
        try file.write(front, at: 0)
        var size = front.count
        for entry in header.entries {
            guard let tensor = tensors[entry.name] else { continue }
            let bytes = UnsafeRawBufferPointer(tensor.bytes)
            for start in stride(from: 0, to: bytes.count, by: StateDigest.pieceBytes) {
                let end = min(start + StateDigest.pieceBytes, bytes.count)
                let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                observe(entry, piece)
                try file.write(piece, at: size + start)
            }
            size += bytes.count
        }
        try file.synchronise()
        let status = try file.status()
        guard status.kind.isStream || status.byteCount == size else {
            throw SystemError(call: "length after write", subject: file.path, code: EIO)
        }
    }
}
