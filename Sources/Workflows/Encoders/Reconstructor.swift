import Checkpoints
import CommandLineInterface
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
        /// Finished steps of the model.
        public let step: UInt64
        /// Mean squared error on the hidden patches.
        public let loss: Double
        /// Both, drawn.
        public let svg: String

        /// What was drawn, to be printed.
        ///
        /// - Parameter svg: Where the drawing is.
        /// - Returns: What `--json` and text print.
        public func result(svg: FilePath) -> some CommandResult { Drawn(picture: self, svg: svg) }

        fileprivate let title: String
    }

    private struct Drawn: CommandResult {
        let picture: Picture
        let svg: FilePath

        var json: JSONValue {
            [
                "record": .string(picture.record), "step": .integer(Int64(picture.step)),
                "loss": .measured(picture.loss), "svg": .string(svg.text),
            ]
        }

        var text: String { "\(svg): \(picture.title)" }
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
        step = try directory.checkpoints.loadNewestParameters(
            into: parameters.held(under: OfficialWeights.parameterPrefix), report: warnOfPassedOver
        ).name.step
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
            record: record, step: step, loss: result.loss,
            svg: result.svg(title: title, leadNames: Lead.allCases.map { "\($0)" }), title: title)
    }
}
