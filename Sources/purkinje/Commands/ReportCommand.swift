import Checkpoints
import CommandLineInterface
import Electrocardiography
import Evaluation
import Foundation
import Pretraining
import Reporting
import Runs
import Runtime
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
    if given[records] > 0 {
        let configuration = try directory.read().configuration
        if !(configuration.makeMethod() is any Reconstructs) {
            try given.refuse(
                [records],
                "for a run of \(configuration.method.name): only st-mem reconstructs records")
        }
    }
    let input = try given[data] ?? directory.read().dataPath
    try checkOutput(
        given[output], option: output.name,
        apartFrom: [input.map { .file($0) }].compactMap(\.self))
    let dataset = try dataset(of: directory, data: given[data])
    let pictures =
        try dataset.map {
            try reconstructions(of: directory, in: $0, count: given[records])
                + embeddingMap(of: directory, in: $0, given: given)
        } ?? []
    let html = try RunReport(directory, pictures: pictures).html
    try AtomicFile.write(html, to: given[output])
    if given[Flag.json] {
        Output.write([
            "file": .string(given[output].text), "bytes": .integer(Int64(html.utf8.count)),
        ])
    } else {
        Output.write("\(given[output]): \(html.utf8.count / 1024) KiB, opens in any browser")
    }
    return .success
}

/// The data set that the user or the run names; `nil`, with a warning, where there is none.
private func dataset(of directory: RunDirectory, data: FilePath?) throws -> PreparedDataset? {
    if let data { return try PreparedDataset(path: data) }
    let path = try directory.read().dataPath
    guard let path, path.exists else {
        Log().warning(
            "the data set is not where the run says; name it with --data for drawings of records")
        return nil
    }
    return try PreparedDataset(path: path)
}

/// Drawings of records with what the model makes of them, where the method can.
private func reconstructions(
    of directory: RunDirectory, in dataset: PreparedDataset, count: Int
) throws -> [ReportPage.Section] {
    let record = try directory.read()
    guard count > 0, record.configuration.makeMethod() is any Reconstructs else { return [] }
    let fold = record.configuration.data.validationFold
    let windows = (0..<dataset.windowCount).filter { dataset.window($0).record.fold == fold }
    guard !windows.isEmpty else { return [] }
    let reconstructor = try Reconstructor(run: directory)
    let figures = try windows.prefix(count).map { window in
        let picture = try reconstructor.picture(of: window, in: dataset, seed: 0)
        return "<figure class=\"paper\">\(picture.svg)</figure>"
    }
    return [
        .init(
            title: "Reconstructions",
            body:
                "<p>Records of the validation fold; what the model did not see is drawn as it fills it in.</p>"
                + figures.joined())
    ]
}

/// The validation fold's labelled records in a plane, by the newest checkpoint's vectors.
///
/// Fold 10 is left to evaluations; pretraining has not learnt from fold 9 either.
private func embeddingMap(
    of directory: RunDirectory, in dataset: PreparedDataset, given: Invocation
) throws -> [ReportPage.Section] {
    let configuration = try directory.read().configuration
    let fold = configuration.data.validationFold
    let labelled = dataset.records().filter {
        $0.description.fold == fold && !$0.classes.isEmpty
    }
    let store = CheckpointStore(path: directory.checkpointsPath)
    if given[mapRecords] > 0, labelled.count < 2 {
        Log().info(
            "no map of records: \(labelled.count) records of the validation fold (\(fold)) have a label"
        )
    }
    guard given[mapRecords] > 0, labelled.count > 1, try !store.list().isEmpty,
        configuration.makeMethod().embedding != nil
    else { return [] }
    let encoder = try EncoderOptions.encoder(of: directory.path)
    let readout = given[EncoderOptions.readout]
    guard encoder.has(readout) else {
        throw EvaluationError.noReadout(
            method: configuration.method.name, readout: readout.rawValue)
    }
    let kept = RecordMap.sample(given[mapRecords], of: labelled.count, seed: 0).map { labelled[$0] }
    let line = ProgressLine()
    let features = try encoder.embed(
        kept, of: dataset, readout: readout, centreCropOnly: true,
        threads: given[EncoderOptions.threads]
    ) { line.update("map: record \($0)/\(kept.count)") }
    line.finish()
    let map = try RecordMap(
        features, fittedTo: features, settings: MapSettings(perplexity: given[perplexity]), seed: 0)
    let figures = map.drawings(of: kept).map {
        "<div><h3>\($0.title.htmlEscaped)</h3>\($0.chart.html)</div>"
    }
    return [
        .init(
            title: "Records in a plane",
            body:
                "<p>The \(kept.count) labelled records of the validation fold by the vectors of step "
                + "\(encoder.step), which no label has touched unless the method trains on labels. Colour and shape are the "
                + "diagnosis; hover over a mark for its name and labels. t‑SNE keeps neighbours together, and nothing "
                + "else: distances between groups mean nothing.</p><div class=\"maps\">\(figures.joined())</div>"
        )
    ]
}
