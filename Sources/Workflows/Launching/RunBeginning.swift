import CommandLineInterface
import Configurations
import Diagnosis
import Pretraining
import Runs
import Runtime

/// A run as `pretrain` and `launch` begin it or go on with it: its configuration, its folder, and the encoder it starts from.
public struct RunBeginning {
    /// What to train.
    public let configuration: Configuration
    /// What replaced values of the configuration's file.
    public let overrides: [String]
    private let directory: RunDirectory
    private let weights: InitialWeights?

    /// Reads the configuration and the weights that are given; nothing is written yet.
    ///
    /// - Parameters:
    ///   - directory: The run's folder.
    ///   - path: The configuration's file.
    ///   - overrides: What replaces its values, each as `key=value`.
    ///   - weights: A run or a file whose encoder is the first; `nil` for random weights.
    /// - Throws: `ConfigurationError`, `WorkflowError`, and whatever keeps the weights from being read.
    public init(
        of directory: RunDirectory, configuration path: FilePath, overrides: [String],
        weights: FilePath?
    ) throws {
        self.directory = directory
        self.weights = try weights.map { try InitialWeights(path: $0) }
        self.overrides =
            overrides
            + (self.weights.map { [Configuration.override(initialWeights: $0.digest)] } ?? [])
        configuration = try Configuration(path: path, overrides: self.overrides)
        configuration.pinMatrixKernel(readFrom: path)
        for notice in configuration.notices { Log().warning(notice) }
    }

    /// Writes the state of step 0 where weights are given and the run has none yet.
    ///
    /// - Parameter fresh: Whether a folder with anything in it is refused.
    /// - Returns: Whether a folder with anything in it has still to be refused by who trains.
    /// - Throws: `CommandError` for a folder of other things, and for a method that needs an encoder and gets none.
    public func prepare(fresh: Bool) throws -> Bool {
        if let objection = directory.objection {
            throw CommandError(.usage, "--run \(objection)")
        }
        try checkOutputFolder(directory.path, option: "run")
        try requireEncoder()
        // The state of step 0, which given weights are put into, is made here.
        if weights != nil { try MemoryEstimate.requireRoom(for: configuration, threads: 1) }
        try weights?.begin(directory, configuration: configuration, fresh: fresh)
        return fresh && weights == nil
    }

    /// Refuses to begin a run whose method refines an encoder without one.
    private func requireEncoder() throws {
        guard configuration.makeMethod() is any RefinesEncoder, weights == nil,
            configuration.initialWeights == nil, !directory.holdsRun
        else { return }
        throw CommandError(
            .usage,
            "\(configuration.method.name) works on a trained encoder: give a run or a file of weights "
                + "of the same sizes with --initialise-from")
    }
}
