import CommandLineInterface
import Workflows

private let config = Option(required: "config", .file, help: "The configuration.")
private let overrides = Option(
    repeated: "set", .text.named("KEY=VALUE"), help: "Overrides a value of the configuration.")
private let threads = Option("threads", .threads, default: 1, help: "Compute threads.")
private let shardSize = Option(
    "shard-size", .count, otherwise: "the configuration's",
    help: "Samples that a thread takes at a time.")
private let steps = Option(
    "steps", .count, default: 5, help: "Steps to measure, after two to warm up.")

/// `purkinje bench step`.
let benchStepCommand = Command(
    "bench step", summary: "measures one training step without data",
    discussion: """
        Runs training steps on synthetic windows in one process and prints medians: samples a second, the share of \
        the processor's matrix-product speed that is reached, memory, and where the time goes.
        """,
    parameters: [config, overrides, threads, shardSize, steps, Flag.json],
    example: "purkinje bench step --config cluster/configurations/st-mem-tiny.json --threads 2"
) { given in
    let measurement = try StepMeasurement(
        given[config], overrides: given[overrides], shardSize: given[shardSize],
        threads: given[threads], steps: given[steps])
    Output.write(measurement, asJSON: given[.json])
    return .success
}
