import CommandLineInterface
import Runtime
import Workflows

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
        leads and length, and those whose headers cannot be read; with any of these the code is 1. A prepared set: its windows, folds, classes and digest, every \
        byte checked. Pictures have 25 mm/s and 10 mm/mV, or half of it where a curve would leave the page.
        """,
    parameters: [path, picture, window, from, Flag.json],
    example: "purkinje data inspect data/ptb-xl/records500/00000/00001_hr --svg 1.svg"
) { given in
    let subject = given[path]
    if subject.isFolder {
        guard given[picture] == nil else {
            throw CommandError(.usage, "--svg draws one record; name one of the folder's")
        }
        try given.refuse([window, from], "for a folder")
        let inspection = try FolderInspection(subject)
        Output.write(inspection, asJSON: given[.json])
        return inspection.hasBrokenRecords ? .failure : .success
    }
    try checkOutput(
        given[picture], option: picture.name, apartFrom: [.record(subject), .file(subject)])
    let isRecord = subject.hasSuffix(".hea") || !subject.exists
    if isRecord { try given.refuse([window], "for a record, which is whole") }
    if !isRecord { try given.refuse([from], "for a prepared set; its windows have --window") }
    if given[picture] == nil { try given.refuse([from], "without --svg") }
    if isRecord {
        let inspection = try RecordInspection(subject)
        if let file = given[picture] {
            try AtomicFile.write(inspection.picture(from: given[from]), to: file)
        }
        Output.write(inspection, asJSON: given[.json])
    } else {
        let inspection = try PreparedInspection(subject, window: given[window])
        if let file = given[picture] { try AtomicFile.write(inspection.picture(), to: file) }
        Output.write(inspection, asJSON: given[.json])
    }
    return .success
}
