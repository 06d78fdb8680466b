import CommandLineInterface
import Configurations
import Diagnosis
import Pretraining

extension MemoryEstimate {
    /// What a worker of a run with this configuration will hold.
    init(_ configuration: Configuration, threads: Int, workers: Int) {
        let method = configuration.makeMethod()
        let activations = configuration.shardSize.multipliedReportingOverflow(
            by: method.activationsPerSample)
        let specifications = method.parameters.specifications
        self.init(
            parameterCount: specifications.filter(\.isTrained).reduce(0) { $0 + $1.count },
            frozenCount: specifications.filter { $0.role == .frozen }.reduce(0) { $0 + $1.count },
            activationsPerShard: activations.overflow ? .max : activations.partialValue,
            shardsInFlight: min(threads, configuration.logicalShards), workers: workers)
    }

    /// Refuses what this machine cannot hold, before it is tried: an allocation that fails ends the program without a
    /// word about its cause.
    ///
    /// - Parameters:
    ///   - configuration: What is to be computed.
    ///   - threads: Compute threads of each worker.
    ///   - workers: Workers here.
    /// - Throws: `CommandError` with code 2, and need, supply and remedy.
    static func requireRoom(
        for configuration: Configuration, threads: Int, workers: Int = 1
    ) throws(CommandError) {
        let what =
            "\(configuration.method.name) of this configuration"
            + (workers == 1 ? "" : ", with \(workers) workers")
        let estimate = MemoryEstimate(configuration, threads: threads, workers: workers)
        if let refusal = Memory().refusal(neededBytes: workers * estimate.bytes, for: what) {
            throw CommandError(.usage, refusal)
        }
    }
}
