import Configurations
import Electrocardiography
import Runs
import Runtime
import TestSupport
import Training
import Workflows

extension TemporaryFolder {
    /// A run directory, in which nothing is yet.
    func run(_ name: String = "run") -> RunDirectory { RunDirectory(path: file(name)) }

    /// Synthetic records in the layout of PTB-XL.
    ///
    /// - Returns: The first record, without ending.
    func records(_ count: Int, in name: String = "ecg") throws -> FilePath {
        _ = try SyntheticDataset(recordCount: count, seed: 6).write(to: file(name), threads: 1)
        return file(name + "/records500/00000/00001_hr")
    }
}

/// A network that trains in moments.
func smallConfiguration(
    _ method: String = "st-mem", seed: Int = 1, steps: Int = 10
) throws -> Configuration {
    try Configuration([
        "method": .string(method), "seed": .integer(Int64(seed)), "batchSize": 8,
        "logicalShards": 1, "steps": .integer(Int64(steps)),
        "encoder": ["width": 32, "depth": 1, "heads": 1, "headWidth": 32],
    ])
}

extension RunDirectory {
    /// Begins the run with a checkpoint of step 0.
    @discardableResult
    func begin(_ configuration: Configuration) throws -> Digest {
        try TrainingReplica.atStepZero(configuration).saveStepZero(in: self, fresh: true)
    }
}
