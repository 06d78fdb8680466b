import CommandLineInterface
import Runtime
import Workflows

private let record = Argument(
    "RECORD", .file,
    help: "A record, with or without .hea; or a folder, of which every record is exported.")
private let output = Option(
    required: "out", .file, help: "The safetensors file; for a folder of records, a folder.")
private let from = Option(
    "from", .integer(0...), otherwise: "the first", help: "The first sample to read.")
private let to = Option(
    "to", .integer(0...), otherwise: "the end", help: "The sample to stop before.")
private let highRate = Flag(
    "high-rate",
    help:
        "Keep the highest rate of the record and repeat slower signals, instead of averaging frames."
)

/// Writes records as they were read.
let dataExportCommand = Command(
    "data export",
    summary: "writes a record as it was read into a safetensors file",
    discussion: """
        The tensor `signal` has shape [leads, samples], float32, voltages in mV, NaN where a sample is invalid; names of \
        leads, units and rate are in the metadata. Nothing is filtered, resampled or reordered. For a folder, writes \
        every record that can be read under its path, and names the others with the cause.
        """,
    parameters: [record, output, from, to, highRate, Flag.json],
    example: "purkinje data export data/ptb-xl/records500/00000/00001_hr --out 1.safetensors"
) { given in
    let path = given[record]
    let export = RecordExport(
        from: given[from], to: given[to], keepsHighRate: given[highRate])
    if path.isFolder {
        try checkOutputFolder(given[output], option: output.name)
        let result = try export.writeAll(
            below: path, into: given[output], namesRefused: !given[.json])
        Output.write(result, asJSON: given[.json])
        return .success
    }
    try checkOutput(given[output], option: output.name, apartFrom: [.record(path)])
    let exported = try export.write(path, as: given[output])
    if !given[.json] {
        for warning in exported.warnings { Log().warning(warning) }
    }
    Output.write(exported, asJSON: given[.json])
    return .success
}
