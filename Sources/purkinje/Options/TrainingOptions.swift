import CommandLineInterface
import Runs
import Workflows

/// What is trained and where: what commands that begin runs have in common.
enum TrainingOptions {
    static let configuration = Option(
        required: "config", .file, help: "The configuration, a JSON file.")
    static let data = Option(required: "data", .file, help: "The prepared data set.")
    static let set = Option(
        repeated: "set", .text.named("KEY=VALUE"),
        help: "Override one value of the configuration, such as optimizer.learningRate=1e-3.")
    static let initialWeights = Option(
        "initialise-from", .file.named("RUN|FILE"), otherwise: "random weights",
        help: "Start with the encoder of a run's newest checkpoint, or of a safetensors file.")
    static let fresh = Flag("fresh", help: "Begin a new run; refuse a directory that is not empty.")

    /// The run that the user wants to begin or go on with.
    static func beginning(_ given: Invocation, of directory: RunDirectory) throws -> RunBeginning {
        try RunBeginning(
            of: directory, configuration: given[configuration], overrides: given[set],
            weights: given[initialWeights])
    }
}
