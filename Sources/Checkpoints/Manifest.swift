import Runtime

/// What a checkpoint's manifest says besides its tensors: of which run and moment the state is, and
/// who wrote it.
public struct CheckpointContext: Sendable, Equatable {
    /// Finished steps.
    public var step: UInt64
    /// Where the data order goes on: samples drawn so far.
    public var cursor: UInt64
    /// The resolved configuration.
    public var configuration: JSONValue
    /// Digest of the keys that decide bits and of the data set; `nil` of imported weights, which
    /// saw no data set yet.
    public var configurationDigest: Digest?
    /// Content of the data set; `nil` as above.
    public var dataDigest: Digest?
    /// Version of the software that wrote it.
    public var software: String
    /// The matrix library and its version.
    public var matrixLibrary: String
    /// The kernel that the matrix library chose for the processor.
    public var matrixKernel: String
    /// The run, as its directory names it.
    public var run: String

    /// A context by name.
    public init(
        step: UInt64, cursor: UInt64, configuration: JSONValue, configurationDigest: Digest?,
        dataDigest: Digest?, software: String, matrixLibrary: String, matrixKernel: String,
        run: String
    ) {
        self.step = step
        self.cursor = cursor
        self.configuration = configuration
        self.configurationDigest = configurationDigest
        self.dataDigest = dataDigest
        self.software = software
        self.matrixLibrary = matrixLibrary
        self.matrixKernel = matrixKernel
        self.run = run
    }

    /// Whether a run of this digest may go on from here: of the same one, or of imported weights.
    public func suits(configurationDigest digest: Digest) -> Bool {
        configurationDigest == nil || configurationDigest == digest
    }
}

/// The list of a checkpoint's content: with it, and with the files that it names, a checkpoint is
/// whole.
public struct Manifest: Sendable, Equatable {
    /// The file's name in a checkpoint's folder.
    public static let fileName = "manifest.json"
    private static let format = "purkinje.checkpoint.1"

    /// Of which run and moment the state is.
    public let context: CheckpointContext
    /// The generation of members that wrote it.
    public let generation: UInt64
    /// The term of the coordinator that wrote it.
    public let term: UInt64
    /// The files, sorted by name.
    public let files: [StoredFile]
    /// The tensors, sorted by name.
    public let tensors: [StoredTensor]
    /// The digest of the state.
    public let stateDigest: Digest

    /// Joins the receipts of all shards.
    ///
    /// - Parameters:
    ///   - context: Of which run and moment the state is.
    ///   - name: The checkpoint's.
    ///   - receipts: Of all shards, in any order.
    /// - Throws: `CheckpointError.damaged` where two receipts speak of the same file or tensor.
    public init(
        context: CheckpointContext, name: CheckpointName, receipts: [CheckpointShardReceipt]
    ) throws(CheckpointError) {
        try self.init(
            context: context, generation: name.generation, term: name.term,
            files: receipts.map(\.file), tensors: receipts.flatMap(\.tensors), source: "receipts")
    }

    private init(
        context: CheckpointContext, generation: UInt64, term: UInt64, files: [StoredFile],
        tensors: [StoredTensor], source: String
    ) throws(CheckpointError) {
        self.context = context
        self.generation = generation
        self.term = term
        self.files = files.sorted { precedes($0.name, $1.name) }
        self.tensors = tensors.sorted { precedes($0.digest.name, $1.digest.name) }
        if let twice = Self.repeated(self.files.map(\.name)) {
            throw .damaged(file: source, problem: "the file \(twice) comes twice")
        }
        if let twice = Self.repeated(self.tensors.map(\.digest.name)) {
            throw .damaged(file: source, problem: "the tensor \(twice) comes twice")
        }
        let names = Set(files.map(\.name))
        if let lost = self.tensors.first(where: { !names.contains($0.file) }) {
            throw .damaged(
                file: source,
                problem: "the tensor \(lost.digest.name) is in \(lost.file), which is not listed")
        }
        stateDigest = StateDigest.combine(tensors.map(\.digest))
    }

    private static func repeated(_ sorted: [String]) -> String? {
        zip(sorted, sorted.dropFirst()).first { $0.0 == $0.1 }?.0
    }

    /// Size of all files.
    public var byteCount: Int { files.reduce(0) { $0 + $1.byteCount } }

    /// The text of the file: JSON with sorted keys, and a hash of all other members.
    public var text: String {
        var members = self.members
        members["manifest_sha256"] = .string(Self.hash(members).description)
        return JSONValue.object(members).text(pretty: true) + "\n"
    }

    private var members: [String: JSONValue] {
        [
            "format": .string(Self.format), "run": .string(context.run),
            "step": .integer(Int64(context.step)), "cursor": .integer(Int64(context.cursor)),
            "generation": .integer(Int64(generation)), "term": .integer(Int64(term)),
            "configuration": context.configuration,
            "configuration_sha256": Self.json(context.configurationDigest),
            "dataset_sha256": Self.json(context.dataDigest),
            "state_sha256": .string(stateDigest.description),
            "software": .string(context.software),
            "blas": [
                "library": .string(context.matrixLibrary), "kernel": .string(context.matrixKernel),
            ],
            "files": .array(files.map(\.json)), "tensors": .array(tensors.map(\.json)),
        ]
    }

    private static func json(_ digest: Digest?) -> JSONValue {
        digest.map { .string($0.description) } ?? .null
    }

    private static func hash(_ members: [String: JSONValue]) -> Digest {
        SHA256.digest(of: JSONValue.object(members).text().utf8)
    }

    /// Reads a manifest.
    ///
    /// - Parameters:
    ///   - text: The file's content.
    ///   - file: For messages.
    /// - Throws: `CheckpointError.damaged`, naming the field.
    public init(parsing text: some Sequence<UInt8>, file: String) throws(CheckpointError) {
        let value: JSONValue
        do throws(JSONSyntaxError) {
            value = try JSONValue(parsing: text)
        } catch {
            throw .damaged(file: file, problem: "not JSON: \(error)")
        }
        let fields = try JSONFields(value, file: file)
        let format = try fields.text("format")
        guard format == Self.format else {
            throw fields.failure("format", "is \(format), this version reads \(Self.format)")
        }
        var members = value.objectValue ?? [:]
        members["manifest_sha256"] = nil
        guard try fields.digest("manifest_sha256") == Self.hash(members) else {
            throw fields.failure("manifest_sha256", "is not that of the other fields")
        }
        let blas = try JSONFields(fields.value("blas"), file: file, path: "blas")
        let context = CheckpointContext(
            step: UInt64(try fields.count("step")), cursor: UInt64(try fields.count("cursor")),
            configuration: try fields.value("configuration"),
            configurationDigest: try fields.optionalDigest("configuration_sha256"),
            dataDigest: try fields.optionalDigest("dataset_sha256"),
            software: try fields.text("software"), matrixLibrary: try blas.text("library"),
            matrixKernel: try blas.text("kernel"), run: try fields.text("run"))
        var files: [StoredFile] = []
        for file in try fields.objects("files") { files.append(try StoredFile(file)) }
        var tensors: [StoredTensor] = []
        for tensor in try fields.objects("tensors") { tensors.append(try StoredTensor(tensor)) }
        try self.init(
            context: context, generation: UInt64(try fields.count("generation")),
            term: UInt64(try fields.count("term")), files: files, tensors: tensors, source: file)
        guard try fields.digest("state_sha256") == stateDigest else {
            throw fields.failure("state_sha256", "is not that of the tensors' hashes")
        }
    }
}
