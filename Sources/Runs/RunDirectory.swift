import Checkpoints
import Configurations
import Foundation
import Runtime

/// 128 random bits that a run keeps for its whole life.
public struct RunID: Sendable, Hashable, CustomStringConvertible {
    /// The 16 bytes.
    public let bytes: [UInt8]

    /// A new one.
    public static func random() -> RunID {
        RunID(bytes: (0..<16).map { _ in .random(in: 0...255) })
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// Takes over 16 bytes; `nil` for any other number of them.
    public init?(_ bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
        guard self.bytes.count == 16 else { return nil }
    }

    /// Reads 32 hexadecimal digits; `nil` for anything else.
    public init?(hexadecimal text: String) {
        let digits = text.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count == 32, text.utf8.count == 32 else { return nil }
        bytes = stride(from: 0, to: 32, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    /// 32 lower-case hexadecimal digits.
    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// What a run directory says about its run.
public struct RunRecord: Sendable {
    /// The run.
    public let id: RunID
    /// All that decides it.
    public let configuration: Configuration
    /// The version that wrote the record.
    public let version: String
    /// Where the prepared data set was; `nil` before one was named.
    public let dataPath: FilePath?
    /// The data set's content; `nil` before one was named.
    public let dataDigest: Digest?

    /// A record of given parts.
    public init(
        id: RunID, configuration: Configuration, version: String, dataPath: FilePath?,
        dataDigest: Digest?
    ) {
        self.id = id
        self.configuration = configuration
        self.version = version
        self.dataPath = dataPath
        self.dataDigest = dataDigest
    }
}

/// The folder that a run lives in, where everything is in it, and the file system that it is in.
///
/// Whoever works on a run reaches its files through it and through nothing else.
public struct RunDirectory: Sendable {
    /// The folder.
    public let path: FilePath
    /// Where the folder is.
    public let files: any FileSystem

    /// A folder that may or may not exist.
    public init(path: FilePath, in files: any FileSystem = SystemFiles()) {
        self.path = path
        self.files = files
    }

    /// The resolved configuration, with what is known about the run.
    public var configurationPath: FilePath { path + "/configuration.json" }
    /// Where the coordinator listens.
    public var coordinatorPath: FilePath { path + "/coordinator.json" }
    /// A line a step.
    public var metricsPath: FilePath { path + "/metrics.jsonl" }
    /// Joins, leaves, faults, checkpoints.
    public var eventsPath: FilePath { path + "/events.jsonl" }
    /// Event files.
    public var tensorBoardPath: FilePath { path + "/tensorboard" }
    /// A folder a checkpoint.
    public var checkpointsPath: FilePath { path + "/checkpoints" }
    /// The checkpoints in that folder.
    public var checkpoints: CheckpointStore { CheckpointStore(path: checkpointsPath, in: files) }
    /// The journal of a coordinator's term.
    public func journalPath(term: UInt64) -> FilePath { path + "/journal-t\(term)" }
    /// What a coordinator creates to take a term.
    public func termPath(term: UInt64) -> FilePath { path + "/term-\(term)" }

    /// Whether a run keeps something of its own under a name or path in its folder.
    public static func isOwnFile(_ name: FilePath) -> Bool {
        let files: [FilePath] = [
            "configuration.json", "coordinator.json", "launch.json", "metrics.jsonl",
            "events.jsonl", "lock",
        ]
        let beginnings: [FilePath] = ["journal-t", "term-", "checkpoints/", "tensorboard/"]
        return files.contains(name) || beginnings.contains(where: name.hasPrefix)
            || ["checkpoints", "tensorboard"].contains(name)
    }

    /// Whether a run was begun here.
    public var holdsRun: Bool { files.exists(configurationPath) }

    /// Whether a run was begun here, where another answer than the right one would begin a second.
    func isBegun() throws(RunError) -> Bool {
        try asRunError { () throws(SystemError) in try files.kind(of: configurationPath) != nil }
    }

    /// Makes the folder and those within it, as far as they are absent.
    ///
    /// - Parameter fresh: Whether a folder with anything in it is refused.
    /// - Throws: `RunError`, naming the folder.
    public func create(fresh: Bool = false) throws(RunError) {
        if fresh {
            let isOccupied = try asRunError { () throws(SystemError) in
                guard try files.kind(of: path) == .folder else { return false }
                return try !files.names(in: path).isEmpty
            }
            guard !isOccupied else { throw .occupied(path: path) }
        }
        for folder in [path, tensorBoardPath, checkpointsPath] {
            try asRunError { () throws(SystemError) in try files.makeFolders(folder) }
        }
    }

    /// Writes `configuration.json`, in place of a former one.
    public func write(_ record: RunRecord) throws(RunError) {
        var members = record.configuration.resolved.objectValue ?? [:]
        members["run"] = [
            "id": .string(record.id.description), "version": .string(record.version),
            "dataPath": record.dataPath.map { .string($0.text) } ?? .null,
            "dataSHA256": record.dataDigest.map { .string($0.description) } ?? .null,
        ]
        let text = JSONValue.object(members).text(pretty: true) + "\n"
        try asRunError { () throws(SystemError) in
            try files.write(text, to: configurationPath)
        }
    }

    /// Reads `configuration.json`.
    public func read() throws(RunError) -> RunRecord {
        guard try isBegun() else { throw .absent(path: path) }
        let value = try readObject(configurationPath)
        let configuration: Configuration
        do throws(ConfigurationError) {
            configuration = try Configuration(value, name: configurationPath.text)
        } catch {
            throw .configuration(error)
        }
        guard let id = value["run"]?["id"]?.stringValue.flatMap({ RunID(hexadecimal: $0) }) else {
            throw .damaged(
                file: configurationPath,
                problem: "run.id is not 32 hexadecimal digits; " + Self.repair)
        }
        return RunRecord(
            id: id, configuration: configuration,
            version: value["run"]?["version"]?.stringValue ?? "unknown",
            dataPath: value["run"]?["dataPath"]?.stringValue.map { FilePath($0) },
            dataDigest: value["run"]?["dataSHA256"]?.stringValue
                .flatMap { Digest(hexadecimal: $0) })
    }

    /// What to do about a `configuration.json` that is damaged.
    private static let repair =
        "move it away, and the command that began the run goes on with it; every checkpoint's manifest.json has the "
        + "configuration too (see docs/checkpoints.md)"

    /// Reads a file that holds one JSON value.
    func readObject(_ path: FilePath) throws(RunError) -> JSONValue {
        let content = try asRunError { () throws(SystemError) in try files.contents(of: path) }
        do throws(JSONSyntaxError) {
            return try JSONValue(parsing: content)
        } catch {
            throw .damaged(
                file: path,
                problem: "not JSON: \(error)"
                    + (path == configurationPath ? "; " + Self.repair : ""))
        }
    }
}

/// Keeps other processes of this machine from the same run for as long as it lives.
///
/// A network file system may not honour it, so it guards against mistakes and not against
/// everything.
public final class RunLock: Sendable {
    private let file: any File
    private static let machine = ProcessInfo.processInfo.hostName

    /// Takes the lock.
    ///
    /// - Parameter directory: The run's folder, which exists.
    /// - Throws: `RunError.inUse` where another process has it.
    public init(_ directory: RunDirectory) throws(RunError) {
        let isFree: Bool
        (file, isFree) = try asRunError { () throws(SystemError) in
            let file = try directory.files.open(directory.path + "/lock", .writing)
            return (file, try file.lock(.exclusive))
        }
        guard isFree else {
            let content = (try? directory.files.contents(of: file.path)) ?? []
            throw .inUse(
                path: directory.path,
                holder: String(validating: content, as: UTF8.self).flatMap { $0.isEmpty ? nil : $0 }
            )
        }
        // For the message above alone: a disk that is full does not keep anybody from the run.
        try? file.truncate(to: 0)
        try? file.write(Array("process \(getpid()) on \(Self.machine)".utf8), at: 0)
    }
}
