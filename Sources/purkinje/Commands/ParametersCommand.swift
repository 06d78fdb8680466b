import ClinicalParameters
import CommandLineInterface
import Electrocardiography
import Foundation
import Runtime

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
    "threads", .count, otherwise: "all processors", help: "Threads that measure records.")

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
) { invocation in
    if !invocation[Flag.json] { try invocation.refuse([perLead], "without --json") }
    try checkOutput(
        invocation[csv], option: csv.name,
        apartFrom: invocation[paths].map { $0.isFolder ? .records(below: $0) : .record($0) })
    let records = try listed(invocation[paths])
    if records.count == 1 {
        try checkOutputs(
            [(csv.name, invocation[csv]), (picture.name, invocation[picture])].compactMap {
                option, path in path.map { CommandOutput(option: option, path: $0) }
            }, apartFrom: [.record(records[0].path)])
    } else if let folder = invocation[picture] {
        try checkOutputFolder(folder, option: picture.name)
    }
    var output = try ParameterOutput(
        recordCount: records.count, csvFile: invocation[csv], picture: invocation[picture],
        form: invocation[Flag.json] ? .json(perLead: invocation[perLead]) : .text)
    let start = ContinuousClock.now
    let line = ProgressLine()
    try MeasuredRecords(
        records.map(\.path),
        threads: invocation[threads] ?? ProcessInfo.processInfo.activeProcessorCount
    ).forEach { index, outcome in
        switch outcome {
        case .success(let measured): try output.add(measured, of: records[index])
        case .failure(let error):
            output.refusedCount += 1
            line.log("refused: \(error)")
        }
        if records.count > 1 {
            let rate = Double(index + 1) / seconds(since: start)
            let left = Double(records.count - index - 1) / rate
            line.update(
                "record \(index + 1)/\(records.count)  \(decimals(rate, 0)) records/s  \(roughTime(left)) left"
            )
        }
    }
    line.finish()
    try output.finish()
    return output.refusedCount < records.count ? .success : .failure
}

private func seconds(since start: ContinuousClock.Instant) -> Double {
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return Double(seconds) + Double(attoseconds) * 1e-18 + 1e-9
}

/// The records that paths mean: themselves, or all below a folder.
private func listed(_ paths: [FilePath]) throws -> [ListedRecord] {
    var records: [(path: FilePath, parts: Int)] = []
    for path in paths {
        if path.isFolder {
            let names = try RecordFolder.records(below: path)
            guard !names.isEmpty else {
                throw CommandError(.failure, "\(path): there is no WFDB header (.hea) in it")
            }
            let slash = UInt8(ascii: "/")
            records += names.map {
                (path.appending($0), $0.bytes.split(separator: slash).count)
            }
        } else {
            records.append((path, 1))
        }
    }
    return ListedRecord.named(records)
}
