import CommandLineInterface
import Configurations
import Runtime
import Training

private let config = Option(required: "config", .file, help: "The configuration.")
private let overrides = Option(
    repeated: "set", .text.named("KEY=VALUE"), help: "Overrides a value of the configuration.")
private let threads = Option("threads", .count, default: 1, help: "Compute threads.")
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
    var settings = given[overrides]
    if let size = given[shardSize] {
        if let shards = settings.last(where: { $0.hasPrefix("logicalShards=") }) {
            throw CommandError(
                .usage,
                "--shard-size \(size) and --set \(shards) say the same thing; give one of them")
        }
        let batch = try Configuration(path: given[config], overrides: settings).batchSize
        guard batch % size == 0 else {
            throw CommandError(
                .usage, "--shard-size \(size) does not divide the batch of \(batch) samples")
        }
        settings.append("logicalShards=\(batch / size)")
    }
    let configuration = try Configuration(path: given[config], overrides: settings)
    let result = try StepBenchmark(
        configuration: configuration, threads: given[threads], steps: given[steps]
    ).run()
    if given[.json] {
        Output.write([
            "samples_per_second": .measured(result.samplesPerSecond),
            "gflops_per_second": .measured(result.gflopsPerSecond),
            "gemm_peak_gflops": .measured(result.gemmPeakGflops),
            "peak_rss_bytes": .integer(Int64(result.peakResidentBytes)),
            "step_seconds": .measured(result.stepSeconds),
            "forward_seconds": .measured(result.forwardSeconds),
            "backward_seconds": .measured(result.backwardSeconds),
            "exact_sum_seconds": .measured(result.exactSumSeconds),
            "update_seconds": .measured(result.updateSeconds),
            "heap_growth_bytes": .integer(Int64(result.heapGrowthBytes)),
            "kernel": .string(result.kernel),
        ])
        return .success
    }
    Output.write(
        Output.table([
            ["samples a second", decimals(result.samplesPerSecond, 2)],
            [
                "GFLOP/s",
                "\(decimals(result.gflopsPerSecond, 1)) of \(decimals(result.gemmPeakGflops, 1))"
                    + " (\(result.kernel))",
            ],
            ["step", "\(decimals(result.stepSeconds * 1000, 1)) ms"],
            ["  forward", "\(decimals(result.forwardSeconds * 1000, 1)) ms"],
            ["  backward", "\(decimals(result.backwardSeconds * 1000, 1)) ms"],
            ["    exact sums", "\(decimals(result.exactSumSeconds * 1000, 1)) ms"],
            ["  update", "\(decimals(result.updateSeconds * 1000, 1)) ms"],
            ["peak memory", sizeText(result.peakResidentBytes)],
            ["heap growth", sizeText(result.heapGrowthBytes)],
        ]))
    return .success
}
