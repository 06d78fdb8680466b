import Checkpoints
import CommandLineInterface
import Configurations
import Runs
import Runtime
import Workflows
import Training

private let weights = Argument(
    "WEIGHTS", .file, help: "A safetensors file with the method's official names.")
private let configuration = Option(
    required: "config", .file, help: "The configuration, a JSON file, of the same sizes.")
private let run = Option(required: "run", .directory, help: "A new or empty run directory.")
private let set = Option(
    repeated: "set", .text.named("KEY=VALUE"),
    help: "Override one value of the configuration, such as optimizer.learningRate=1e-3.")

let checkpointImportCommand = Command(
    "checkpoint import",
    summary: "starts a run from weights under the method's official names",
    discussion: """
        Takes an encoder, whose names have no prefix, or a whole model. Weights that the file does not have are random, as \
        in any new run. Writes the state of step 0; 'pretrain', 'launch' or 'resume' go on from there. The file's SHA-256 \
        becomes part of the configuration, so that the digest knows it.
        """,
    parameters: [weights, configuration, run, set, Flag.json],
    example: "purkinje checkpoint import encoder.safetensors "
        + "--config cluster/configurations/st-mem-base.json --run runs/continued"
) { invocation in
    let path = invocation[weights]
    let bytes = try MappedFile(path: path)
    let digest = bytes.withBytes { SHA256.digest(of: $0) }
    let model = try Configuration(
        path: invocation[configuration],
        overrides: invocation[set] + ["initialWeights=\"\(digest)\""])
    let replica = try TrainingReplica.atStepZero(model)
    let file = try SafetensorsFile(path: path)
    let isWhole = try OfficialWeights.read(file, into: replica.state)
    // A teacher begins as the encoder.
    if !isWhole { replica.parameters.renewCopies() }
    let directory = RunDirectory(path: invocation[run])
    let state = try replica.saveStepZero(in: directory, fresh: true)
    if invocation[Flag.json] {
        Output.write([
            "run": .string(directory.path.text), "whole_model": .boolean(isWhole), "step": 0,
            "weights_sha256": .string(digest.description),
            "state_sha256": .string(state.description),
        ])
    } else {
        Output.write(
            """
            \(directory.path): \(isWhole ? "the whole model" : "the encoder") of \(path), at step 0
            go on with: \(invocation.program) resume \(directory.path.shellWord) --data DATA
            """)
    }
    return .success
}
