import CommandLineInterface
import Configurations
import Diagnosis
import Runtime
import Training

/// The speed of one training step, without data.
public struct StepMeasurement: CommandResult {
    private let result: StepBenchmark.Result

    /// Measures.
    ///
    /// - Parameters:
    ///   - path: The configuration's file.
    ///   - overrides: What replaces its values, each as `key=value`.
    ///   - shardSize: Samples that a thread takes at a time; `nil` for the configuration's.
    ///   - threads: Compute threads.
    ///   - steps: Steps to measure, after two to warm up.
    /// - Throws: `CommandError` for a size that does not go with the rest, `ConfigurationError`, `TrainingError`.
    public init(
        _ path: FilePath, overrides: [String], shardSize: Int?, threads: Int, steps: Int
    ) throws {
        let configuration = try Self.configuration(
            path, overrides: overrides, shardSize: shardSize)
        configuration.pinMatrixKernel(readFrom: path)
        try MemoryEstimate.requireRoom(for: configuration, threads: threads)
        result = try StepBenchmark(
            configuration: configuration, threads: threads, steps: steps
        ).run()
    }

    /// The configuration with shards of a size.
    static func configuration(
        _ path: FilePath, overrides: [String], shardSize: Int?
    ) throws -> Configuration {
        guard let size = shardSize else {
            return try Configuration(path: path, overrides: overrides)
        }
        if let shards = overrides.last(where: { $0.hasPrefix("logicalShards=") }) {
            throw CommandError(
                .usage,
                "--shard-size \(size) and --set \(shards) say the same thing; give one of them")
        }
        let batch = try Configuration(path: path, overrides: overrides).batchSize
        guard batch % size == 0 else {
            throw CommandError(
                .usage, "--shard-size \(size) does not divide the batch of \(batch) samples")
        }
        return try Configuration(
            path: path, overrides: overrides + ["logicalShards=\(batch / size)"])
    }

    /// Rates, times and memory.
    public var json: JSONValue {
        [
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
        ]
    }

    /// The same as a table.
    public var text: String {
        func milliseconds(_ seconds: Double) -> String { "\(decimals(seconds * 1000, 1)) ms" }
        let speed = [result.gflopsPerSecond, result.gemmPeakGflops].map { decimals($0, 1) }
        return Output.table([
            ["samples a second", decimals(result.samplesPerSecond, 2)],
            ["GFLOP/s", "\(speed[0]) of \(speed[1]) (\(result.kernel))"],
            ["step", milliseconds(result.stepSeconds)],
            ["  forward", milliseconds(result.forwardSeconds)],
            ["  backward", milliseconds(result.backwardSeconds)],
            ["    exact sums", milliseconds(result.exactSumSeconds)],
            ["  update", milliseconds(result.updateSeconds)],
            ["peak memory", sizeText(result.peakResidentBytes)],
            ["heap growth", sizeText(result.heapGrowthBytes)],
        ])
    }
}
