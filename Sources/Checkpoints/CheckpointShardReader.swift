import Foundation
import Runtime
import Tensors

/// Reads a checkpoint's file from front to back, and checks every byte of it on the way.
///
/// Reads instead of mapping, so that a disk that fails is an error and not a signal.
struct CheckpointShardReader {
    private let file: any File
    private let stored: StoredFile
    private let tensors: [StoredTensor]

    /// Opens a file.
    ///
    /// - Parameters:
    ///   - stored: What the manifest says of the file.
    ///   - tensors: The manifest's tensors of this file.
    ///   - folder: The checkpoint's.
    ///   - files: Where it is.
    /// - Throws: `CheckpointError`, where the file is absent or of another size.
    init(
        _ stored: StoredFile, tensors: [StoredTensor], folder: FilePath, in files: any FileSystem
    ) throws(CheckpointError) {
        let path = folder.appending(FilePath(stored.name))
        let file = try Self.open(path, in: files)
        let byteCount = try asCheckpointError { () throws(SystemError) in
            try file.status().byteCount
        }
        guard byteCount == stored.byteCount else {
            throw .damaged(
                file: path.text,
                problem: "it has \(byteCount) bytes, the manifest says \(stored.byteCount)")
        }
        self.file = file
        self.stored = stored
        self.tensors = tensors
    }

    private static func open(
        _ path: FilePath, in files: any FileSystem
    ) throws(CheckpointError) -> any File {
        do throws(SystemError) {
            return try files.open(path, .reading)
        } catch  where error.code == ENOENT {
            throw .damaged(file: path.text, problem: "it is missing")
        } catch {
            throw .system(error)
        }
    }

    /// Reads the whole file.
    ///
    /// - Parameter destination: Where a tensor's bytes go; `nil` for tensors that are only checked,
    ///   piece by piece.
    /// - Throws: `CheckpointError.damaged`, naming the first tensor that is not as the manifest has
    ///   it.
    func read(
        into destination: (String) -> UnsafeMutableRawBufferPointer?
    ) throws(CheckpointError) {
        var hash = SHA256()
        var offset = 0
        let header = try readHeader(&hash, &offset)
        let digests = Dictionary(uniqueKeysWithValues: tensors.map { ($0.digest.name, $0.digest) })
        let longest = header.entries.map(\.range.count).max() ?? 0
        let scratch = Tensor(.uint8, shape: [min(longest, StateDigest.pieceBytes)])
        var damagedTensor: String?
        for entry in header.entries {
            guard let digest = digests[entry.name] else { continue }
            let target = destination(entry.name)
            for (index, expected) in digest.pieces.enumerated() {
                let start = index * StateDigest.pieceBytes
                let end = min(start + StateDigest.pieceBytes, entry.range.count)
                let piece =
                    target.map { UnsafeMutableRawBufferPointer(rebasing: $0[start..<end]) }
                    ?? UnsafeMutableRawBufferPointer(rebasing: scratch.bytes[..<(end - start)])
                try fill(piece, &offset)
                hash.update(UnsafeRawBufferPointer(piece))
                guard target == nil, damagedTensor == nil else { continue }
                if SHA256.digest(of: UnsafeRawBufferPointer(piece)) != expected {
                    damagedTensor = Self.damage(
                        entry.name, piece: index, of: digest.pieces.count)
                }
            }
        }
        if let damagedTensor {
            throw .damaged(file: file.path.text, problem: damagedTensor)
        }
        guard hash.finish() == stored.digest else {
            throw .damaged(
                file: file.path.text,
                problem: firstDamaged(of: header, in: destination)
                    ?? "its SHA-256 is not that of the manifest")
        }
    }

    /// Looks for the tensor that the file's hash is wrong of; those that are loaded were not hashed by themselves.
    private func firstDamaged(
        of header: SafetensorsHeader, in destination: (String) -> UnsafeMutableRawBufferPointer?
    ) -> String? {
        let digests = Dictionary(uniqueKeysWithValues: tensors.map { ($0.digest.name, $0.digest) })
        for entry in header.entries {
            guard let target = destination(entry.name), let digest = digests[entry.name] else {
                continue
            }
            for (index, expected) in digest.pieces.enumerated() {
                let start = index * StateDigest.pieceBytes
                let end = min(start + StateDigest.pieceBytes, entry.range.count)
                let piece = UnsafeRawBufferPointer(rebasing: target[start..<end])
                guard SHA256.digest(of: piece) != expected else { continue }
                return Self.damage(entry.name, piece: index, of: digest.pieces.count)
            }
        }
        return nil
    }

    private static func damage(_ tensor: String, piece: Int, of pieces: Int) -> String {
        "tensor \(tensor), piece \(piece + 1) of \(pieces) is not what was written"
    }

    /// Reads the header, which has to say the same as the manifest.
    private func readHeader(
        _ hash: inout SHA256, _ offset: inout Int
    ) throws(CheckpointError) -> SafetensorsHeader {
        let prefix = Tensor(.uint8, shape: [min(8, stored.byteCount)])
        try fill(prefix.bytes, &offset)
        let length = try damaging { () throws(SafetensorsError) in
            try SafetensorsHeader.jsonLength(
                prefix: UnsafeRawBufferPointer(prefix.bytes), fileBytes: stored.byteCount,
                file: file.path.text)
        }
        let json = Tensor(.uint8, shape: [length])
        try fill(json.bytes, &offset)
        hash.update(UnsafeRawBufferPointer(prefix.bytes))
        hash.update(UnsafeRawBufferPointer(json.bytes))
        let header = try damaging { () throws(SafetensorsError) in
            try SafetensorsHeader(
                json: UnsafeRawBufferPointer(json.bytes),
                dataBytes: stored.byteCount - 8 - length, file: file.path.text)
        }
        let found = header.entries.map { entry in
            "\(entry.name) \(entry.summary) at \(header.dataOffset + entry.range.lowerBound)"
        }
        let expected = tensors.map { tensor in
            let digest = tensor.digest
            return "\(digest.name) \(digest.elementType.rawValue) \(digest.shape) at "
                + "\(tensor.offset)"
        }
        guard found.sorted() == expected.sorted() else {
            throw .damaged(
                file: file.path.text, problem: "its header lists other tensors than the manifest")
        }
        return header
    }

    private func damaging<Result>(
        _ body: () throws(SafetensorsError) -> Result
    ) throws(CheckpointError) -> Result {
        do throws(SafetensorsError) {
            return try body()
        } catch {
            guard case .malformed(_, let field, let problem) = error else {
                throw .damaged(file: file.path.text, problem: error.description)
            }
            throw .damaged(file: file.path.text, problem: "\(field): \(problem)")
        }
    }

    /// Reads on from where the last call ended.
    private func fill(
        _ bytes: UnsafeMutableRawBufferPointer, _ offset: inout Int
    ) throws(CheckpointError) {
        let count = try asCheckpointError { () throws(SystemError) in
            try file.read(into: bytes, at: offset)
        }
        guard count == bytes.count else {
            throw .damaged(file: file.path.text, problem: "it ends early")
        }
        offset += count
    }
}
