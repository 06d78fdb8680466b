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
        let newest = try store.newestWhole { Log().warning("\($0): \($1)") }
        guard let (name, _) = newest else { throw CheckpointError.absent(path: store.path) }
        step = name.step
        let prefix = OfficialWeights.parameterPrefix
        for saved in try store.tensors(of: name, where: { $0.hasPrefix(prefix) }).tensors {
            guard let index = parameters.index(of: String(saved.name.dropFirst(prefix.count)))
            else { continue }
            parameters.tensor(index).bytes
                .copyMemory(from: UnsafeRawBufferPointer(saved.tensor.bytes))
        }
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
        let title = "record \(record), step \(step), loss \(ResultTable.text(result.loss))"
        return Picture(
            record: record, title: title, loss: result.loss,
            svg: result.svg(title: title, leadNames: Lead.allCases.map { "\($0)" }))
    }
}
