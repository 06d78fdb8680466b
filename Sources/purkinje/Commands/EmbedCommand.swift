import CommandLineInterface
import Electrocardiography
import Evaluation
import Runtime
import Workflows

private let output = Option(required: "out", .file, help: "The safetensors file to write.")
private let table = Option(
    "csv", .file, otherwise: "no table", help: "Writes the same as comma-separated values, too.")

private let randomWeights = Flag(
    "random-weights",
    help:
        "Take the encoder as it was before the first step, as the control random of evaluate does.")
private let scores = Flag(
    "scores", help: "Write what the method's own head says of each record, too.")

/// Writes one vector a record.
let embedCommand = Command(
    "embed",
    summary: "writes one vector for each record of a data set",
    discussion: """
        Takes the encoder of the newest whole checkpoint and embeds every record: the mean over its windows, and over the \
        crops that the method's authors use. The file has the tensors embeddings [records, numbers], folds [records] (0: \
        none) and labels [records, 5]; names of records and classes are in its metadata. --scores adds scores [records, 5], the \
        probabilities by the head of a run of the method finetune; the run has been trained on some of these records.
        """,
    parameters: [
        EncoderOptions.run, EncoderOptions.step, EncoderOptions.data, output, table,
        EncoderOptions.readout, EncoderOptions.centreCrop, randomWeights, scores,
        EncoderOptions.threads, Flag.json,
    ],
    example: "purkinje embed --run runs/first --data ecg.purkinje --out embeddings.safetensors"
) { given in
    try checkOutputs(
        [(output.name, given[output]), (table.name, given[table])],
        apartFrom: [.file(given[EncoderOptions.data])])
    if given[randomWeights] {
        try given.refuse([EncoderOptions.step], "with --random-weights")
    }
    let dataset = try PreparedDataset(path: given[EncoderOptions.data])
    let encoder =
        given[randomWeights]
        ? try TrainedEncoder(withRandomWeightsOf: given[EncoderOptions.run], dataset: dataset)
        : try EncoderOptions.encoder(given)
    let embeddings = try RecordEmbeddings(
        by: encoder, of: dataset, EncoderOptions.embedding(given), hasScores: given[scores])
    let written = try embeddings.write(to: given[output])
    if let path = given[table] { try AtomicFile.write(embeddings.table, to: path) }
    Output.write(written, asJSON: given[.json])
    return .success
}
