import Checkpoints
import CommandLineInterface
import Electrocardiography
import Foundation
import Runtime
import Tensors

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
) { invocation in
    let path = invocation[record]
    if path.isFolder { return try exportFolder(path, invocation) }
    try checkOutput(invocation[output], option: output.name, apartFrom: [.record(path)])
    let exported = try export(path, as: invocation[output], invocation)
    if invocation[Flag.json] {
        Output.write(exported.json(output: invocation[output]))
    } else {
        for note in exported.notes { Log().warning("\(exported.name): \(note)") }
        Output.write(
            "\(invocation[output]): \(exported.signals.count) signals, \(exported.sampleCount) samples, \(exported.sampleRateHz) Hz"
        )
    }
    return .success
}

private func export(
    _ path: FilePath, as file: FilePath, _ invocation: Invocation
) throws -> WFDBRecord {
    let header = try WFDBHeader.read(path)
    var options = WFDBRecord.Options(frames: invocation[highRate] ? .expanded : .averaged)
    if invocation[from] != nil || invocation[to] != nil {
        let start = invocation[from] ?? 0
        guard let end = invocation[to] ?? header.sampleCount, end >= start else {
            throw CommandError(
                .usage, "--from and --to need a range of samples; --to must not be below --from")
        }
        options.range = start..<end
    }
    let record = try WFDBRecord.read(header, options: options)
    let signal = Tensor(shape: [record.signals.count, record.sampleCount])
    for (i, lead) in record.signals.enumerated() {
        let start = i * record.sampleCount
        for (t, value) in lead.samples.enumerated() { signal.floats[start + t] = value }
    }
    func list(_ texts: [String]) -> String { JSONValue.array(texts.map { .string($0) }).text() }
    try SafetensorsFile.write(
        [NamedTensor("signal", signal)],
        metadata: [
            "record": record.name, "rate_hz": "\(record.sampleRateHz)",
            "leads": list(record.signals.map(\.name)), "units": list(record.signals.map(\.units)),
            "comments": list(record.comments), "notes": list(record.notes),
        ], to: file)
    return record
}

extension WFDBRecord {
    fileprivate func json(output: FilePath) -> JSONValue {
        [
            "record": .string(name), "output": .string(output.text),
            "signals": .integer(Int64(signals.count)), "samples": .integer(Int64(sampleCount)),
            "rate_hz": .number(sampleRateHz), "notes": .array(notes.map { .string($0) }),
        ]
    }
}

private func exportFolder(_ folder: FilePath, _ invocation: Invocation) throws -> ExitCode {
    try checkOutputFolder(invocation[output], option: output.name)
    let names = try RecordFolder.records(below: folder)
    var refused: [(name: String, cause: String)] = []
    let line = ProgressLine()
    for (i, name) in names.enumerated() {
        let file = invocation[output].appending(name + ".safetensors")
        guard file.lastComponent.bytes.count <= Int(NAME_MAX) else {
            let cause = "a file cannot be called by this name and .safetensors; export it alone"
            refused.append((name.text, cause))
            if !invocation[Flag.json] { line.log("refused \(name): \(cause)") }
            continue
        }
        try file.parent.makeFolders()
        do {
            _ = try export(folder.appending(name), as: file, invocation)
        } catch let error as WFDBError {
            refused.append((name.text, "\(error)"))
            if !invocation[Flag.json] { line.log("refused \(name): \(error)") }
        }
        line.update("record \(i + 1)/\(names.count)")
    }
    line.finish()
    if invocation[Flag.json] {
        Output.write([
            "exported": .integer(Int64(names.count - refused.count)),
            "refused": .array(
                refused.map { ["record": .string($0.name), "cause": .string($0.cause)] }),
        ])
    } else {
        Output.write("\(names.count - refused.count) records exported, \(refused.count) refused")
    }
    return .success
}
