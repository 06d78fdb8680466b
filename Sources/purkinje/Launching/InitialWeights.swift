import CommandLineInterface
import Configurations
import Pretraining
import Runs
import Runtime
import Workflows

extension InitialWeights {
    /// The flag of `pretrain` and `launch`.
    static let option = Option(
        "initialise-from", .file.named("RUN|FILE"), otherwise: "random weights",
        help: "Start with the encoder of a run's newest checkpoint, or of a safetensors file.")
}

/// Refuses to begin a run in a folder of other things, such as somebody's records.
func requireRunFolder(_ directory: RunDirectory) throws(CommandError) {
    guard let objection = directory.objection else { return }
    throw CommandError(.usage, "--run \(objection)")
}

/// Refuses to begin a run whose method refines an encoder without one.
func requireEncoder(
    _ configuration: Configuration, for directory: RunDirectory, given: InitialWeights?
) throws {
    guard configuration.makeMethod() is any RefinesEncoder, given == nil,
        configuration.initialWeights == nil, !directory.holdsRun
    else { return }
    throw CommandError(
        .usage,
        "\(configuration.method.name) works on a trained encoder: give a run or a file of weights "
            + "of the same sizes with --initialise-from")
}
