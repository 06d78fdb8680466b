import CommandLineInterface
import Electrocardiography
import Foundation
import Runtime

private let path = Argument(
    "PATH", .file, help: "A record (with or without .hea), a folder of records, or a prepared set.")
private let picture = Option(
    "svg", .file, otherwise: "no picture", help: "Draws the record on ECG paper into this file.")
private let window = Option(
    "window", .integer(0...), default: 0, help: "Which window of a prepared set to show and draw.")
private let from = Option(
    "from", .number(0...), default: 0, help: "The second of the record at which the picture begins."
)

/// Says what a record, a folder or a prepared set holds.
let dataInspectCommand = Command(
    "data inspect",
    summary: "summarises a record, a folder or a prepared set, and draws records on ECG paper",
    discussion: """
        A record: its signals with range and invalid samples, and the header's comments. A folder: its records by rate, \
        leads and length, and those that cannot be read. A prepared set: its windows, folds, classes and digest, every \
        byte checked. Pictures have 25 mm/s and 10 mm/mV, or half of it where a curve would leave the page.
        """,
    parameters: [path, picture, window, from, Flag.json],
    example: "purkinje data inspect data/ptb-xl/records500/00000/00001_hr --svg 1.svg"
) { invocation in
    let subject = invocation[path]
    if subject.isFolder {
        guard invocation[picture] == nil else {
            throw CommandError(.usage, "--svg draws one record; name one of the folder's")
        }
        try invocation.refuse([window, from], "for a folder")
        return try inspectFolder(subject, invocation)
    }
    try checkOutput(
        invocation[picture], option: picture.name, apartFrom: [.record(subject), .file(subject)])
    let isHeader = subject.hasSuffix(".hea") || !subject.exists
    if isHeader { try invocation.refuse([window], "for a record, which is whole") }
    if !isHeader { try invocation.refuse([from], "for a prepared set; its windows have --window") }
    if invocation[picture] == nil { try invocation.refuse([from], "without --svg") }
    return isHeader
        ? try inspectRecord(subject, invocation) : try inspectPrepared(subject, invocation)
}

private func inspectRecord(_ subject: FilePath, _ invocation: Invocation) throws -> ExitCode {
    let record = try WFDBRecord.read(subject, options: .init(correctsNormalisedGains: true))
    let ranges = record.signals.map { SignalRange($0.samples) }
    if let file = invocation[picture] {
        // As a number with a point: seconds without end are no sample.
        let place = (invocation[from] * record.sampleRateHz).rounded()
        guard place < Double(max(1, record.sampleCount)) else {
            throw CommandError(.usage, "--from \(invocation[from]) lies behind the record's end")
        }
        let start = Int(place)
        let seconds = Double(record.sampleCount) / record.sampleRateHz
        let about = record.comments.map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty && !$0.hasSuffix("Unknown") }
        let paper = ECGPaper(
            title: [
                "\(record.name)\(record.recordedAt.isEmpty ? "" : " · ")\(record.recordedAt)",
                "\(decimals(record.sampleRateHz, 0)) Hz, \(decimals(seconds, 1)) s",
                String(about.joined(separator: " · ").prefix(150)),
            ],
            traces: record.signals.filter { $0.units == "mV" }.map {
                ECGPaper.Trace(name: $0.name, millivolts: Array($0.samples.dropFirst(start)))
            }, sampleRateHz: record.sampleRateHz)
        try AtomicFile.write(paper.svg, to: file)
    }
    if invocation[Flag.json] {
        let signals = zip(record.signals, ranges).map { signal, range -> JSONValue in
            [
                "name": .string(signal.name), "units": .string(signal.units),
                "minimum": .measured(range.minimum), "maximum": .measured(range.maximum),
                "invalid_samples": .integer(Int64(range.invalidCount)),
            ]
        }
        Output.write([
            "kind": "record", "record": .string(record.name),
            "rate_hz": .number(record.sampleRateHz),
            "samples": .integer(Int64(record.sampleCount)), "signals": .array(signals),
            "comments": .array(record.comments.map { .string($0) }),
            "notes": .array(record.notes.map { .string($0) }),
        ])
        return .success
    }
    var rows = [["signal", "unit", "minimum", "maximum", "invalid"]]
    for (signal, range) in zip(record.signals, ranges) {
        rows.append([
            signal.name, signal.units, decimals(range.minimum, 3), decimals(range.maximum, 3),
            "\(range.invalidCount)",
        ])
    }
    let seconds = Double(record.sampleCount) / record.sampleRateHz
    Output.write(
        "\(record.name): \(record.signals.count) signals, \(record.sampleRateHz) Hz, \(record.sampleCount) samples (\(decimals(seconds, 2)) s) \(record.recordedAt)"
    )
    Output.write(Output.table(rows))
    for comment in record.comments { Output.write("#\(comment)") }
    for note in record.notes { Output.write("note: \(note)") }
    return .success
}

/// Extremes of a signal.
private struct SignalRange {
    var minimum = Double.infinity
    var maximum = -Double.infinity
    var invalidCount = 0

    init(_ samples: [Float]) {
        for value in samples {
            if value.isNaN {
                invalidCount += 1
            } else {
                minimum = min(minimum, Double(value))
                maximum = max(maximum, Double(value))
            }
        }
    }
}

