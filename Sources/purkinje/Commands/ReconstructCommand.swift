import CommandLineInterface
import Electrocardiography
import Runs
import Runtime
import Workflows

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
    try checkOutput(given[svg], option: svg.name, apartFrom: [.file(path)])
    let dataset = try PreparedDataset(path: path)
    guard given[window] < dataset.windowCount else {
        throw CommandError(
            .usage, "--window \(given[window]): \(path) has \(dataset.windowCount) windows")
    }
    let reconstructor = try Reconstructor(run: directory)
    let picture = try reconstructor.picture(of: given[window], in: dataset, seed: given[seed])
    try AtomicFile.write(picture.svg, to: given[svg])
    Output.write(picture.result(svg: given[svg]), asJSON: given[.json])
    return .success
}
