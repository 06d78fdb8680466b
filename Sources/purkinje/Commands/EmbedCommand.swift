import CommandLineInterface
import Electrocardiography
import Runtime
import Workflows

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
        [(output.name, given[output]), (table.name, given[table])],
        apartFrom: [.file(given[EncoderOptions.data])])
    let embeddings = try RecordEmbeddings(
        by: EncoderOptions.encoder(given),
        of: PreparedDataset(path: given[EncoderOptions.data]), EncoderOptions.embedding(given))
    let written = try embeddings.write(to: given[output])
    if let path = given[table] { try AtomicFile.write(embeddings.table, to: path) }
    Output.write(written, asJSON: given[.json])
    return .success
}
