import CommandLineInterface
import Workflows

private let run = Argument("DIR", .directory, help: "The run directory.")
private let step = Option(
    "step", .integer(0...), otherwise: "the newest whole one",
    help: "The checkpoint after this many steps.")
private let output = Option(required: "out", .file, help: "The safetensors file to write.")
private let wholeModel = Flag(
    "whole-model", help: "Write the decoder too, all names as in the published whole model.")

let checkpointListCommand = Command(
    "checkpoint list",
    summary: "lists the checkpoints of a run, newest first",
    discussion: """
        Reads the manifests alone; 'checkpoint verify' reads every byte.
        """,
    parameters: [run, Flag.json],
    example: "purkinje checkpoint list runs/first"
) { given in
    let checkpoints = try RunCheckpoints(of: given[run]).list()
    if given[.json] {
        for checkpoint in checkpoints { Output.write(checkpoint.json) }
    } else {
        Output.write(Output.table([ListedCheckpoint.head] + checkpoints.map(\.row)))
    }
    return .success
}

let checkpointVerifyCommand = Command(
    "checkpoint verify",
    summary: "checks every byte of a run's checkpoints, and names the file that is damaged",
    discussion: """
        Ends with code 1 when a checkpoint is damaged. A resume passes over damaged checkpoints by itself.
        """,
    parameters: [
        run,
        Option(
            "step", .integer(0...), otherwise: "all",
            help: "Only checkpoints after this many steps."),
        Flag.json,
    ],
    example: "purkinje checkpoint verify runs/first"
) { given in
    let areSound = try RunCheckpoints(of: given[run]).verify(step: given[step]) {
        Output.write($0, asJSON: given[.json])
    }
    return areSound ? .success : .failure
}

let checkpointDigestCommand = Command(
    "checkpoint digest",
    summary: "prints the digest of the training state, computed from the bytes",
    discussion: """
        Two runs of the same configuration and data have the same digest after the same number of steps, whoever \
        computed them. Checkpoints that are damaged are named on standard error and passed over.
        """,
    parameters: [run, step, Flag.json],
    example: "purkinje checkpoint digest runs/first --step 60"
) { given in
    let state = try RunCheckpoints(of: given[run]).digest(step: given[step])
    Output.write(state, asJSON: given[.json])
    return .success
}

let checkpointExportCommand = Command(
    "checkpoint export",
    summary: "writes the encoder's weights under the method's official names",
    discussion: """
        One safetensors file, as Python's safetensors reads it. Its metadata has the method, the step, the configuration \
        and the digest of the state.
        """,
    parameters: [run, output, step, wholeModel, Flag.json],
    example: "purkinje checkpoint export runs/first --out encoder.safetensors"
) { given in
    try checkOutput(given[output], option: output.name)
    let written = try RunCheckpoints(of: given[run]).export(
        step: given[step], wholeModel: given[wholeModel], to: given[output])
    Output.write(written, asJSON: given[.json])
    return .success
}
