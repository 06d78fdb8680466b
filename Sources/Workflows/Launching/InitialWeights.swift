import Checkpoints
import Configurations
import LinearAlgebra
import Pretraining
import Runs
import Runtime
import Tensors
import Training

/// The encoder that a run is to start from.
public struct InitialWeights {
    private let path: FilePath
    private let tensors: [NamedTensor]
    /// What the configuration records: of a file its SHA-256, of a checkpoint that of its state.
    public let digest: Digest

    /// Reads the encoder of a run or of a file.
    ///
    /// - Parameters:
    ///   - path: The run's folder, or the file.
    ///   - step: Which checkpoint of a run; `nil` for the newest.
    /// - Throws: `WorkflowError` where there is no such path, and whatever keeps it from being read.
    public init(path: FilePath, step: UInt64? = nil) throws {
        guard let status = try? path.status() else {
            throw WorkflowError.noWeights(path: path)
        }
        self.path = path
        guard status.kind == .folder else {
            digest = try MappedFile(path: path).withBytes { SHA256.digest(of: $0) }
            let file = try SafetensorsFile(path: path)
            try file.requireFinite()
            tensors = try file.tensors()
            return
        }
        let store = RunDirectory(path: path).checkpoints
        let prefix = OfficialWeights.parameterPrefix
        let newest = try store.newestTensors(
            step: step, where: { $0.hasPrefix(prefix) }, report: warnOfPassedOver)
        digest = newest.manifest.stateDigest
        tensors = newest.tensors.map {
            NamedTensor(String($0.name.dropFirst(prefix.count)), $0.tensor)
        }
    }

    /// Writes the state of step 0 with this encoder into a run directory that has none yet.
    ///
    /// - Parameters:
    ///   - directory: The run's folder.
    ///   - configuration: Names the digest.
    ///   - fresh: Whether a folder with anything in it is refused.
    /// - Throws: `SafetensorsError` where the encoder has other sizes, and others.
    public func begin(
        _ directory: RunDirectory, configuration: Configuration, fresh: Bool
    ) throws {
        let store = directory.checkpoints
        if directory.holdsRun, !fresh, try !store.list().isEmpty { return }
        let replica = try TrainingReplica.atStepZero(configuration)
        let given = OfficialWeights.encoder(inModel: tensors)
        let method = configuration.makeMethod() as? any AdaptsWeights
        try OfficialWeights.copyEncoder(
            from: method?.encoderWeights(from: given, parameters: replica.parameters) ?? given,
            source: path.text, into: replica.state)
        replica.parameters.renewCopies()
        try replica.saveStepZero(in: directory, fresh: fresh)
    }
}

extension TrainingReplica {
    /// A replica whose state is that of step 0; it has no windows to train on.
    public static func atStepZero(_ configuration: Configuration) throws -> TrainingReplica {
        try TrainingReplica(
            configuration: configuration, source: SyntheticWindows(hasClinicalFeatures: false),
            trainingWindows: Array(0..<100), validationWindows: [], threads: 1)
    }

    /// Begins a run with this state.
    ///
    /// - Parameters:
    ///   - directory: The run's folder.
    ///   - fresh: Whether a folder with anything in it is refused.
    /// - Returns: Digest of the state.
    /// - Throws: `RunError` where the folder holds something else, `CheckpointError`.
    @discardableResult
    public func saveStepZero(in directory: RunDirectory, fresh: Bool) throws -> Digest {
        let record = try directory.open(
            configuration: configuration, dataPath: nil, dataDigest: nil, fresh: fresh)
        return try directory.checkpoints.save(
            state, as: CheckpointName(step: 0, generation: 0, term: 0),
            context: CheckpointContext(
                step: 0, cursor: 0, configuration: configuration.resolved,
                configurationDigest: nil, dataDigest: nil, software: Software.version,
                matrixLibrary: MatrixProduct.libraryDescription,
                matrixKernel: MatrixProduct.kernelName, run: record.id.description)
        ).stateDigest
    }
}
