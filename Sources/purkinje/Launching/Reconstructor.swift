import Checkpoints
import CommandLineInterface
import Electrocardiography
import NeuralNetworks
import Pretraining
import Runs
import Runtime

/// The newest model of a run whose method rebuilds what it did not see, to see what it makes of records.
struct Reconstructor {
    /// A record and what the model rebuilt of its hidden parts.
    struct Picture {
        let record: String
        let title: String
        let loss: Double
        let svg: String
    }

    /// Finished steps of the model.
    let step: UInt64
    private let method: any Reconstructs
    private let parameters: Parameters

    /// Loads the newest whole checkpoint.
    ///
    /// - Throws: `CommandError` for a run of another method, `CheckpointError` where there is no checkpoint.
    init(run directory: RunDirectory) throws {
        let configuration = try directory.read().configuration
        guard let method = configuration.makeMethod() as? any Reconstructs else {
            throw CommandError(
                .usage,
                "\(directory.path) trains \(configuration.method.name), which reconstructs no "
                    + "signal; only st-mem does")
        }
        self.method = method
        parameters = Parameters(method.parameters, seed: configuration.seed)
        let store = CheckpointStore(path: directory.checkpointsPath)
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
    func picture(of window: Int, in dataset: PreparedDataset, seed: UInt64) throws -> Picture {
        let result = try method.reconstruct(
            window: window, from: dataset, parameters: parameters, seed: seed)
        let record = dataset.window(window).record.name
        let title = "record \(record), step \(step), loss \(decimals(result.loss, 3))"
        return Picture(
            record: record, title: title, loss: result.loss,
            svg: result.svg(title: title, leadNames: Lead.allCases.map { "\($0)" }))
    }
}
