import CommandLineInterface
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
    let result = try RunComparison.result(
        of: given[runs], data: given[EncoderOptions.data],
        testData: given[EncoderOptions.testData],
        settings: EncoderOptions.assessment(given, protocols: [.linear, .knn, .clusters]),
        hasMaps: given[ReportOptions.coordinates])
    try ReportOptions.write(result, given)
    return .success
}
