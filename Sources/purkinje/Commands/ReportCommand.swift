import CommandLineInterface
import Evaluation
import Runs
import Workflows

private let run = Argument("DIR", .directory, help: "The run directory.")
private let output = Option(required: "out", .file, help: "The HTML file to write.")
private let data = Option(
    "data", .file, otherwise: "the data set that the run names",
    help: "The prepared data set, for drawings of records.")
private let mapRecords = Option(
    "map-records", .integer(0...), default: 1000,
    help: "Labelled records of the validation fold in the embedding map, at most. 0: no map.")
private let perplexity = ReportOptions.perplexity
private let records = Option(
    "records", .integer(0...20), default: 2, help: "Records of the validation fold to draw.")

/// Writes one self-contained page about a run.
let reportCommand = Command(
    "report",
    summary: "writes one self-contained HTML page about a run",
    discussion: """
        Curves, throughput, workers and faults over time, codebook use, settings, and the commands to do it again; for \
        st-mem reconstructions of records, and with a labelled data set a map of the newest checkpoint's vectors, coloured \
        by diagnosis. The page needs no network, follows the reader's light or dark theme, and prints. It can be made \
        while the run goes on. 'purkinje evaluate --report' says how good the encoder is.
        """,
    parameters: [
        run, output, data, records, mapRecords, perplexity, EncoderOptions.readout,
        EncoderOptions.threads, Flag.json,
    ],
    example: "purkinje report runs/first --out first.html"
) { given in
    let directory = RunDirectory(path: given[run])
    if given[mapRecords] == 0 {
        try given.refuse(
            [perplexity, EncoderOptions.readout, EncoderOptions.threads], "with --map-records 0")
    }
    let page = try RunPage(
        directory,
        .init(
            records: given[records], mapRecords: given[mapRecords], perplexity: given[perplexity],
            embedding: EmbeddingSettings(
                readout: given[EncoderOptions.readout], centreCropOnly: true,
                threads: given[EncoderOptions.threads])))
    if given[records] > 0, !page.reconstructsRecords {
        try given.refuse(
            [records],
            "for a run of \(page.record.configuration.method.name): only st-mem reconstructs records"
        )
    }
    let input = given[data] ?? page.record.dataPath
    try checkOutput(
        given[output], option: output.name,
        apartFrom: [input.map { .file($0) }].compactMap(\.self))
    Output.write(
        try page.write(to: given[output], data: given[data]), asJSON: given[Flag.json])
    return .success
}
