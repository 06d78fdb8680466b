import Runtime

/// Why a command's work cannot be done.
public enum WorkflowError: Error, Equatable, CustomStringConvertible {
    /// There is neither a run nor a file of weights.
    case noWeights(path: FilePath)
    /// The run's method rebuilds no signal.
    case reconstructsNothing(run: FilePath, method: String)
    /// No planned step of a fine-tuning was measured on the validation fold.
    case noValidation(metrics: FilePath, every: Int)

    /// There is no whole checkpoint of a step that was named.
    case noCheckpoint(of: Int, in: FilePath, steps: [Int])
    /// Not two states with steps between them.
    case nothingBetween(checkpoints: FilePath, steps: [Int])

    /// One line: what, where, remedy.
    public var description: String {
        switch self {
        case .noWeights(let path): "--initialise-from: \(path) does not exist"
        case .reconstructsNothing(let run, let method):
            "\(run) trains \(method), which reconstructs no signal; only st-mem does"
        case .noCheckpoint(let step, let checkpoints, let steps):
            "\(checkpoints) has no whole checkpoint of step \(step); choose among "
                + steps.map(String.init).joined(separator: ", ")
        case .nothingBetween(let checkpoints, let steps):
            "\(checkpoints): no steps lie between the chosen states; there are those of "
                + steps.map(String.init).joined(separator: ", ")
        case .noValidation(let metrics, let every):
            "\(metrics): no measurement of the validation fold at a multiple of "
                + "validation.everySteps (\(every)); set it above 0, and give "
                + "--finetune-run a new folder"
        }
    }
}
