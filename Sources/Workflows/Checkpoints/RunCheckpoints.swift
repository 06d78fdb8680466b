import Checkpoints
import CommandLineInterface
import Runs
import Runtime

/// The checkpoints of a run, as commands look at them.
public struct RunCheckpoints {
    private let store: CheckpointStore

    /// A run's checkpoints.
    ///
    /// - Parameter run: The run directory.
    /// - Throws: `RunError` where there is no run.
    public init(of run: FilePath) throws(RunError) {
        let directory = RunDirectory(path: run)
        guard directory.files.exists(directory.checkpointsPath) else { throw .absent(path: run) }
        store = directory.checkpoints
    }

    /// All of them with what their manifests say, newest first.
    ///
    /// - Throws: `CheckpointError` where the folder cannot be listed.
    public func list() throws -> [ListedCheckpoint] {
        try store.list().map { name in
            ListedCheckpoint(
                name: name,
                outcome: Result { () throws(CheckpointError) in try store.manifest(of: name) })
        }
    }

    /// Checks every byte.
    ///
    /// - Parameters:
    ///   - step: Only checkpoints after so many steps; `nil` for all.
    ///   - report: Gets each as soon as it is checked.
    /// - Returns: Whether all are sound.
    /// - Throws: `CheckpointError` where there is none.
    public func verify(step: Int?, report: (ListedCheckpoint) -> Void) throws -> Bool {
        let names = try store.list().filter { name in
            step.map { name.step == UInt64($0) } ?? true
        }
        guard !names.isEmpty else { throw absent(step) }
        var isSound = true
        for name in names {
            let outcome = Result { () throws(CheckpointError) in try store.verify(name) }
            if case .failure = outcome { isSound = false }
            report(ListedCheckpoint(name: name, outcome: outcome))
        }
        return isSound
    }

    /// The digest of the newest whole state.
    ///
    /// - Parameter step: The checkpoint after so many steps; `nil` for the newest whole one.
    /// - Returns: Digest and step.
    /// - Throws: `CheckpointError` where there is none.
    public func digest(step: Int?) throws -> StateOfStep {
        let found = try newest(step: step)
        return StateOfStep(digest: found.manifest.stateDigest, step: found.name.step)
    }

    /// Writes the weights under the method's official names.
    ///
    /// - Parameters:
    ///   - step: The checkpoint after so many steps; `nil` for the newest whole one.
    ///   - isWhole: Whether the decoder is written, too.
    ///   - path: The safetensors file.
    /// - Returns: What was written, to be printed.
    /// - Throws: `CheckpointError`, `SafetensorsError`, `SystemError`.
    public func export(step: Int?, wholeModel isWhole: Bool, to path: FilePath) throws
        -> ExportedWeights
    {
        let (name, manifest, state) = try store.newestTensors(
            step: step.map { UInt64($0) }, where: { $0.hasPrefix(OfficialWeights.parameterPrefix) },
            report: warnOfPassedOver)
        let weights = OfficialWeights.file(of: state, wholeModel: isWhole)
        // The release alone: equal weights are equal files, whichever commit wrote them.
        let software = BuildIdentity(version: manifest.context.software).release
        try SafetensorsFile.write(
            weights,
            metadata: [
                "method": manifest.context.configuration["method"]?.stringValue ?? "",
                "step": "\(name.step)", "state_sha256": manifest.stateDigest.description,
                "configuration": manifest.context.configuration.text(),
                "software": software,
            ], to: path)
        return ExportedWeights(
            path: path, step: name.step, tensors: weights.count,
            numbers: weights.reduce(0) { $0 + $1.tensor.count })
    }

    /// The newest whole checkpoint, with a warning for each that is passed over.
    private func newest(step: Int?) throws -> (name: CheckpointName, manifest: Manifest) {
        let found = try store.newestWhole(step: step.map { UInt64($0) }, report: warnOfPassedOver)
        guard let found else { throw absent(step) }
        return found
    }

    private func absent(_ step: Int?) -> CheckpointError {
        store.absence(of: step.map { UInt64($0) })
    }
}

/// A checkpoint with its manifest, or with what is wrong with it.
public struct ListedCheckpoint: CommandResult {
    let name: CheckpointName
    let outcome: Result<Manifest, CheckpointError>

    /// The heads of `row`.
    public static let head = ["step", "generation", "term", "files", "bytes", "state"]

    /// The checkpoint in a table.
    public var row: [String] {
        let own = ["\(name.step)", "\(name.generation)", "\(name.term)"]
        return switch outcome {
        case .success(let manifest):
            own + [
                "\(manifest.files.count)", "\(manifest.byteCount)",
                "sha256:\(manifest.stateDigest)",
            ]
        case .failure(let error): own + ["", "", error.description]
        }
    }

    /// Name, sizes and digest, or the damage.
    public var json: JSONValue {
        var members: [String: JSONValue] = [
            "name": .string(name.description), "step": .integer(Int64(name.step)),
            "generation": .integer(Int64(name.generation)), "term": .integer(Int64(name.term)),
        ]
        switch outcome {
        case .success(let manifest):
            members["sha256"] = .string(manifest.stateDigest.description)
            members["bytes"] = .integer(Int64(manifest.byteCount))
            members["files"] = .integer(Int64(manifest.files.count))
            members["damage"] = .null
        case .failure(let error): members["damage"] = .string(error.description)
        }
        return .object(members)
    }

    /// Whether it is sound, for one whose every byte was checked.
    public var text: String {
        switch outcome {
        case .success: "\(name): every byte is sound"
        case .failure(let error): "\(name): \(error)"
        }
    }
}

/// The digest of a training state.
public struct StateOfStep: CommandResult {
    let digest: Digest
    let step: UInt64

    /// Digest and step.
    public var json: JSONValue {
        ["sha256": .string(digest.description), "step": .integer(Int64(step))]
    }

    /// The same in a line.
    public var text: String { "sha256:\(digest) step=\(step)" }
}

/// A file of weights that was written.
public struct ExportedWeights: CommandResult {
    let path: FilePath
    let step: UInt64
    let tensors: Int
    let numbers: Int

    /// File, step and sizes.
    public var json: JSONValue {
        [
            "file": .string(path.text), "step": .integer(Int64(step)),
            "tensors": .integer(Int64(tensors)), "numbers": .integer(Int64(numbers)),
        ]
    }

    /// The same in a line.
    public var text: String { "\(path): \(tensors) tensors, \(numbers) numbers of step \(step)" }
}