private func inspectFolder(_ folder: FilePath, _ invocation: Invocation) throws -> ExitCode {
    let names = try RecordFolder.records(below: folder)
    var kinds: [String: Int] = [:]
    var broken: [(name: String, cause: String)] = []
    for name in names {
        do {
            let header = try WFDBHeader.read(folder.appending(name))
            let seconds = header.sampleCount.map { Double($0) / header.sampleRateHz }
            let leads = Set(header.signals.compactMap { Lead(headerName: $0.description) }).count
            let what = header.segments.isEmpty ? "\(leads) standard leads" : "several segments"
            let length =
                seconds.map { $0 < 10 ? "below 10 s" : $0 == 10 ? "10 s" : "above 10 s" }
                ?? "unknown length"
            let gains = header.signals.allSatisfy(\.isCalibrated) ? "" : ", uncalibrated"
            kinds[
                "\(header.sampleRateHz) Hz, \(header.signalCount) signals, \(what), \(length)\(gains)",
                default: 0] += 1
        } catch {
            broken.append((name.text, "\(error)"))
        }
    }
    let sorted = kinds.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    if invocation[Flag.json] {
        Output.write([
            "kind": "folder", "records": .integer(Int64(names.count)),
            "kinds": .array(
                sorted.map { ["kind": .string($0.key), "records": .integer(Int64($0.value))] }),
            "broken": .array(
                broken.map { ["record": .string($0.name), "cause": .string($0.cause)] }),
        ])
        return .success
    }
    Output.write("\(folder): \(names.count) records")
    Output.write(Output.table([["records", "kind"]] + sorted.map { ["\($0.value)", $0.key] }))
    for (name, cause) in broken { Output.write("broken: \(name): \(cause)") }
    return .success
}

private func inspectPrepared(_ file: FilePath, _ invocation: Invocation) throws -> ExitCode {
    let set = try PreparedDataset(path: file)
    try set.verify()
    guard set.windowCount > 0, invocation[window] < set.windowCount else {
        throw CommandError(.usage, "--window needs a number below \(set.windowCount)")
    }
    if let picture = invocation[picture] { try draw(set, invocation[window], into: picture) }
    var folds: [Int: Int] = [:]
    var classes: [String: Int] = [:]
    // As bytes: a `String` takes two spellings of one letter for the same name.
    var records: Set<[UInt8]> = []
    for index in 0..<set.windowCount {
        let record = set.window(index).record
        guard records.insert(Array("\(record.source) \(record.name)".utf8)).inserted else {
            continue
        }
        folds[record.fold ?? 0, default: 0] += 1
        let members = record.superclasses.members
        if members.isEmpty { classes["none", default: 0] += 1 }
        for member in members { classes[member.name, default: 0] += 1 }
    }
    let foldNames = folds.sorted { $0.key < $1.key }.map {
        ($0.key == 0 ? "none" : "\($0.key)", $0.value)
    }
    let classNames = classes.sorted { $0.key < $1.key }
    if invocation[Flag.json] {
        func object(_ pairs: [(String, Int)]) -> JSONValue {
            .object(Dictionary(uniqueKeysWithValues: pairs.map { ($0.0, .integer(Int64($0.1))) }))
        }
        Output.write([
            "kind": "prepared", "records": .integer(Int64(set.recordCount)),
            "windows": .integer(Int64(set.windowCount)), "rate_hz": .number(set.sampleRateHz),
            "samples_per_window": .integer(Int64(set.samplesPerWindow)),
            "clinical_features_per_window": .integer(Int64(set.clinicalFeatureCount)),
            "clinical_features_version": set.clinicalFeatureVersion.map { .string($0) } ?? .null,
            "digest": .string("sha256:\(set.digest)"), "records_by_fold": object(foldNames),
            "records_by_superclass": object(classNames.map { ($0.key, $0.value) }),
            "sources": .array(set.sources.map { .string($0) }),
        ])
        return .success
    }
    Output.write(
        "\(file): \(set.recordCount) records, \(set.windowCount) windows of \(set.samplesPerWindow) samples at \(set.sampleRateHz) Hz, every byte checked"
    )
    Output.write("sha256:\(set.digest)")
    Output.write("records by fold: " + foldNames.map { "\($0.0): \($0.1)" }.joined(separator: ", "))
    Output.write(
        "records by superclass: "
            + classNames.map { "\($0.key): \($0.value)" }.joined(separator: ", "))
    Output.write("window \(invocation[window]): \(text(of: set.window(invocation[window])))")
    return .success
}

private func draw(_ set: PreparedDataset, _ index: Int, into file: FilePath) throws {
    let count = set.samplesPerWindow
    var signal = [Float](repeating: 0, count: Lead.allCases.count * count)
    var span = signal.mutableSpan
    try set.readMillivolts(window: index, into: &span)
    let traces = Lead.allCases.map { lead in
        ECGPaper.Trace(
            name: lead.name,
            millivolts: Array(signal[lead.rawValue * count..<(lead.rawValue + 1) * count]))
    }
    let paper = ECGPaper(
        title: [
            text(of: set.window(index)), "\(decimals(set.sampleRateHz, 0)) Hz, window \(index)",
        ],
        traces: traces, sampleRateHz: set.sampleRateHz)
    try AtomicFile.write(paper.svg, to: file)
}

private func text(of window: WindowDescription) -> String {
    let record = window.record
    var parts = ["record \(record.name)"]
    if window.piece > 0 { parts.append("piece \(window.piece)") }
    if let fold = record.fold { parts.append("fold \(fold)") }
    if let age = record.ageYears { parts.append("\(decimals(Double(age), 0)) years") }
    if let sex = record.sex { parts.append("\(sex)") }
    let codes = record.codes.map { code in
        code.likelihood.map { "\(code.code) \(decimals(Double($0), 0))" } ?? code.code
    }
    if !codes.isEmpty { parts.append(codes.joined(separator: " ")) }
    return parts.joined(separator: ", ")
}
