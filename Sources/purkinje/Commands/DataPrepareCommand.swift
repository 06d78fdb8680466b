import ClinicalParameters
import CommandLineInterface
import Electrocardiography
import Foundation
import Runtime

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
    "threads", .count, otherwise: "all processors", help: "Threads that read and resample.")

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
) { invocation in
    guard invocation[rate] <= 20_000 else {
        throw CommandError(.usage, "--rate needs at most 20000, not \(invocation[rate])")
    }
    try checkPlaces(of: invocation[output], apartFrom: invocation[sources])
    let stop = try StopRequest.install { name in
        Log().info(
            "\(name): finishing the records that are being read; \(SignalRule.hint)")
    }
    let preparation = DatasetPreparation(
        .init(
            sources: invocation[sources], output: invocation[output], rateHz: invocation[rate],
            takesFirstWindowOnly: invocation[windows] == "first",
            sourceRateHz: invocation[sourceRate].flatMap(Double.init),
            keepsUniqueOnly: invocation[unique],
            threads: invocation[threads] ?? ProcessInfo.processInfo.activeProcessorCount,
            features: ClinicalFeatures.ofWindows))
    let line = ProgressLine()
    // Listing the sources comes first and would spoil the rate.
    var start: ContinuousClock.Instant?
    var resumed = false
    let outcome = try describingFailures(output: invocation[output]) {
        try preparation.run(shouldStop: { stop.isMade }) { progress in
            if progress.resumedRecords > 0, !resumed {
                resumed = true
                line.log("going on after \(progress.resumedRecords) records of an earlier attempt")
            }
            line.update(text(of: progress, since: start ?? .now))
            if start == nil { start = .now }
        }
    }
    line.finish()
    switch outcome {
    case .finished(let report):
        if invocation[Flag.json] {
            Output.write(report.json)
        } else {
            Output.write(text(of: report))
        }
        return .success
    case .interrupted(let progress):
        Log().info(
            "\(progress.recordsDone) of \(progress.recordsInAll) records are done; the same command goes on from there"
        )
        return .interrupted
    }
}

/// Finds out before the work whether all files can have their names; the unfinished ones lie beside a link's target.
private func checkPlaces(of output: FilePath, apartFrom sources: [FilePath]) throws {
    func place(_ path: FilePath) -> CommandOutput {
        CommandOutput(option: "out", path: path, isStreamed: false)
    }
    let inputs = sources.map { CommandInput.records(below: $0) }
    try checkOutputs([place(output)], apartFrom: inputs)
    let target = try output.followingLinks()
    // What most file systems take, less the ending of the longest name that is made of it.
    let room = Int(NAME_MAX) - ".partial.journal".utf8.count
    let length = max(output.lastComponent.bytes.count, target.lastComponent.bytes.count)
    guard length <= room else {
        throw CommandError(
            .usage,
            "--out \(output): the name has \(length) bytes; give it at most \(room), since files with longer "
                + "names are written beside it (.report.json, .partial.journal)")
    }
    try checkOutputs(
        [output + ".report.json", target + ".partial", target + ".partial.journal"].map(place),
        apartFrom: inputs)
}

/// Says what a lock that is held and a full disk mean.
private func describingFailures<Result>(
    output: FilePath, _ body: () throws -> Result
) throws -> Result {
    do {
        return try body()
    } catch let error as SystemError where error.call == "flock" && error.code == EWOULDBLOCK {
        throw CommandError(
            .failure,
            "\(output): another `data prepare` is writing this file; wait for it, or stop it")
    } catch let error as SystemError {
        guard let remedy = error.remedyForRoom else { throw error }
        throw CommandError(
            .failure, "\(error); \(remedy), and the same command goes on from there")
    }
}

private func text(
    of progress: DatasetPreparation.Progress, since start: ContinuousClock.Instant
) -> String {
    let fresh = Double(progress.recordsDone - progress.resumedRecords)
    let elapsed = ContinuousClock.now - start
    let seconds =
        Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    let rate = seconds > 0 ? fresh / seconds : 0
    var parts = [
        "record \(progress.recordsDone)/\(progress.recordsInAll)", "\(progress.windows) windows",
    ]
    if seconds > 0.5, rate > 0 {
        let left = Double(progress.recordsInAll - progress.recordsDone) / rate
        parts += ["\(decimals(rate, 0)) records/s", "\(roughTime(left)) left"]
    }
    return parts.joined(separator: "  ")
}

private func text(of report: PreparationReport) -> String {
    var rows = [["source", "kind", "found", "records", "windows", "skipped"]]
    for (number, source) in report.sources.enumerated() {
        let skipped = report.skipped.count { $0.source == number }
        rows.append([
            source.path.text, source.kind, "\(source.foundCount)", "\(source.recordCount)",
            "\(source.windowCount)", "\(skipped)",
        ])
    }
    var lines = [Output.table(rows), ""]
    for source in report.sources where source.missingFileCount > 0 {
        lines.append(
            "\(source.path): \(source.missingFileCount) rows of the label table have no file here")
    }
    for source in report.sources where source.invalidWindowCount > 0 {
        lines.append(
            "\(source.path): \(source.invalidWindowCount) windows left out for invalid samples")
    }
    for (reason, count) in report.skippedByReason {
        let name = reason.rawValue.replacingOccurrences(of: "_", with: " ")
        lines.append("skipped, \(name): \(count)")
        let records = report.skipped.filter { $0.reason == reason }
        for record in records.prefix(10) { lines.append("  \(record.record): \(record.detail)") }
        if records.count > 10 { lines.append("  and \(records.count - 10) more") }
    }
    if !report.duplicates.isEmpty {
        let kept = report.duplicates.contains(where: \.isKept) ? "kept" : "left out"
        lines.append("same samples under two names, \(kept): \(report.duplicates.count)")
        for pair in report.duplicates.prefix(10) {
            lines.append("  \(pair.record) = \(pair.sameAs)")
        }
    }
    for note in report.notes { lines.append("note (\(note.count)): \(note.text)") }
    lines.append(
        "\(report.recordCount) records, \(report.windowCount) windows: \(report.folds.training) records to train (folds 1-8 or none), \(report.folds.validation) of fold 9, \(report.folds.test) of fold 10"
    )
    lines.append("\(report.output)  sha256:\(report.digest)")
    lines.append("every record that was left out: \(report.output).report.json")
    return lines.joined(separator: "\n")
}
