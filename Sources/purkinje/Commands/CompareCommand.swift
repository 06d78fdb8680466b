import CommandLineInterface
import Evaluation
import EvaluationSchema
import Workflows

private let runs = Argument(repeated: "RUN", .directory, help: "The run directories.")

/// Sets runs side by side.
let compareCommand = Command(
    "compare",
    summary:
        "sets the encoders of several runs side by side, with intervals and paired differences",
    discussion: """
        Measures the newest whole checkpoint of each run as 'purkinje evaluate' does, on the same records, with the same \
        controls: what linear probe and k-NN make of its vectors, how far classes lie apart, and how much each run differs \
        from the first. The runs' test and validation folds must be the same. --report writes a page, with the study's figures \
        beside the tables.
        """,
    parameters: [
        EncoderOptions.data, EncoderOptions.testData, EncoderOptions.readout,
        EncoderOptions.centreCrop, EncoderOptions.minimumLikelihood, EncoderOptions.dropUnknown,
        ReportOptions.report, ReportOptions.clusterDimension, ReportOptions.perplexity,
        ReportOptions.mapRecords, ReportOptions.coordinates, EncoderOptions.seed,
        EncoderOptions.threads, Flag.json, runs,
    ],
    example: "purkinje compare runs/first runs/second --data ecg.purkinje"
) { given in
    try ReportOptions.checkReport(given)
    try ReportOptions.refuseIdle(given)
    let encoders = try given[runs].map {
        (name: $0.text, encoder: try EncoderOptions.encoder(of: $0))
    }
    guard let first = encoders.first else { throw CommandError(.usage, "RUN is missing") }
    let folds = first.encoder.configuration.data
    for (name, encoder) in encoders where encoder.configuration.data != folds {
        throw CommandError(
            .usage, "\(first.name) and \(name) keep other folds for validation and test")
    }
    let assessment = try EncoderOptions.assessment(
        given, of: first.encoder, protocols: [.linear, .knn, .clusters],
        clusterDimension: given[ReportOptions.clusterDimension], map: ReportOptions.map(given))
    let line = ProgressLine()
    let comparison = try RunComparison(of: encoders, on: assessment) {
        line.update("\($0): record \($1)/\($2)")
    }
    line.finish()
    let document = EvaluationDocument.comparison(
        comparison.summary(hasMaps: given[ReportOptions.coordinates]))
    if given[.json] {
        Output.write(document.json)
    } else {
        Output.write(comparison.tables.map(Output.table).joined(separator: "\n\n"))
    }
    try writePage(
        document, models: comparison.models + comparison.controls,
        records: assessment.records.test, given: given)
    return .success
}
