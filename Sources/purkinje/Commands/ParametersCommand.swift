import CommandLineInterface
import Foundation
import Workflows

private let paths = Argument(
    repeated: "PATH", .file,
    help: "Records (with or without .hea) and folders, of which every record is measured.")
private let csv = Option(
    "csv", .file, otherwise: "no file", help: "Writes one row a record into this file.")
private let picture = Option(
    "svg", .file, otherwise: "no picture",
    help:
        "Draws the typical beat and its waves; for several records, into a folder, under their paths."
)
private let perLead = Flag(
    "per-lead", help: "With --json: the waves of each lead, not of all leads together.")
private let threads = Option(
    "threads", .threads, otherwise: "all processors", help: "Threads that measure records.")

/// Measures the clinical parameters of records.
let parametersCommand = Command(
    "parameters",
    summary: "measures the clinical parameters of records",
    discussion: """
        Finds beats and their waves on all leads together, and measures rate, intervals, axes, amplitudes and signal \
        quality. What cannot be measured is empty or null, never 0. One record is shown as a table, several with one line \
        each. Records that cannot be read are named on standard error, and the exit code is 1 when none could.
        """,
    parameters: [paths, csv, picture, perLead, threads, Flag.json],
    example: "purkinje parameters data/ptb-xl/records500/00000/00001_hr --svg 1.svg"
) { given in
    if !given[.json] { try given.refuse([perLead], "without --json") }
    let measurement = try ParameterMeasurement(
        of: given[paths], csv: given[csv], picture: given[picture],
        form: given[.json] ? .json(perLead: given[perLead]) : .text)
    let isMeasured = try measurement.run(
        threads: given[threads] ?? ProcessCounts.processors)
    return isMeasured ? .success : .failure
}
