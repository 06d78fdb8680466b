import CommandLineInterface
import Workflows

private let weights = Argument(
    "WEIGHTS", .file, help: "A safetensors file with the method's official names.")
private let configuration = Option(
    required: "config", .file, help: "The configuration, a JSON file, of the same sizes.")
private let run = Option(required: "run", .directory, help: "A new or empty run directory.")

let checkpointImportCommand = Command(
    "checkpoint import",
    summary: "starts a run from weights under the method's official names",
    discussion: """
        Takes an encoder, whose names have no prefix, or a whole model. Weights that the file does not have are random, as \
        in any new run. Writes the state of step 0; 'pretrain', 'launch' or 'resume' go on from there. The file's SHA-256 \
        becomes part of the configuration, so that the digest knows it.
        """,
    parameters: [weights, configuration, run, TrainingOptions.set, Flag.json],
    example: "purkinje checkpoint import encoder.safetensors "
        + "--config cluster/configurations/st-mem-base.json --run runs/continued"
) { given in
    let imported = try WeightsImport(
        of: given[weights], configuration: given[configuration],
        overrides: given[TrainingOptions.set], into: given[run], program: given.program)
    Output.write(imported, asJSON: given[.json])
    return .success
}
