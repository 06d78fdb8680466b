import Checkpoints
import CommandLineInterface
import Electrocardiography
import Evaluation
import LinearAlgebra
import Pretraining
import Runs
import Runtime
import Tensors

private let output = Option(required: "out", .file, help: "The safetensors file to write.")
private let table = Option(
    "csv", .file, otherwise: "no table", help: "Writes the same as comma-separated values, too.")

/// Writes one vector a record.
let embedCommand = Command(
    "embed",
    summary: "writes one vector for each record of a data set",
    discussion: """
        Takes the encoder of the newest whole checkpoint and embeds every record: the mean over its windows, and over the \
        crops that the method's authors use. The file has the tensors embeddings [records, numbers], folds [records] (0: \
        none) and labels [records, 5]; names of records and classes are in its metadata.
        """,
    parameters: [
        EncoderOptions.run, EncoderOptions.step, EncoderOptions.data, output, table,
        EncoderOptions.readout, EncoderOptions.centreCrop, EncoderOptions.threads, Flag.json,
    ],
    example: "purkinje embed --run runs/first --data ecg.purkinje --out embeddings.safetensors"
) { given in
    try checkOutputs(
        [CommandOutput(option: output.name, path: given[output])]
            + [given[table].map { CommandOutput(option: table.name, path: $0) }].compactMap(\.self),
        apartFrom: [.file(given[EncoderOptions.data])])
    let encoder = try EncoderOptions.encoder(given)
    let dataset = try PreparedDataset(path: given[EncoderOptions.data])
    let records = dataset.records()
    let readout = given[EncoderOptions.readout]
    let line = ProgressLine()
    let embeddings = try encoder.embed(
        records, of: dataset, readout: readout, centreCropOnly: given[EncoderOptions.centreCrop],
        threads: given[EncoderOptions.threads]
    ) { line.update("record \($0)/\(records.count)") }
    line.finish()
    let labels = Tensor(.uint8, shape: [records.count, LabelledRecords.classNames.count])
    let folds = Tensor(.int32, shape: [records.count])
    for (row, record) in records.enumerated() {
        for label in record.classes { labels.bytes[row * labels.shape[1] + label] = 1 }
        folds.bytes.storeBytes(
            of: Int32(record.description.fold ?? 0), toByteOffset: 4 * row, as: Int32.self)
    }
    func list(_ texts: [String]) -> String { JSONValue.array(texts.map { .string($0) }).text() }
    try SafetensorsFile.write(
        [
            NamedTensor(
                "embeddings",
                Tensor(
                    embeddings.values.map { Float($0) },
                    shape: [embeddings.rows, embeddings.columns])),
            NamedTensor("folds", folds), NamedTensor("labels", labels),
        ],
        metadata: [
            "records": list(records.map(\.description.name)),
            "classes": list(LabelledRecords.classNames), "readout": readout.rawValue,
            "method": encoder.configuration.method.name, "step": "\(encoder.step)",
            "state_sha256": encoder.stateDigest?.description ?? "",
            "data_sha256": dataset.digest.description,
        ], to: given[output])
    if let path = given[table] {
        try AtomicFile.write(text(embeddings, of: records), to: path)
    }
    if given[.json] {
        Output.write([
            "file": .string(given[output].text), "records": .integer(Int64(records.count)),
            "dimension": .integer(Int64(embeddings.columns)), "readout": .string(readout.rawValue),
            "step": .integer(Int64(encoder.step)),
        ])
    } else {
        Output.write(
            "\(given[output]): \(records.count) records, \(embeddings.columns) numbers each, "
                + "step \(encoder.step)")
    }
    return .success
}

/// One line a record: name, fold, superclasses, numbers.
private func text(_ embeddings: Matrix, of records: [EvaluatedRecord]) -> String {
    let numbers = (0..<embeddings.columns).map { "e\($0)" }
    var lines = [(["record", "fold", "superclasses"] + numbers).joined(separator: ",")]
    for (row, record) in records.enumerated() {
        let name = CommaSeparated.cell(record.description.name)
        let classes = record.classes.map { LabelledRecords.classNames[$0] }.joined(separator: "+")
        lines.append(
            ([name, record.description.fold.map { "\($0)" } ?? "", classes]
                + embeddings.row(row).map { "\(Float($0))" }).joined(separator: ","))
    }
    return lines.joined(separator: "\n") + "\n"
}
