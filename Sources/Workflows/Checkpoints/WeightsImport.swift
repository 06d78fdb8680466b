import Checkpoints
import CommandLineInterface
import Configurations
import Diagnosis
import Runs
import Runtime
import Training

/// A run that begins with weights under the method's official names.
public struct WeightsImport: CommandResult {
    private let run: FilePath
    private let weights: FilePath
    private let isWhole: Bool
    private let weightsDigest: Digest
    private let state: Digest
    private let program: String

    /// Writes the state of step 0.
    ///
    /// - Parameters:
    ///   - weights: A safetensors file with an encoder, or with a whole model.
    ///   - configuration: The configuration's file.
    ///   - overrides: What replaces its values, each as `key=value`.
    ///   - run: A new or empty run directory.
    ///   - program: The program's name, to propose how to go on.
    /// - Throws: `ConfigurationError`, `SafetensorsError`, `RunError`, `CheckpointError`.
    public init(
        of weights: FilePath, configuration: FilePath, overrides: [String], into run: FilePath,
        program: String
    ) throws {
        (self.run, self.weights, self.program) = (run, weights, program)
        try checkOutputFolder(run, option: "run")
        weightsDigest = try MappedFile(path: weights).withBytes { SHA256.digest(of: $0) }
        let model = try Configuration(
            path: configuration,
            overrides: overrides + [Configuration.override(initialWeights: weightsDigest)])
        try MemoryEstimate.requireRoom(for: model, threads: 1)
        let replica = try TrainingReplica.atStepZero(model)
        isWhole = try OfficialWeights.read(SafetensorsFile(path: weights), into: replica.state)
        // A teacher begins as the encoder.
        if !isWhole { replica.parameters.renewCopies() }
        state = try replica.saveStepZero(in: RunDirectory(path: run), fresh: true)
    }

    /// The run and both digests.
    public var json: JSONValue {
        [
            "run": .string(run.text), "whole_model": .boolean(isWhole), "step": 0,
            "weights_sha256": .string(weightsDigest.description),
            "state_sha256": .string(state.description),
        ]
    }

    /// What it is, and how to go on.
    public var text: String {
        """
        \(run): \(isWhole ? "the whole model" : "the encoder") of \(weights), at step 0
        go on with: \(program) resume \(run.shellWord) --data DATA
        """
    }
}
