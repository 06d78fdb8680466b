import Runtime
import Tensors

/// The cut of a state into shards, one a writer.
public enum CheckpointShard {
    /// Cuts a state into runs of whole tensors, in the order of their names, balanced by bytes.
    ///
    /// Depends on names and sizes alone, so all members of a generation agree on it. With more
    /// shards than tensors some are empty.
    ///
    /// - Parameters:
    ///   - state: All tensors, in any order.
    ///   - count: Number of shards, at least 1.
    /// - Returns: The shards; every tensor is in one of them.
    public static func split(_ state: [NamedTensor], into count: Int) -> [[NamedTensor]] {
        precondition(count >= 1, "a state cannot be cut into \(count) shards")
        let total = max(1, state.reduce(0) { $0 + $1.tensor.byteCount })
        var shards = [[NamedTensor]](repeating: [], count: count)
        var before = 0
        for named in state.sorted(by: { precedes($0.name, $1.name) }) {
            let middle = before + named.tensor.byteCount / 2
            let (high, low) = middle.multipliedFullWidth(by: count)
            let index = total.dividingFullWidth((high, low)).quotient
            shards[min(index, count - 1)].append(named)
            before += named.tensor.byteCount
        }
        return shards
    }

    /// The name of a shard's file, such as `state-00001-of-00002.safetensors`.
    ///
    /// - Parameters:
    ///   - index: Counted from 0.
    ///   - count: Number of shards.
    /// - Returns: A name in which shards count from 1.
    public static func fileName(index: Int, of count: Int) -> String {
        func padded(_ number: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
        }
        return "state-\(padded(index + 1))-of-\(padded(count)).safetensors"
    }

    /// Writes a shard into the folder of an unfinished checkpoint, and makes it survive a power
    /// cut.
    ///
    /// - Parameters:
    ///   - tensors: The shard's.
    ///   - index: Counted from 0.
    ///   - count: Number of shards.
    ///   - folder: The unfinished checkpoint's; made where it is not seen yet.
    ///   - files: Where it is.
    /// - Returns: What the manifest needs to know.
    /// - Throws: `CheckpointError`; nothing of the file is left then.
    public static func write(
        _ tensors: [NamedTensor], index: Int, of count: Int, into folder: FilePath,
        in files: any FileSystem
    ) throws(CheckpointError) -> CheckpointShardReceipt {
        let name = fileName(index: index, of: count)
        let path = folder.appending(FilePath(name))
        return try asCheckpointError { () throws(SystemError) in
            try files.makeFolder(folder)
            do throws(SystemError) {
                return try write(tensors, name: name, to: path, in: files)
            } catch {
                try? files.remove(path)
                throw error
            }
        }
    }

    private static func write(
        _ tensors: [NamedTensor], name: String, to path: FilePath, in files: any FileSystem
    ) throws(SystemError) -> CheckpointShardReceipt {
        // An unfinished file of the same name is replaced.
        let writer = SafetensorsWriter(
            tensors, metadata: [:], file: try files.open(path, .emptied))
        var hash = SHA256()
        var bytes = 0
        var pieces: [String: [Digest]] = [:]
        try writer.writeAll { entry, run in
            hash.update(run)
            bytes += run.count
            if let entry { pieces[entry.name, default: []].append(SHA256.digest(of: run)) }
        }
        try files.synchroniseFolder(path.parent)
        let offset = writer.header.dataOffset
        return CheckpointShardReceipt(
            file: StoredFile(name: name, byteCount: bytes, digest: hash.finish()),
            tensors: writer.header.entries.map { entry in
                StoredTensor(
                    digest: TensorDigest(
                        name: entry.name, elementType: entry.elementType, shape: entry.shape,
                        pieces: pieces[entry.name] ?? []),
                    file: name, offset: offset + entry.range.lowerBound)
            })
    }
}

/// A file of a checkpoint.
public struct StoredFile: Sendable, Equatable {
    /// Its name in the checkpoint's folder.
    public let name: String
    /// Its size.
    public let byteCount: Int
    /// SHA-256 of all its bytes.
    public let digest: Digest

    var json: JSONValue {
        [
            "name": .string(name), "bytes": .integer(Int64(byteCount)),
            "sha256": .string(digest.description),
        ]
    }

    init(name: String, byteCount: Int, digest: Digest) {
        self.name = name
        self.byteCount = byteCount
        self.digest = digest
    }

    init(_ fields: JSONFields) throws(CheckpointError) {
        self.init(
            name: try fields.fileName("name"), byteCount: try fields.count("bytes"),
            digest: try fields.digest("sha256"))
    }
}

/// A tensor of a checkpoint, and where it is.
public struct StoredTensor: Sendable, Equatable {
    /// Name, type, shape and hashes.
    public let digest: TensorDigest
    /// The file's name in the checkpoint's folder.
    public let file: String
    /// Where the tensor begins, in bytes from the start of the file.
    public let offset: Int

    var json: JSONValue {
        var members = digest.json
        members["file"] = .string(file)
        members["offset"] = .integer(Int64(offset))
        return .object(members)
    }

    init(digest: TensorDigest, file: String, offset: Int) {
        self.digest = digest
        self.file = file
        self.offset = offset
    }

    init(_ fields: JSONFields) throws(CheckpointError) {
        self.init(
            digest: try TensorDigest(fields), file: try fields.fileName("file"),
            offset: try fields.count("offset"))
    }
}

/// What a writer tells of the shard that it wrote: all that the manifest needs of it.
public struct CheckpointShardReceipt: Sendable, Equatable {
    /// The file.
    public let file: StoredFile
    /// The tensors in it, in the order of their data.
    public let tensors: [StoredTensor]

    init(file: StoredFile, tensors: [StoredTensor]) {
        self.file = file
        self.tensors = tensors
    }

    /// The receipt as it travels to whoever writes the manifest.
    public var json: JSONValue {
        ["file": file.json, "tensors": .array(tensors.map(\.json))]
    }

    /// Reads a receipt that travelled.
    ///
    /// - Parameters:
    ///   - json: The value.
    ///   - sender: Who sent it, for messages.
    /// - Throws: `CheckpointError.damaged`, naming the field.
    public init(_ json: JSONValue, from sender: String) throws(CheckpointError) {
        let fields = try JSONFields(json, file: "receipt of \(sender)")
        file = try StoredFile(JSONFields(fields.value("file"), file: "receipt of \(sender)"))
        var tensors: [StoredTensor] = []
        for tensor in try fields.objects("tensors") { tensors.append(try StoredTensor(tensor)) }
        self.tensors = tensors
    }
}
