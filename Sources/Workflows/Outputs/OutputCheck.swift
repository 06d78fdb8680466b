import ClinicalParameters
import CommandLineInterface
import Electrocardiography
import Foundation
import Runs
import Runtime

/// What a command reads, and no output of it may replace.
public enum CommandInput: Sendable {
    /// One file.
    case file(FilePath)
    /// A WFDB record: its header, and all files that the header names.
    case record(FilePath)
    /// The records and label tables below a folder.
    case records(below: FilePath)
}

/// One file that a command will write.
public struct CommandOutput: Sendable {
    /// The option that names it, without dashes.
    public let option: String
    /// The file.
    public let path: FilePath
    /// Whether it is written once from front to back, as a device or a FIFO needs it.
    public let isStreamed: Bool

    /// A file that an option names.
    public init(option: String, path: FilePath, isStreamed: Bool = true) {
        (self.option, self.path, self.isStreamed) = (option, path, isStreamed)
    }
}

/// Refuses outputs that could not be written after all the work, or would replace what the command reads.
///
/// - Parameters:
///   - outputs: All files that the command will write.
///   - inputs: All that it reads; the files of a run directory are kept from every output anyway.
/// - Throws: `CommandError` with code 2, naming option, file and remedy.
public func checkOutputs(_ outputs: [CommandOutput], apartFrom inputs: [CommandInput]) throws {
    var taken: [(place: OutputPlace, output: CommandOutput)] = []
    for output in outputs {
        guard let place = try OutputPlace(of: output) else { continue }
        for input in inputs where try place.holds(input) {
            throw CommandError(
                .usage,
                "--\(output.option) \(output.path) would replace what the command reads; give it another name"
            )
        }
        if let run = place.runThatOwnsIt {
            throw CommandError(
                .usage,
                "--\(output.option) \(output.path) is one of the run's own files in \(run); give it another name"
            )
        }
        if let other = taken.first(where: { $0.place == place })?.output {
            throw CommandError(
                .usage,
                "--\(output.option) and --\(other.option) name the same file, \(output.path); give it another name"
            )
        }
        taken.append((place, output))
    }
}

/// The same for options that may name a file.
public func checkOutputs(
    _ outputs: [(option: String, path: FilePath?)], apartFrom inputs: [CommandInput]
) throws {
    let named = outputs.compactMap { option, path in
        path.map { CommandOutput(option: option, path: $0) }
    }
    try checkOutputs(named, apartFrom: inputs)
}

/// The same for the one output of a command.
public func checkOutput(
    _ path: FilePath?, option: String, apartFrom inputs: [CommandInput] = []
) throws {
    try checkOutputs([(option, path)], apartFrom: inputs)
}

/// Where a regular file will lie when it is written: a folder without links, and a name in it.
private struct OutputPlace: Equatable {
    let folder: FilePath
    let name: FilePath
    /// The file that is there and will be replaced.
    private let identity: [UInt64]?

    /// Two names of one file are one place.
    static func == (one: OutputPlace, other: OutputPlace) -> Bool {
        one.path == other.path || (one.identity != nil && one.identity == other.identity)
    }

    private var path: FilePath { folder.appending(name) }

    /// The place of an output; `nil` for a device or a FIFO, which keeps nothing that could be lost.
    init?(of output: CommandOutput) throws {
        let (option, path) = (output.option, output.path)
        let status: FileStatus?
        do throws(SystemError) {
            status = try path.status()
        } catch {
            guard error.code == ENOENT || error.code == ENOTDIR else {
                throw CommandError(
                    .usage, "--\(option) \(path): \(error.reason); give it another name")
            }
            status = nil
        }
        switch status?.kind {
        case .folder:
            throw CommandError(.usage, "--\(option) \(path) is a folder; name a file in it")
        case .pipe, .other:
            guard output.isStreamed else {
                throw CommandError(
                    .usage,
                    "--\(option) \(path) is no regular file, which this output needs; name another")
            }
            guard path.permits(W_OK) else {
                throw CommandError(.usage, "--\(option) \(path) may not be written to")
            }
            return nil
        case .regular, nil: break
        }
        let target = try path.followingLinks()
        let parent = target.parent
        guard parent.isFolder else {
            throw CommandError(
                .usage, "--\(option) \(path): there is no folder \(parent); make it first")
        }
        guard target.bytes.last != UInt8(ascii: "/") else {
            throw CommandError(.usage, "--\(option) \(path) names a folder; name a file in it")
        }
        guard parent.permits(W_OK | X_OK) else {
            throw CommandError(
                .usage, "--\(option) \(path): files may not be made in the folder \(parent)")
        }
        folder = try parent.real()
        name = target.lastComponent
        identity = status?.identity
    }

    // MARK: Inputs

    /// Whether a file that a command reads is here.
    func holds(_ input: CommandInput) throws -> Bool {
        switch input {
        case .file(let path): isSame(path)
        case .record(let path): RecordFolder.files(of: path).contains(where: isSame)
        case .records(let folder): try holdsRecord(below: folder)
        }
    }

    private func isSame(_ path: FilePath) -> Bool {
        identity != nil && (try? path.status())?.identity == identity
    }

    private static let recordEndings: [FilePath] = [".hea", ".dat", ".mat"]

    /// Whether a file of records or labels is here, below a folder that a command reads.
    private func holdsRecord(below source: FilePath) throws -> Bool {
        guard identity != nil, let root = try? source.real(),
            folder == root || folder.hasPrefix(root == "/" ? root : root + "/")
        else { return false }
        if Self.recordEndings.contains(where: name.hasSuffix) { return true }
        if name.hasSuffix(".csv") { return try !holdsParameterTable() }
        // Headers name signal files beside them as they like.
        return try folder.names().contains {
            $0.hasSuffix(".hea")
                && RecordFolder.files(of: folder.appending($0)).contains(where: isSame)
        }
    }

    /// Whether a table of `purkinje parameters` is here, which the same command may replace.
    private func holdsParameterTable() throws -> Bool {
        let header = Array(ParameterTable.header.utf8)
        let start = try FileHandleOwner.open(path, O_RDONLY | O_CLOEXEC)
            .read(at: 0, count: header.count)
        return start.isEmpty || start == header
    }

    // MARK: Runs

    /// The run directory that has its own file of this name here.
    var runThatOwnsIt: FilePath? {
        var (ancestor, below) = (folder, name)
        while true {
            let run = RunDirectory(path: ancestor)
            if run.holdsRun, (try? run.files.kind(of: run.checkpointsPath)) == .folder,
                RunDirectory.isOwnFile(below)
            {
                return ancestor
            }
            guard ancestor.parent != ancestor else { return nil }
            below = ancestor.lastComponent.appending(below)
            ancestor = ancestor.parent
        }
    }
}
