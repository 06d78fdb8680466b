import CommandLineInterface
import Electrocardiography
import Foundation
import Workflows

private let sources = Option(
    repeated: "source", .directory, isRequired: true,
    help: "A folder of PTB-XL or of WFDB records, with all that lies below it.")
private let output = Option(
    required: "out", .file, help: "The data set; a report is written beside it.")
private let rate = Option(
    "rate", .number(50...), default: 250, help: "Samples a second in the set, at most 20,000.")
private let windows = Option(
    "windows", .choice(["all", "first"]), default: "all",
    help: "Every whole window of 10 s of a record, or its first valid one.")
private let sourceRate = Option(
    "source-rate", .choice(["100", "500"]), otherwise: "the higher one that is there",
    help: "Which of PTB-XL's two rates to read.")
private let unique = Flag(
    "unique", help: "Keep one of several records with the same samples.")
private let threads = Option(
    "threads", .threads, otherwise: "all processors", help: "Threads that read and resample.")

/// Reads records into one prepared data set.
let dataPrepareCommand = Command(
    "data prepare",
    summary: "reads ECG records into one prepared, memory-mapped data set",
    discussion: """
        Reads PTB-XL (with folds, patients and labels), Chapman/Ningbo, the PhysioNet challenges or any folder of WFDB \
        records, cuts them into windows of 10 s, puts the twelve leads in order and resamples them; the clinical features of \
        each window are measured at the record's own rate and stored with it. The same sources give \
        the same bytes, whatever the threads; after an interruption the same command continues where it was. Every record that is \
        left out is named with the reason in FILE.report.json.
        """,
    parameters: [sources, output, rate, windows, sourceRate, unique, threads, Flag.json],
    example: "purkinje data prepare --source data/ptb-xl --source data/ludb --out ecg.prepared"
) { given in
    guard given[rate] <= 20_000 else {
        throw CommandError(.usage, "--rate needs at most 20000, not \(given[rate])")
    }
    let preparation = try PreparationRun(
        .init(
            sources: given[sources], output: given[output], rateHz: given[rate],
            takesFirstWindowOnly: given[windows] == "first",
            sourceRateHz: given[sourceRate].flatMap(Double.init), keepsUniqueOnly: given[unique],
            threads: given[threads] ?? ProcessCounts.processors))
    guard let summary = try preparation.run() else { return .interrupted }
    Output.write(summary, asJSON: given[.json])
    return .success
}
