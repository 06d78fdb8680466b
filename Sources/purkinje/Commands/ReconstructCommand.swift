import Checkpoints
import CommandLineInterface
import Configurations
import Electrocardiography
import NeuralNetworks
import Pretraining
import Runs
import Runtime

private let run = Option(required: "run", .directory, help: "The run directory.")
private let data = Option(
    "data", .file, otherwise: "the run's own", help: "The prepared data set.")
private let window = Option(
    "window", .integer(0...), default: 0, help: "Number of the window in the data set.")
private let seed = Option("seed", .seed, default: 0, help: "Decides which patches are hidden.")
private let svg = Option(required: "svg", .file, help: "Where the drawing goes.")

/// Draws what a masked model makes of a record.
let reconstructCommand = Command(
    "reconstruct",
    summary: "draws a record and what the model rebuilds of its hidden parts",
    discussion: """
        Hides patches of a record as in pretraining, lets the newest checkpoint rebuild them, and draws both.
        """,
    parameters: [run, data, window, seed, svg, Flag.json],
    example: "purkinje reconstruct --run runs/first --window 3 --svg reconstruction.svg"
) { given in
    let directory = RunDirectory(path: given[run])
    let record = try directory.read()
    guard let path = given[data] ?? record.dataPath else {
        throw CommandError(
            .usage, "the run does not say where its data set is; name it with --data")
    }
    let dataset = try PreparedDataset(path: path)
    guard given[window] < dataset.windowCount else {
        throw CommandError(
            .usage, "--window \(given[window]): \(path) has \(dataset.windowCount) windows")
    }
    guard case .stMEM(let settings) = record.configuration.details else {
        throw CommandError(
            .usage,
            "\(directory.path) trains \(record.configuration.method.rawValue), which reconstructs no "
                + "signal; only st-mem does")
    }
    let method = STMEMPretraining(settings, input: record.configuration.input)
    let parameters = Parameters(method.parameters, seed: record.configuration.seed)
    let store = CheckpointStore(path: directory.checkpointsPath)
    guard let (name, _) = try store.newestWhole(report: { Log().warning("\($0): \($1)") }) else {
        throw CheckpointError.absent(path: store.path)
    }
    let prefix = "parameter."
    for saved in try store.tensors(of: name, where: { $0.hasPrefix(prefix) }).tensors {
        guard let index = parameters.index(of: String(saved.name.dropFirst(prefix.count))) else {
            continue
        }
        parameters.tensor(index).bytes.copyMemory(from: UnsafeRawBufferPointer(saved.tensor.bytes))
    }
    let result = try method.reconstruct(
        window: given[window], from: dataset, parameters: parameters, seed: given[seed])
    let description = dataset.window(given[window]).record
    let title = "record \(description.name), step \(name.step), loss \(decimals(result.loss, 3))"
    try AtomicFile.write(
        result.svg(title: title, leadNames: Lead.allCases.map { "\($0)" }), to: given[svg])
    if given[.json] {
        Output.write([
            "record": .string(description.name), "step": .integer(Int64(name.step)),
            "loss": .measured(result.loss), "svg": .string(given[svg]),
        ])
    } else {
        Output.write("\(given[svg]): \(title)")
    }
    return .success
}
