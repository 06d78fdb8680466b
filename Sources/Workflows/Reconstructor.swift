import Checkpoints
import Evaluation
import Electrocardiography
import NeuralNetworks
import Pretraining
import Runs
import Runtime

/// The newest model of a run whose method rebuilds what it did not see, to see what it makes of records.
public struct Reconstructor {
    /// A record and what the model rebuilt of its hidden parts.
    public struct Picture {
        /// Its name.
        public let record: String
        /// Name, step and loss, in words.
        public let title: String
        /// Mean squared error on the hidden patches.
        public let loss: Double
        /// Both, drawn.
        public let svg: String
    }

    /// Finished steps of the model.
    public let step: UInt64
    private let method: any Reconstructs
    private let parameters: Parameters

    /// Loads the newest whole checkpoint.
    ///
    /// - Throws: `WorkflowError` for a run of another method, `CheckpointError` where there is no checkpoint.
    public init(run directory: RunDirectory) throws {
        let configuration = try directory.read().configuration
        guard let method = configuration.makeMethod() as? any Reconstructs else {
            throw WorkflowError.reconstructsNothing(
                run: directory.path, method: configuration.method.name)
        }
        self.method = method
        parameters = Parameters(method.parameters, seed: configuration.seed)
        let store = directory.checkpoints
        step = try store.loadNewestParameters(
            into: parameters.held(under: OfficialWeights.parameterPrefix)
        ) {
            Log().warning("checkpoint \($0) is passed over: \($1)")
        }.name.step
    }

    /// Hides patches of a window and rebuilds them.
    ///
    /// - Parameters:
    ///   - window: Its number in the data set.
    ///   - dataset: Where it is.
    ///   - seed: Decides which patches are hidden.
    /// - Returns: Both, drawn.
    /// - Throws: When the window cannot be read.
    public func picture(
        of window: Int, in dataset: PreparedDataset, seed: UInt64
    ) throws -> Picture {
        let result = try method.reconstruct(
            window: window, from: dataset, parameters: parameters, seed: seed)
        let record = dataset.window(window).record.name
        let title = "record \(record), step \(step), loss \(decimals(result.loss))"
        return Picture(
            record: record, title: title, loss: result.loss,
            svg: result.svg(title: title, leadNames: Lead.allCases.map { "\($0)" }))
    }
}
