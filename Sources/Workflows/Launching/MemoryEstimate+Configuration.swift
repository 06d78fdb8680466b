import Configurations
import Diagnosis
import Pretraining

extension MemoryEstimate {
    /// What a worker of a run with this configuration will hold.
    init(_ configuration: Configuration, threads: Int, workers: Int) {
        let method = configuration.makeMethod()
        let specifications = method.parameters.specifications
        self.init(
            parameterCount: specifications.filter(\.isTrained).reduce(0) { $0 + $1.count },
            frozenCount: specifications.filter { $0.role == .frozen }.reduce(0) { $0 + $1.count },
            activationsPerShard: configuration.shardSize * method.activationsPerSample,
            shardsInFlight: min(threads, configuration.logicalShards), workers: workers)
    }
}
